"""`segments report`: from the topics to text, JSON and a page.

arms     treated and control in words
charts   pictures as SVG
page     a report as a page, in one file
fetching the bytes of the topics
reading  the topics, partition by partition
speaking texts, numbers and instants in a language
texts    what is said, in two languages
told     a report for the terminal
whole    which segments it is about, and the figures of each
words    the rows of a report in words
"""
