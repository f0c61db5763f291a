"""What came of segments: the figures of `segments report`.

activity    what members did, as plain values
arms        customers of an experiment by arm, each once
comparison  the arms compared, and what may be concluded
figures     a report as plain values, without a number of fewer than ten customers
gathering   the records of one partition, by customer
inside      what customers did while they were in a segment
linked      ids that became one customer, over all partitions
past        the events of one customer, and those of them that count
period      which episodes count, and the smallest number that is told
statistics  intervals and tests
stays       the stays of one customer, from enters and exits
sums        the sums of a report, fed customer by customer
telling     numbers as they are told: none of fewer than ten customers
waiting     enters of which no outcome has matured
"""
