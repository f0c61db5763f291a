"""`segments report`: from the topics to text, JSON and a page.

arms      treated and control in words
charts    pictures as SVG
page      a report as a page, in one file
fetching  the bytes of the topics
partition one partition of the topics
processes several partitions at once
reading   the topics
speaking  texts, numbers and instants in a language
taking    fetched records, given to what gathers them by customer
texts     what is said, in two languages
told      a report for the terminal
whole     which segments it is about, and the figures of each
words     the rows of a report in words
"""
