"""When silence alone lets somebody enter `at_risk_of_churn`: the instant that the live act is timed by.

The probability of another purchase is that of the model beside the rule; with the purchases given it falls while
time passes, and can be solved for the instant at which it crosses the bound of the rule.
"""

import json

from deploy.demo.cluster import ROOT
from deploy.demo.invent import DAY

MODEL = ROOT / "segments" / "learned" / "buyers.model.json"
BOUND = 0.3
"""Of `at_risk_of_churn`; a test holds it to the rule."""


def silence(apart: int) -> int:
    """How long after the first of two purchases the customer is at risk, if nothing else happens; milliseconds.

    `apart`: milliseconds between the two. The formula is that of MBG/NBD: 1 / (1 + a/(b+x) · ((α+T)/(α+t))^(r+x)).
    """
    told = json.loads(MODEL.read_text(encoding="utf-8"))["parameters"]
    r, alpha, a, b = (float(told[name]) for name in ("r", "alpha", "a", "b"))
    repeats, latest = 1, apart / DAY
    growth = ((1 / BOUND - 1) * (b + repeats) / a) ** (1 / (r + repeats))
    return -int(-(growth * (alpha + latest) - alpha) * DAY // 1)
