"""What is wrong with a rule.

calendar        conditions on now and on dates of the profile
checks          findings about one leaf: its event set, field, duration
contradictions  comparisons of one thing that can't hold together
lasting         how long a condition can hold without a break
models        whether the models that rules read belong to this shop
lint            findings about whole rules; which of them block a worker
values          values of a segment: `for_each` with `by`, stages that can be reached
meaning         what is well formed and not meant: texts compared by size, weekdays for dates
"""
