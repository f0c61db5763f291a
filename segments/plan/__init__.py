"""What a rule set is, as data, for the engine and for everything that explains a rule.

ir        the plan: leaves and rules, numbered, as they are written and read
borders   what a plan asks of borders, and the numbers published for it
events    the plan: fields, filters and streams
filling   a plan with the streams of another one beside its own
keeping   a plan with the measures of an earlier one, and one of some measures alone
measured  the plan: measures
calculations  the plan: sums, differences, multiples and quotients of measures
lowering  a plan from rules
aims      what a rule is measured by, as data
arithmetic    calculations from rules, and how their values are told
calendar  the plan: what reads the calendar of the zone
clock     what rules say of the calendar, as data
bounds    what rules compare with, exact
planner   which streams a rule set keeps of a customer: events, fields, retention
zones     a time zone with its changes, as data
version   the version of a rule and the digest of a rule set
"""
