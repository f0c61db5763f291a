"""`segments console`: pages for everyone, read only, from what the workers write and say.

asking         questions to the workers
console        what the pages share
counting       counts of all customers, by the workers
customer_page  search, and one customer
database       the file: counts by hour, and each customer's membership record
drawing        pictures as SVG
entry          the login, and the headers of every answer
figures        the numbers of all segments, in memory
health_page    whether anything is wrong right now
history        one customer's past, read on request
lanes          the rows of a customer's swim lanes
live           server-sent events
membership     what the database tells of one segment or customer
problems       what is wrong right now
reader         reads the topics along, into the database
recorded       records as they are taken in
render         pages from templates: languages, dates, text from outside
reporting      what `segments report` tells, on request
rules          titles and words of the rules
segment_page   one segment
segments_page  the page of all segments
server         all pages, behind guard and login
state          loading, ready, empty, error or partial
texts          what the console says, in two languages
try_page       a rule with other numbers
trying         trials on past events
worded         what is measured, in words
workers        who serves which partition
"""
