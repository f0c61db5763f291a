"""Reports of invented arms, for the tests of what a report says and draws."""

from zoneinfo import ZoneInfo

from segments.insight.outcomes.arms import Outcome
from segments.insight.outcomes.figures import figures
from segments.insight.outcomes.past import PURCHASE, Past
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.stays import Flip
from segments.insight.outcomes.sums import Sums
from streams.cli.visible import visible
from streams.report.speaking import Speaker
from streams.report.told import TextReport

DAY = 86_400_000
GOAL = "purchase.within(days=7), revenue=purchase.amount"
ZONE = ZoneInfo("Europe/Amsterdam")


def sums_of(control, treated, *, drawn=None, cents=1_000, value=None, inputs=False, goal=GOAL):
    """The sums of two arms, each as `(converted, customers)`; `drawn`: more of them whose watch is still open."""
    sums = Sums(Period(100 * DAY, now=100 * DAY), [50 * DAY, 100 * DAY])
    sums.part(100 * DAY)
    for arm, (converted, customers) in (("control", control), ("treated", treated)):
        for number in range(customers + (drawn or {}).get(arm, 0)):
            name = f"{arm}-{number}"
            at = 40 * DAY if number < customers else 99 * DAY
            flips = [Flip("carts", value, at, True, "event", 1, arm)]
            flips += [Flip("carts", value, at + DAY, False, "timer", 1, arm)] if number % 2 else []
            told = Outcome(
                *("carts", value, name, at, 1, True, "event", arm, ("winter", "10"), goal),
                *(at + DAY if number < converted else None, at + 7 * DAY, int(number < converted)),
                cents if number < converted else 0,
            )
            past = Past() if inputs else None
            if past is not None:
                past.add(at + 3, PURCHASE, 1, cents)
            sums.take(name, flips, (), [told] if number < customers else (), past)
    return sums


def found(control, treated, **more):
    """The figures of these arms."""
    cost = more.pop("cost", None)
    return figures(sums_of(control, treated, **more), "carts", cost=cost, inputs=more.get("inputs", False))


def report_of(figures_):
    """A report of one segment."""
    return {
        "as_of": 100 * DAY,
        "since": None,
        "until": 100 * DAY,
        "all_enters": False,
        "reach": {"segment-events": 3 * DAY},
        "segments": [figures_],
    }


def text_of(figures_, language="en", titles=()):
    """The report for the terminal."""
    return "\n".join(
        TextReport(Speaker(language, "EUR", ZONE), dict(titles), visible).lines(report_of(figures_))
    )
