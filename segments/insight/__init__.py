"""Questions about rules and customers that change nothing; everything here reads the engine and is not read by it.

about       all facts about one rule, under the headings that `segments show` prints
alone       one customer of a log, in a fraction of the time of the whole log
by_history  borders taken from a history at its end
census      all customers at one moment, counted
counted     all rules on past events: sizes at the end, enters and exits by day
deploying   the deployments in a log of lines
findings    the figures of a trial
fitting     models of purchases, fitted to what customers did
going       which deployments a partition runs that lives through a log of them
histogram   the values of all customers drawn, with the cuts of a border
identity    where an id goes on, and what was merged into one
in_words    evidence in words, for those who do not read the notation of rules
length      how many bytes the record of an event has
logs        events as dicts, by partition and topic
notebook    `segments.replay`, `.why` and `.lint`: plain values in, plain values out
outcomes    the statistics of what came of segments
owners      under which id a record counts, where ids became one customer
plain       plain values to records of the engine, and flips back to plain values
planned     the same answers from a plan alone, where a partition has no rule files
proving     runs the stories of rules through the engine
ranking     the border of the best N per cent of all customers
remembered  which events and fields a rule keeps of a customer, and for how long
replay      a log through the engine, without Kafka and without a wall clock
sides       two rule sets on one history: who would enter, leave, stay
size        bytes that a rule keeps of one customer, measured on an invented one
sizes       all rules at one instant: the size of each segment, overlap, who is in none
tally       what became of the records of a log: applied, late, refused and why
told        evidence in lines for people: the one printer of `why`, `try` and failing stories
trial       a rule on past events: members, flips, and what an edit changes
varying     the numbers of a rule, and the rule with other numbers
warming     the instant from which a rule is exact, when its measures know events only from some instant on
why         why a customer is in a segment or not
"""
