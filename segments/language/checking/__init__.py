"""What is wrong with a rule.

checks  findings about one leaf: its event set, field, duration
lint    findings about whole rules; which of them block a worker
"""
