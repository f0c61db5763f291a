"""Two thousand experiments: how often each interval of a report misses, without an effect and with a known one.

`python -m tests.benchmarks.intervals` prints the table of segments/report.md. It needs no Kafka: arms are drawn, and compared by the
code of the report. It takes some minutes.
"""

from dataclasses import dataclass, field

import numpy as np

from segments.insight.outcomes.statistics import Comparison, compare, newcombe, of_amounts, of_conversions

EXPERIMENTS = 2_000
LOOKS = 60
"""Days on which somebody looks."""
SEED = 20
CONTROL = 0.1
"""The share of customers in the control group."""
A_DAY = 500
"""Customers whose outcome matures on a day."""
RATE, SPREAD = 0.05, 1.0
"""The share that converts without an effect, and the σ of the logarithm of an order."""
MEAN = 40.0
"""An order, on average."""


@dataclass
class Missed:
    """How often an interval missed the truth: at the one look at the end, and at any of the daily looks."""

    last: int = 0
    ever: int = 0


@dataclass
class Kind:
    """Experiments of one effect."""

    name: str
    lift: float
    missed: dict[str, Missed] = field(default_factory=dict)

    def note(self, name: str, missed: list[bool]) -> None:
        """One experiment's looks, in order."""
        found = self.missed.setdefault(name, Missed())
        found.last += missed[-1]
        found.ever += any(missed)


def main() -> None:
    """Run both kinds and print the table."""
    chance = np.random.default_rng(SEED)
    kinds = [Kind("no effect", 0.0), Kind("a fifth more", 0.2)]
    for kind in kinds:
        for _ in range(EXPERIMENTS):
            one(kind, chance)
    print("| interval | missed at one look | missed at any of 60 looks |")
    print("|---|---|---|")
    for kind in kinds:
        for name, missed in kind.missed.items():
            print(
                f"| {kind.name}: {name} | {missed.last / EXPERIMENTS:.1%} | {missed.ever / EXPERIMENTS:.1%} |"
            )


def one(kind: Kind, chance: np.random.Generator) -> None:
    """An experiment, looked at daily."""
    rates = (RATE, RATE * (1 + kind.lift))
    shares = (CONTROL, 1 - CONTROL)
    customers = [np.full(LOOKS, round(A_DAY * share)).cumsum() for share in shares]
    made = [
        chance.binomial(round(A_DAY * share), rate, LOOKS) for share, rate in zip(shares, rates, strict=True)
    ]
    sums, squares = zip(*(money(each, chance) for each in made), strict=True)
    converted = [each.cumsum() for each in made]
    looks: dict[str, list[bool]] = {}
    for day in range(LOOKS):
        pairs = [(int(converted[arm][day]), int(customers[arm][day])) for arm in (0, 1)]
        if enough(pairs):
            found = compare(of_conversions(*pairs[0]), of_conversions(*pairs[1]))
            truth = rates[1] - rates[0]
            low, high = newcombe(*pairs)
            note(looks, "conversion, Newcombe", not low <= truth <= high)
            note(looks, "conversion, always valid", abs(found.difference - truth) > found.always_half)
            lifted(looks, found, kind)
        if min(pair[0] for pair in pairs) >= 100:
            found = compare(*(of_amounts(sums[arm][day], squares[arm][day], pairs[arm][1]) for arm in (0, 1)))
            truth = (rates[1] - rates[0]) * MEAN
            note(looks, "revenue, Welch", not found.low <= truth <= found.high)
            note(looks, "revenue, always valid", abs(found.difference - truth) > found.always_half)
    for name, missed in looks.items():
        kind.note(name, missed)


def lifted(looks: dict[str, list[bool]], found: Comparison, kind: Kind) -> None:
    """The relative lift of conversion."""
    if found.lift is None or found.lift_low is None or found.lift_high is None:
        return
    note(looks, "lift of conversion, Welch", not found.lift_low <= kind.lift <= found.lift_high)
    assert found.always_lift_half is not None
    note(looks, "lift of conversion, always valid", abs(found.lift - kind.lift) > found.always_lift_half)


def money(made: np.ndarray, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sums of amounts and of their squares, day by day."""
    orders = chance.lognormal(np.log(MEAN) - SPREAD**2 / 2, SPREAD, int(made.sum()))
    ends = made.cumsum()
    total, square = np.append(0, orders.cumsum()), np.append(0, (orders**2).cumsum())
    return total[ends], square[ends]


def enough(pairs: list[tuple[int, int]]) -> bool:
    """Whether a report would give a verdict: five expected, converted and not, in either arm."""
    share = sum(made for made, _ in pairs) / sum(customers for _, customers in pairs)
    return min(customers for _, customers in pairs) * min(share, 1 - share) >= 5


def note(looks: dict[str, list[bool]], name: str, missed: bool) -> None:
    """A look at an interval."""
    looks.setdefault(name, []).append(bool(missed))


if __name__ == "__main__":
    main()
