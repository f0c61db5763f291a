"""A report of an invented shop: three months, a segment with a control group, one with values, one nearly empty."""

import random

from segments.insight.outcomes.arms import Outcome
from segments.insight.outcomes.figures import figures
from segments.insight.outcomes.past import CLICK, ON_SITE, OPEN, PURCHASE, SURVEY, Past
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.stays import Flip
from segments.insight.outcomes.sums import Sums
from streams.report.page import page
from streams.report.speaking import Speaker
from streams.report.whole import instants
from tests.kit.reports import ZONE

DAY = 86_400_000
NOW = 1_795_000_000_000
GOAL = "purchase.within(days=7), revenue=purchase.amount"
CUSTOMERS = 6_000
TITLES = {
    "en": {
        "cart_abandoned": "Left a full cart an hour ago",
        "interested_in_category": "Interested in a category",
        "nearly_nobody": "Nearly nobody",
    },
    "nl": {
        "cart_abandoned": "Een uur geleden een volle winkelwagen verlaten",
        "interested_in_category": "Geïnteresseerd in een categorie",
        "nearly_nobody": "Bijna niemand",
    },
}


def report():
    """The figures of all three."""
    chance = random.Random(7)
    period = Period(NOW + 1, now=NOW)
    sums = Sums(period, instants(period), zone=ZONE)
    sums.part(NOW)
    for number in range(CUSTOMERS):
        _customer(sums, number, chance)
    costs = {"cart_abandoned": 2_500}
    return {
        "as_of": NOW,
        "since": None,
        "until": NOW,
        "all_enters": False,
        "reach": {"segment-events": NOW - 95 * DAY, "clickstream": NOW - 400 * DAY},
        "segments": [figures(sums, name, inputs=True, cost=costs.get(name)) for name in sorted(sums.found)],
    }


def _customer(sums, number, chance):
    name, at = f"c{number}", NOW - int(chance.uniform(1, 95) * DAY)
    past = Past()
    for event in range(chance.randrange(1, 9)):
        kind = chance.choices((ON_SITE, OPEN, CLICK), (6, 3, 1))[0]
        past.add(NOW - int(chance.uniform(0, 120) * DAY), kind, event)
    if number % 9 == 0:
        past.add(at + 2 * DAY, SURVEY, 98, score=chance.randrange(3, 11))
    flips, outcomes = [], []
    if number % 2:
        arm = "control" if number % 20 == 1 else "treated"
        goal = at + int(chance.expovariate(1 / 2) * DAY) if chance.random() < _share(arm) else None
        goal = goal if goal is not None and goal < at + 7 * DAY else None
        left = at + int(chance.expovariate(1 / 20) * DAY) if goal is None else goal
        cents = round(chance.lognormvariate(8.3, 0.8)) if goal is not None else None
        flips += _stay("cart_abandoned", None, at, left, arm, "event" if goal else "timer")
        if cents is not None and goal is not None:
            past.add(goal, PURCHASE, 99, cents)
        if at + 7 * DAY <= NOW:
            outcomes.append(_outcome(name, at, arm, goal, cents))
    if number % 3 == 0:
        flips += _stay("interested_in_category", "schoenen", at, at + 30 * DAY, None, "timer")
    if number % 1_000 == 0:
        flips += _stay("nearly_nobody", None, at, at + DAY, None, "timer")
    sums.take(name, flips, (), outcomes, past)


def _share(arm):
    return 0.20 if arm == "treated" else 0.14


def _stay(segment, value, at, left, arm, why):
    entered = Flip(segment, value, at, True, "timer", 1, arm)
    return [entered, *([Flip(segment, value, left, False, why, 1, arm)] if left <= NOW else [])]


def _outcome(name, at, arm, goal, cents):
    return Outcome(
        *("cart_abandoned", None, name, at, 1, True, "timer", arm, ("cart_abandoned", "10"), GOAL),
        *(goal, at + 7 * DAY, int(goal is not None), cents or 0),
    )


def page_of(language):
    """As it is sent to a marketer."""
    return page(report(), TITLES[language], Speaker(language, "EUR", ZONE))
