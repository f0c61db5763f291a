"""What a worker measures about itself.

console     the metrics of `segments console`
delivery    the metrics of `segments deliver`
gauges      values read at the moment of a scrape: partitions, rules, stores
metrics     all metrics, in a registry of ours
rule_costs  the cost of each rule, and when its events came last
"""
