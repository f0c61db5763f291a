"""All rules of a set on events of the past: their sizes at the end, and who came and went on each day before."""

from collections import Counter
from collections.abc import Mapping

from segments.engine import Effects, EngineSettings, RuleSet
from segments.insight.sides import Beside, Lives
from segments.insight.sizes import Sizes
from segments.insight.tally import Tally
from segments.language.nodes.durations import DAY


class Counted(Lives):
    """A rule set over all partitions; at their end every customer is looked at once."""

    def __init__(self, rules: RuleSet, count: int, settings: EngineSettings) -> None:
        """Nothing has happened yet."""
        super().__init__(rules, count, settings)
        self.rules, self.sizes, self.tally = rules, Sizes(rules), Tally()
        self.reader = Beside(None, self)
        self._flips: dict[tuple[str, str], Counter[int]] = {}

    def close(self, number: int, ends: Mapping[str, int], now: int) -> None:
        """Bring a partition to its end, and look at its customers."""
        super().close(number, ends, now)
        self.sizes.note(self.partition, list(self._states[number]), now)

    def flips(self, segment: str, transition: str, first_day: int) -> int:
        """How many enters or exits of a segment came on a day or later, days counted from 1970."""
        by_day = self._flips.get((segment, transition), Counter())
        return sum(count for day, count in by_day.items() if day >= first_day)

    def _note(self, effects: Effects | None) -> None:
        super()._note(effects)
        if effects is None:
            return
        self.tally.note(effects)
        for _, event in effects.segment_events:
            flips = self._flips.setdefault((event["segment"], event["transition"]), Counter())
            flips[event["occurred_at"] // DAY] += 1
