"""Borders of a history: what rules are compared with where nobody has published any, taken at its end."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from segments.engine import Border, EngineSettings, PlannedRules, RuleSet, of_customer
from segments.insight.ranking import known_names, published
from segments.insight.sides import Beside, Lives
from segments.plan.borders import BorderKey


class Valued(Lives):
    """A rule set over all partitions, and at their end the values of its measures that have borders."""

    def __init__(
        self,
        rules: RuleSet | PlannedRules,
        count: int,
        settings: EngineSettings,
        consent: str | None = None,
    ) -> None:
        """`consent`: only of customers who have given it."""
        super().__init__(rules, count, settings)
        self.keys = rules.data.borders
        self._names, self._consent = known_names(rules.data), consent
        self._values: dict[str, list[int]] = {measure: [] for measure in self._names}

    def close(self, number: int, ends: Mapping[str, int], now: int) -> None:
        """Bring a partition to its end, and take the values of its customers."""
        super().close(number, ends, now)
        customers = [key for key in self._states[number] if of_customer(key)]
        found, _ = self.partition.worths(customers, list(self._names.values()), self._consent)
        for measure, values in zip(self._names, found, strict=True):
            self._values[measure] += values

    def borders(self, now: int) -> list[Border]:
        """The borders as of an instant; those that nobody has a value for, or that are not above 0, are left out."""
        told = []
        for key in self.keys:
            values = self._values[key.measure]
            value, _ = published(values, Decimal(key.percent))
            told += [] if value is None else [Border(key, value, len(values), now)]
        return told


class BorderCensus:
    """Reads a history for several rule sets, and takes the borders that they read."""

    def __init__(
        self,
        sets: Sequence[RuleSet | PlannedRules],
        count: int,
        settings: EngineSettings,
        consent: str | None = None,
    ) -> None:
        """One or two rule sets."""
        self._valued = [Valued(each, count, settings, consent) for each in sets]
        self.reader = Beside(self._valued[1] if len(self._valued) > 1 else None, self._valued[0])

    def finish(self, wanted: Sequence[BorderKey], now: int | None) -> tuple[Border, ...]:
        """Those wanted, as of an instant; by default as far as the events go."""
        at = self.reader.finish((), now).now
        found = {border.key: border for each in self._valued for border in each.borders(at)}
        return tuple(found[key] for key in wanted if key in found)
