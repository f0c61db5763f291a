"""What a rule set is, as data, for the engine and for everything that explains a rule.

ir        the plan: leaves and rules, numbered, as they are written and read
events    the plan: fields, filters and streams
lowering  a plan from rules
bounds    what rules compare with, exact
planner   which streams a rule set keeps of a customer: events, fields, retention
version   the version of a rule and the digest of a rule set
"""
