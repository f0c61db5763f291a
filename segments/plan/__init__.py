"""What a rule set is, as data, for the engine and for everything that explains a rule.

planner  which streams a rule set keeps of a customer: events, fields, retention
version  the version of a rule and the digest of a rule set
"""
