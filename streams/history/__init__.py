"""Past records, for `segments replay`, `try`, and measures that are filled.

files   the records of a log file of JSON lines
joined  a history in which ids became one customer, each record under the id that goes on
lines   JSON lines with file and line number for messages
links   the past of the topics, with their links followed
reader  what a trial asks of a history, and how it reads one from a file
topics  the records that the input topics still hold
"""
