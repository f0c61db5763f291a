"""A report as plain values: no customer id, and no number of fewer than ten customers.

A number that is one of fewer customers stands as "< 10", and so does all that would tell it: a share, its interval.
Amounts are texts with two decimals, instants ISO 8601, lengths of time milliseconds, shares between 0 and 1.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate

from segments.insight.outcomes.activity import of_inputs
from segments.insight.outcomes.arms import CONTROL, MIXED, STEPS, TREATED, Arm, Experiment
from segments.insight.outcomes.comparison import Compared, Drawn, around, drawn, of_conversion, of_revenue
from segments.insight.outcomes.period import FEW, FEWEST, MILLISECONDS_OF_A_DAY, Count
from segments.insight.outcomes.statistics import median_stay, wilson
from segments.insight.outcomes.sums import OfSegment, Sums
from segments.insight.outcomes.telling import Figures, conversion, few, per, share

MINUTE, HOUR = 60_000, 3_600_000
UNITS = {"days": MILLISECONDS_OF_A_DAY, "hours": HOUR, "minutes": MINUTE}


def figures(sums: Sums, segment: str, *, inputs: bool = False, cost: Decimal | None = None) -> Figures:
    """All that a report tells of a segment."""
    found = sums.of(segment)
    return {
        "segment": segment,
        "has_values": found.has_values,
        "members": few(found.members),
        "share": share(found.members, sums.whole.customers) if inputs else None,
        "entered": {
            "count": found.entered.told,
            "left_out": found.left_out.told,
            "by_reason": _by_reason(found.entered_by),
        },
        "left": {"count": found.left.told, "by_reason": _by_reason(found.left_by)},
        "median_stay": _median(found),
        "over_time": [
            {"at": at, "members": few(members)}
            for at, members in zip(sums.instants, accumulate(found.over_time[:-1]), strict=True)
        ],
        "goal": _goal(sums, found),
        "experiment": _experiment(found, cost),
        "cost": None if cost is None else f"{cost:.2f}",
        "inputs": of_inputs(found.inputs, sums.whole) if inputs else None,
    }


def _by_reason(counts: Mapping[str, Count]) -> dict[str, int | str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1].times, item[0]))
    return {reason: count.told for reason, count in ordered}


def _median(found: OfSegment) -> Figures | None:
    """The median stay, coarse enough to be nobody's own; `over`: it is longer than that."""
    if found.stayed.customers < FEWEST:
        return None
    stays = [(each >> 1, bool(each & 1)) for each in found.stays]
    median = median_stay(stays)
    longest = max(length for length, _ in stays)
    return {"milliseconds": rounded(longest if median is None else median), "over": median is None}


def rounded(length: int) -> int:
    """A length of time to the minute; below an hour to the second."""
    unit = MINUTE if length >= HOUR else 1000
    return round(length / unit) * unit


def _goal(sums: Sums, found: OfSegment) -> Figures | None:
    """What came of the enters; None: no outcome is known."""
    if not found.goals:
        return None
    text, goal = max(found.goals.items(), key=lambda item: (item[1].latest, item[0]))
    others = [each.mature for name, each in found.goals.items() if name != text]
    window = goal.window or window_of(text)
    waiting, dropped = found.waiting.counts(window, sums.period.now)
    return {
        "goal": text,
        "window": window or None,
        "mature": goal.mature.told,
        **conversion(goal.mature, goal.converted),
        "revenue": per(goal.cents, goal.mature, goal.converted) if goal.has_revenue else None,
        "not_mature": waiting.told if window else None,
        "dropped": dropped.told if window else None,
        "earlier_goals": Count(
            sum(each.times for each in others), max((each.customers for each in others), default=0)
        ).told,
    }


def window_of(goal: str) -> int:
    """The window of a goal by its text, in milliseconds; 0: it does not tell."""
    found = re.search(r"\.within\((days|hours|minutes)=(\d+)\)", goal)
    return 0 if found is None else int(found[2]) * UNITS[found[1]]


def _experiment(found: OfSegment, cost: Decimal | None) -> Figures | None:
    present = found.experiments.present
    if present is None:
        return None
    of = found.experiments.found[present]
    goal, has_revenue = max(
        ((name, each.has_revenue) for name, each in found.goals.items()),
        key=lambda item: (found.goals[item[0]].latest, item[0]),
    )
    arms = {each: of.arms.get((goal, each), Arm()) for each in (CONTROL, TREATED)}
    customers = found.experiments.drawn(present)
    against = drawn(customers, present[1])
    revenue = of_revenue(arms, against) if has_revenue else None
    return {
        "name": present[0],
        "control": present[1],
        "drawn": {each: few(customers.get(each, 0)) for each in (CONTROL, TREATED, MIXED)},
        "mismatch": _mismatch(customers, against),
        "arms": [{"arm": each, **_arm(arm, has_revenue=has_revenue)} for each, arm in arms.items()],
        "conversion": compared(of_conversion(arms, against)),
        "revenue": None if revenue is None else compared(revenue),
        "roi": None if cost is None else _roi(revenue, arms[TREATED], cost),
        "others": _others(found, present),
    }


def _others(found: OfSegment, present: Experiment) -> list[Figures]:
    """Experiments of before, which are not compared."""
    return [
        {"name": name, "control": control}
        for name, control in sorted(found.experiments.found)
        if (name, control) != present
    ]


def _mismatch(customers: Mapping[str, int], against: Drawn | None) -> Figures | None:
    if against is None:
        return None
    told = min(customers.get(CONTROL, 0), customers.get(TREATED, 0)) >= FEWEST
    chi2, p = (against.chi2, against.p) if told else (FEW, FEW)
    return {"chi2": chi2, "p": p, "blocks": against.blocks}


def _arm(arm: Arm, *, has_revenue: bool) -> Figures:
    return {
        "mature": arm.mature.told,
        **conversion(arm.mature, arm.converted),
        "revenue": per(arm.cents, arm.mature, arm.converted) if has_revenue else None,
        "over_time": _over_time(arm),
    }


def _over_time(arm: Arm) -> list[Figures]:
    """The share that reached the goal by the end of each part of the window, once enough customers have."""
    if arm.mature.customers < FEWEST:
        return []
    found = []
    for step, times in enumerate(accumulate(arm.steps), 1):
        if times >= FEWEST and arm.converted.customers >= FEWEST:
            low, high = wilson(times, arm.mature.times)
            found.append({"part": step / STEPS, "share": times / arm.mature.times, "low": low, "high": high})
    return found


def compared(found: Compared) -> Figures:
    """The difference between the arms, with its intervals and the verdict."""
    by = found.by if found.told else None
    return {
        "verdict": str(found.verdict),
        "difference": FEW if by is None else by.difference,
        "interval": None if by is None or found.interval is None else list(found.interval),
        "always_valid": _listed(None if by is None else found.always_valid),
        "lift": None if by is None else by.lift,
        "lift_interval": None
        if by is None or by.lift_low is None or by.lift_high is None
        else [by.lift_low, by.lift_high],
        "lift_always_valid": _listed(None if by is None else around(by.lift, by.always_lift_half)),
        "missing": {**found.missing},
        "missing_at_least": found.at_least,
    }


def _listed(interval: Sequence[float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _roi(revenue: Compared | None, treated: Arm, cost: Decimal) -> Figures:
    """What a unit of the cost brought beyond itself; None in it: there is no verdict on revenue."""
    told = {"cost": f"{cost:.2f}", "roi": None, "interval": None, "always_valid": None}
    if revenue is None or revenue.by is None or revenue.interval is None or revenue.always_valid is None:
        return told
    if not revenue.verdict.is_given or not revenue.told:
        return told

    def of(difference: float) -> float:
        return (difference * treated.mature.times - float(cost)) / float(cost)

    return {
        **told,
        "roi": of(revenue.by.difference),
        "interval": [of(each) for each in revenue.interval],
        "always_valid": [of(each) for each in revenue.always_valid],
    }
