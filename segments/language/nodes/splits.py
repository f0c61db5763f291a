"""Splits: a fixed share of all customers, drawn by a name and the customer's own id."""

from dataclasses import dataclass
from decimal import Decimal

from segments.language.errors import Origin, RuleError, here
from segments.language.nodes.conditions import Condition
from segments.language.nodes.fields import came, is_a
from segments.language.nodes.literals import shown, text

BUCKETS = 10_000
"""Customers of a split are spread over this many places: hundredths of a percent."""
WHOLE = Decimal(100)
"""Percent."""
EXAMPLE = 'split("winter", percent=10)'


@dataclass(frozen=True, slots=True, eq=False)
class Split(Condition):
    """The customers whose bucket of this name lies from `start` to below `end`."""

    name: str
    start: int
    """Of the 10,000 buckets the first."""
    end: int
    """The first bucket behind them."""
    origin: Origin

    @property
    def percent(self) -> int | Decimal | tuple[int | Decimal, int | Decimal]:
        """The share as it is written: 10 for the first tenth, (10, 50) for what lies between."""
        return self.bounds if self.start else self.bounds[1]

    @property
    def bounds(self) -> tuple[int | Decimal, int | Decimal]:
        """Percentages, from and to."""
        return _percent(self.start), _percent(self.end)


def split(name: str, *, percent: object) -> Split:
    """A share of all customers: `split("winter", percent=10)` the first tenth, `percent=(10, 50)` what comes after it.

    Who is in it depends on the name and the customer id alone. Shares of one name do not overlap unless their
    percentages do.
    """
    if not is_a(str, name) or not name:
        raise RuleError(f"split({came(name)}): a name was expected.", f"Write {EXAMPLE}.")
    text(name, "split(...)")
    if isinstance(percent, tuple | list):
        if len(percent) != 2:
            problem = f"percent={shown(percent)}: two percentages were expected, from and to."
            raise RuleError(problem, 'Write split("winter", percent=(10, 50)).')
        start, end = (_bucket(each) for each in percent)
    else:
        start, end = 0, _bucket(percent)
    if start >= end:
        problem = f"percent={shown(percent)}: nobody is in it."
        mend = (
            'Write the smaller one first: split("winter", percent=(10, 50)).'
            if start
            else f"Write {EXAMPLE}."
        )
        raise RuleError(problem, mend)
    return Split(name, start, end, here())


def _bucket(percent: object) -> int:
    """A percentage as hundredths of a percent."""
    if type(percent) not in (int, float, Decimal):
        problem = f"percent={came(percent).removesuffix(',')}: a percentage of the customers was expected."
        raise RuleError(problem, f"Write {EXAMPLE} for one customer in ten.")
    share = Decimal(repr(percent)) if isinstance(percent, float) else Decimal(str(percent))
    if not share.is_finite() or not 0 <= share <= WHOLE:
        raise RuleError(
            f"percent={shown(percent)}: 0 to 100 were expected.", f"Write {EXAMPLE} for one customer in ten."
        )
    buckets = share * BUCKETS / WHOLE
    if buckets != buckets.to_integral_value():
        problem = f"percent={shown(percent)}: a percentage has two decimals at most."
        raise RuleError(problem, f"Write percent={_percent(round(buckets))}.")
    return int(buckets)


def _percent(bucket: int) -> int | Decimal:
    """The percentage that a bucket begins at, in the normal form of numbers."""
    share = Decimal(bucket) * WHOLE / BUCKETS
    return int(share) if share == share.to_integral_value() else share.normalize()
