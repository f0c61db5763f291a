"""A fit as the content of `NAME.model.json`, and its check against what customers did afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from segments.insight.fitting.buyers import DAY, Buyer, Days, Purchase, bought, buyers
from segments.insight.fitting.likelihood import (
    Fit,
    NoMaximum,
    Sample,
    expected,
    fit_purchases,
    fit_spend,
)

FEWEST = 300
"""Customers with a purchase after the first: with fewer the parameters are guesswork."""
LONGEST_HOLDOUT = 180
"""Days of the check at most, if nothing is said: what a shop plans ahead."""
DIGITS = 6
"""Significant digits of a parameter: standard errors are larger than the seventh."""
LAST_ROW = 7
"""The check has a row for each number of purchases after the first up to this; the last one is for all above, too."""
CREDIBLE = (0.8, 1.25)
"""Of expected by actual, in the check: outside the model is far off in total."""


class CannotFit(ValueError):
    """There is no model of these purchases; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class FitRequest:
    """What is to be fitted."""

    of: str
    within: int | None
    """Milliseconds."""
    until: int
    holdout: int | None
    """Days; None: a quarter of the history, at most 180."""
    zone: str
    currency: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, and what is to be said of it."""

    content: dict[str, Any]
    """Of the file."""
    warnings: tuple[str, ...]


def fit(
    customers: Mapping[str, list[Purchase]], asked: FitRequest, progress: Callable[[int], None]
) -> Fitted:
    """Fit both models to the purchases of each customer, in order of time, and check them; raises CannotFit.

    `progress` is told of each of three steps.
    """
    days, since = Days(asked.zone), _since(customers, asked)
    found = buyers(customers, asked.within, asked.until, days)
    fitted = _purchases(found)
    progress(1)
    warnings: list[str] = []
    spend = _spend(found, warnings)
    progress(1)
    holdout = _check(customers, asked, since, days, warnings)
    progress(1)
    content = {
        "format": 1,
        "model": "mbg-nbd",
        "of": asked.of,
        "within": asked.within,
        "unit": "day",
        "zone": asked.zone,
        "currency": asked.currency,
        "parameters": _texts(fitted.parameters),
        "spend": None if spend is None else _texts(spend.parameters),
        "fitted": {
            "until": asked.until,
            "since": since,
            "customers": len(found),
            "repeaters": sum(each.x > 0 for each in found.values()),
            "log_likelihood": round(fitted.log_likelihood, 4),
            "standard_errors": _errors(fitted, spend),
            "holdout": holdout,
        },
    }
    return Fitted(content, tuple(warnings))


def _since(customers: Mapping[str, list[Purchase]], asked: FitRequest) -> int:
    """The first purchase of all; there is one, and it is at least a window ago."""
    first = min((each[0][0] for each in customers.values() if each), default=None)
    if first is None or first > asked.until:
        raise CannotFit("there is no purchase to fit a model to; look at --of, --until and the files")
    if asked.within is not None and asked.until - first < asked.within:
        raise CannotFit(
            f"the history is {_length(asked.until - first)} long, shorter than --within "
            f"{_length(asked.within)}: a window that is not full makes customers look new; use a shorter one"
        )
    return first


def _length(milliseconds: int) -> str:
    return f"{milliseconds / DAY:.0f} days"


def _purchases(found: Mapping[str, Buyer]) -> Fit:
    repeaters = sum(each.x > 0 for each in found.values())
    if repeaters < FEWEST:
        raise CannotFit(
            f"{repeaters} customers bought on a second day; at least {FEWEST} are needed, since a model of fewer "
            "is guesswork. Fit it on a longer history, or on a wider set of purchases"
        )
    try:
        return fit_purchases(_sample(found))
    except NoMaximum as error:
        raise CannotFit(
            f"the likelihood has no maximum: {error}. Customers differ too little, or never cease to buy: fit it on "
            "a longer history, or on a wider set of purchases"
        ) from None


def _sample(found: Mapping[str, Buyer]) -> Sample:
    return Sample.of([(each.x, each.last, each.observed) for each in found.values()])


def _spend(found: Mapping[str, Buyer], warnings: list[str]) -> Fit | None:
    """Of those who spent something after their first day; None, with a warning that says why: there is none."""
    rows = [(each.spent, each.mean) for each in found.values() if each.mean > 0]
    if len(rows) < FEWEST:
        warnings.append(
            f"{len(rows)} customers have an amount in the currency after their first day, fewer than {FEWEST}: "
            "the model tells nothing about spend, and clv can't be asked of it"
        )
        return None
    try:
        fitted = fit_spend(rows)
    except NoMaximum as error:
        warnings.append(
            f"the spend has no maximum of the likelihood: {error}; clv can't be asked of this model"
        )
        return None
    if fitted.parameters["q"] <= 1:
        warnings.append("the mean spend has no limit (q is 1 or less); clv can't be asked of this model")
        return None
    return fitted


def _check(
    customers: Mapping[str, list[Purchase]], asked: FitRequest, since: int, days: Days, warnings: list[str]
) -> dict[str, Any] | None:
    """Fitted again on what came before the last days, and compared with those; None: there is too little for that."""
    length = asked.holdout or min(LONGEST_HOLDOUT, (asked.until - since) // (4 * DAY))
    cut = asked.until - length * DAY
    found = buyers(customers, asked.within, cut, days, before=True)
    if not length or sum(each.x > 0 for each in found.values()) < FEWEST:
        warnings.append(
            f"the model could not be checked: fewer than {FEWEST} customers had bought on a second day before the "
            f"last {length} days"
        )
        return None
    try:
        fitted = fit_purchases(_sample(found))
    except NoMaximum as error:
        warnings.append(f"the model could not be checked: without the last {length} days {error}")
        return None
    rows = _rows(customers, found, fitted, (cut, asked.until, length), days)
    totals = {name: sum(row[name] for row in rows) for name in ("expected", "actual")}
    ratio = totals["expected"] / totals["actual"] if totals["actual"] else float("inf")
    if not CREDIBLE[0] <= ratio <= CREDIBLE[1]:
        warnings.append(
            f"expected / actual is {ratio:.2f} over the last {length} days, outside {CREDIBLE[0]} to {CREDIBLE[1]}: "
            "customers bought otherwise than before, so don't trust sums of it"
        )
    return {
        "days": length,
        "expected": round(totals["expected"], 1),
        "actual": totals["actual"],
        "rows": rows,
    }


def _rows(
    customers: Mapping[str, list[Purchase]],
    found: Mapping[str, Buyer],
    fitted: Fit,
    period: tuple[int, int, int],
    days: Days,
) -> list[dict[str, Any]]:
    """For each number of purchases after the first: customers, and purchase days expected of them and counted."""
    cut, until, length = period
    rows: list[dict[str, Any]] = [
        {"x": f"{x}+" if x == LAST_ROW else str(x), "customers": 0, "expected": 0.0, "actual": 0}
        for x in range(LAST_ROW + 1)
    ]
    by_kind: dict[tuple[int, float, float], list[str]] = {}
    for name, each in found.items():
        by_kind.setdefault((each.x, each.last, each.observed), []).append(name)
    sample = Sample.of([*by_kind])
    each_expects = expected(sample, length, **fitted.parameters)
    kinds = zip(sample.x, sample.last, sample.observed, each_expects, strict=True)
    for x, last, observed, expects in kinds:
        names = by_kind[int(x), float(last), float(observed)]
        row = rows[min(int(x), LAST_ROW)]
        row["customers"] += len(names)
        row["expected"] += float(expects) * len(names)
        row["actual"] += sum(bought(customers[name], cut, until, days) for name in names)
    for row in rows:
        row["expected"] = round(row["expected"], 2)
    return rows


def _texts(parameters: Mapping[str, float]) -> dict[str, str]:
    return {name: number(value) for name, value in parameters.items()}


def number(value: float) -> str:
    """Six significant digits, without an exponent."""
    return format(Decimal(f"{value:.{DIGITS - 1}e}").normalize(), "f")


def _errors(fitted: Fit, spend: Fit | None) -> dict[str, float | None]:
    every = fitted.standard_errors | ({} if spend is None else spend.standard_errors)
    return {name: float(f"{value:.3g}") if isfinite(value) else None for name, value in every.items()}
