"""Purchases to come, for the oracle: MBG/NBD and Gamma-Gamma as in the papers, with more digits than anybody needs.

Times are in days from the first purchase. `x` is the number of purchase days less one, `last` the time of the last one,
`now` the time of the question. Numbers are decimals; each result has at least 30 correct digits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, localcontext

from segments.language.zones import zone_of

DIGITS = 120
"""Digits that are calculated with: at a = 1 half of them cancel out."""
NEAR_ONE = Decimal("1e-40")
"""How far from a = 1 its limit is taken: the error is of this size."""
PRECISE = Decimal("1e-90")
"""A series ends at a term so small beside its sum."""
DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class History:
    """The purchases of one customer, as the models see them."""

    days: tuple[int, ...]
    """The instants of the purchase days, ascending, in milliseconds."""
    totals: tuple[Decimal, ...] = ()
    """Of the purchase days after the first, those that have an amount in the currency, in units."""

    @property
    def x(self) -> int:
        """Purchase days after the first."""
        return len(self.days) - 1


def history(purchases: list[tuple[int, Decimal | None]], zone: str) -> History | None:
    """The purchase days of purchases in order of time, each with its amount; None: there is no purchase."""
    days: dict[object, tuple[int, list[Decimal]]] = {}
    place = zone_of(zone)
    for at, amount in purchases:
        _, amounts = days.setdefault(datetime.fromtimestamp(at // 1000, place).date(), (at, []))
        amounts.extend([] if amount is None else [amount])
    if not days:
        return None
    instants = tuple(at for at, _ in days.values())
    return History(instants, tuple(sum(each, Decimal(0)) for _, each in list(days.values())[1:] if each))


def alive(parameters: Mapping[str, Decimal], x: int, last: Decimal, now: Decimal) -> Decimal:
    """The probability that the customer will ever buy again."""
    r, alpha, a, b = (parameters[name] for name in ("r", "alpha", "a", "b"))
    with localcontext(Context(prec=DIGITS)):
        return 1 / (1 + a / (b + x) * ((alpha + now) / (alpha + last)) ** (r + x))


def expected(parameters: Mapping[str, Decimal], x: int, last: Decimal, now: Decimal, days: int) -> Decimal:
    """The number of purchase days to be expected in the next `days` days."""
    r, alpha, a, b = (parameters[name] for name in ("r", "alpha", "a", "b"))
    with localcontext(Context(prec=DIGITS)):
        a = a + NEAR_ONE if a == 1 else a
        ahead = alpha + now + days
        series = hypergeometric(r + x, b + x + 1, a + b + x, days / ahead)
        part = 1 - ((alpha + now) / ahead) ** (r + x) * series
        return (a + b + x) / (a - 1) * part * alive(parameters, x, last, now)


def spend(parameters: Mapping[str, Decimal], totals: tuple[Decimal, ...]) -> Decimal:
    """The mean spend on a purchase day to be expected of the customer, in units of the currency."""
    p, q, v = (parameters[name] for name in ("p", "q", "v"))
    with localcontext(Context(prec=DIGITS)):
        return p * (v + sum(totals)) / (p * len(totals) + q - 1)


def hypergeometric(a: Decimal, b: Decimal, c: Decimal, z: Decimal) -> Decimal:
    """Gauss's series 2F1(a, b; c; z) for 0 <= z < 1."""
    term = total = Decimal(1)
    k = 0
    while abs(term) > PRECISE * abs(total):
        term *= (a + k) * (b + k) / ((c + k) * (k + 1)) * z
        total += term
        k += 1
    return total
