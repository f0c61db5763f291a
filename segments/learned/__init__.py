"""Rules by numbers that are learned from customers: a model, a border, cuts. Copy them and fit your own.

They are no part of `SEGMENTS_RULES` unless you name this folder: the model beside them is of a record shop of 1997.

at_risk_of_churn     will probably not buy again, by a model
likely_to_buy_again  will probably buy within 30 days, by the same model
rfm_stage            recency, frequency and spend as one stage, with fixed cuts
top_tenth            spent as much as the best ten per cent
"""
