"""The syntax tree of a rule: what the words of the language make. All other rooms read these nodes.

arithmetic  sums, differences, multiples and quotients of measures
borders     bounds that are learned from all customers
calendar    periods such as this week, and conditions on now
conditions  comparisons, profile tests, consents, and their combinations
dates       dates of the profile, and years
details     named measures that an enter carries
durations   lengths of time, in milliseconds
events      event sets: kind, filter, window, reset
fields      fields of events and tests on them
goals       what a rule is measured by: goal, revenue, control group
literals    what a rule compares with: texts, booleans, and numbers in one normal form
measures    count, sum, mean and so on over an event set
misuses     what is told of event sets that are written wrong
models      fitted models of purchases, read from their files
order       which segments a rule reads; a rule set in dependency order
predictions what a model tells of a customer
segment     a segment: title, condition, stories; a segment at one of its values
splits      fixed shares of all customers
stages      a segment whose value is the first of several conditions that holds
text        rules as normalised text
"""
