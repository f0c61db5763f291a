"""`segments console`: pages for everyone, read only, from what the workers write and say.

console        what the pages share
database       the file: counts by hour, and each customer's membership record
entry          the login, and the headers of every answer
figures        the numbers of all segments, in memory
live           server-sent events
reader         reads the topics along, into the database
render         pages from templates: languages, dates, text from outside
rules          titles and words of the rules
segments_page  the page of all segments
server         all pages, behind guard and login
state          loading, ready, empty, error or partial
texts          what the console says, in two languages
workers        who serves which partition
"""
