"""What members did, as plain values: shares, amounts for each day, retention, engagement, NPS."""

from collections.abc import Sequence

from segments.insight.outcomes.inside import ALL_MONTHS, DAYS, OfInputs, Retained, Whole
from segments.insight.outcomes.past import CLICK, ON_SITE, OPEN
from segments.insight.outcomes.period import FEW, FEWEST, MILLISECONDS_OF_A_DAY, Count
from segments.insight.outcomes.telling import Figures, amount, conversion, few


def of_inputs(found: OfInputs, whole: Whole) -> Figures:
    """What needs the input topics."""
    outside = found.outside(whole)
    buyers = Count(found.inside.times, min(found.inside.customers, found.orders.customers))
    return {
        "customers": few(whole.customers),
        "orders": _part(found.orders, whole.orders),
        "revenue": _revenue_share(found, whole),
        "member_day": {
            "inside": per_day(found.cents, buyers),
            "outside": per_day(
                whole.cents - found.cents,
                Count(outside.times, min(outside.customers, whole.orders.customers)),
            ),
        },
        "retention": {
            str(days): retained(found.retained.get((ALL_MONTHS, days), Retained())) for days in DAYS
        },
        "cohorts": _cohorts(found),
        "beyond": found.beyond.told,
        "engagement": {
            name: _per_month(found.engagement.get(kind, Count()), found.inside)
            for name, kind in (("visits", ON_SITE), ("opens", OPEN), ("clicks", CLICK))
        },
        "nps": _nps(found.scores),
    }


def _part(part: Count, whole: Count) -> float | str | None:
    if not whole.times:
        return None
    return part.times / whole.times if part.customers >= FEWEST else FEW


def _revenue_share(found: OfInputs, whole: Whole) -> float | str | None:
    if whole.cents <= 0:
        return None
    return found.cents / whole.cents if found.orders.customers >= FEWEST else FEW


def per_day(cents: int, days: Count) -> str | None:
    """An amount for each day, of milliseconds of memberships."""
    if not days.times:
        return None
    return amount(cents / 100 / (days.times / MILLISECONDS_OF_A_DAY)) if days.customers >= FEWEST else FEW


def retained(found: Retained) -> Figures:
    """Retention with its interval, and churn, which is the rest: each is told if it is of enough customers."""
    whole, part = found.episodes, found.active
    told = conversion(whole, part)
    kept = told["conversion"]
    too_few = isinstance(kept, float) and whole.times - part.times < FEWEST
    rest = FEW if too_few else kept
    return {
        "episodes": whole.told,
        "active": told["converted"],
        "retention": kept,
        "interval": told["interval"],
        "churn": 1 - rest if isinstance(rest, float) else rest,
    }


def _cohorts(found: OfInputs) -> list[Figures]:
    months = sorted({month for month, _ in found.retained if month != ALL_MONTHS})
    return [
        {
            "month": f"{month // 12:04}-{month % 12 + 1:02}",
            **{str(days): retained(found.retained.get((month, days), Retained())) for days in DAYS},
        }
        for month in months
    ]


def _per_month(count: Count, inside: Count) -> float | str | None:
    """How often in 30 days of membership."""
    if not inside.times:
        return None
    if count.customers < FEWEST:
        return FEW
    return count.times / (inside.times / MILLISECONDS_OF_A_DAY) * 30


def _nps(scores: Sequence[int]) -> Figures | None:
    """The share of nines and tens less that of zero to six, in points; None: nobody answered."""
    answered = sum(scores)
    if not answered:
        return None
    if answered < FEWEST:
        return {"score": FEW, "customers": FEW}
    return {"score": 100 * (sum(scores[9:]) - sum(scores[:7])) / answered, "customers": answered}
