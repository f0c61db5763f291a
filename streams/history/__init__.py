"""Past records, for `segments replay`, `try`, and measures that are filled.

files   the records of a log file of JSON lines
lines   JSON lines with file and line number for messages
reader  what a trial asks of a history, and how it reads one from a file
topics  the records that the input topics still hold
"""
