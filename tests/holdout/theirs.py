"""Run where lifetimes is installed: purchases from standard input, what its model expects of them to standard output.

It knows nothing of ours, and counts whole days: customers by id, the dates of their purchases.
"""

import json
import sys

import pandas as pd
from lifetimes import ModifiedBetaGeoFitter
from lifetimes.utils import summary_data_from_transaction_data


def expected(told):
    """For each customer the purchase days after the first one, and how many more are expected within some days."""
    frame = pd.DataFrame(told["purchases"], columns=["customer", "date"])
    rows = summary_data_from_transaction_data(
        frame, "customer", "date", observation_period_end=told["until"], freq="D"
    )
    fitter = ModifiedBetaGeoFitter()
    fitter.fit(rows["frequency"], rows["recency"], rows["T"])
    found = fitter.conditional_expected_number_of_purchases_up_to_time(
        told["days"], rows["frequency"], rows["recency"], rows["T"]
    )
    return {
        "parameters": {name: float(value) for name, value in fitter.params_.items()},
        "customers": [[int(x), float(more)] for x, more in zip(rows["frequency"], found, strict=True)],
    }


if __name__ == "__main__":
    json.dump(expected(json.load(sys.stdin)), sys.stdout)
