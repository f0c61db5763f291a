"""Measures: what is counted, summed or timed over a set of events, and compared with a bound."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segments.language.catalogue import Type
from segments.language.errors import RuleError, here
from segments.language.measures import MeasureKind
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import Field, NoTruth, came, value, values
from segments.language.nodes.literals import shown

if TYPE_CHECKING:
    from segments.language.nodes.events import Events


@dataclass(frozen=True, slots=True, eq=False)
class Measure(NoTruth):
    """A measure of an event set, such as `visit.within(days=7).count()`; compared, it is a condition."""

    events: "Events"
    kind: MeasureKind
    field: Field | None = None

    @property
    def name(self) -> str:
        """What the measure is called in a rule."""
        return self.kind.name

    @property
    def type(self) -> Type:
        """What the measure's value is: a mean of whole numbers counts as whole."""
        if self.field is None or self.kind.counts:
            return Type.WHOLE
        return self.field.type

    def _compare(self, operator: str, bound: object) -> Comparison:
        if self.kind.duration:
            return Comparison(self, operator, _duration(self, bound), here())
        if isinstance(bound, Duration):
            raise RuleError(
                f"{self.name} is compared with {bound}, a duration.",
                "Only idle and age are durations: write a number.",
            )
        if isinstance(bound, Measure):
            raise RuleError(
                f"{self.name} is compared with another measure, {bound.name}.",
                "A measure has a number as its bound: count out the cases, or compare both with numbers.",
            )
        return Comparison(self, operator, value(bound, self.name), here())

    def is_in(self, *bounds: Any) -> Comparison:
        """True if the measure is one of these values."""
        if self.kind.duration:
            raise RuleError(f"{self.name} is a duration.", "Compare it with >= or <.")
        return Comparison(self, "is_in", values(bounds, self.name), here())

    def __eq__(self, bound: object) -> Comparison:  # type: ignore[override]
        return self._compare("==", bound)

    def __ne__(self, bound: object) -> Comparison:  # type: ignore[override]
        return self._compare("!=", bound)

    def __ge__(self, bound: object) -> Comparison:
        return self._compare(">=", bound)

    def __gt__(self, bound: object) -> Comparison:
        return self._compare(">", bound)

    def __le__(self, bound: object) -> Comparison:
        return self._compare("<=", bound)

    def __lt__(self, bound: object) -> Comparison:
        return self._compare("<", bound)

    __hash__ = object.__hash__


def _duration(measure: Measure, bound: object) -> int:
    if isinstance(bound, Duration):
        return bound.milliseconds
    if type(bound) is int:
        mend = f"Write a duration: days({shown(bound)}), hours({shown(bound)}) or minutes({shown(bound)})."
    else:
        mend = "Write a duration, say days(90)."
    problem = f"{measure.name} is compared with {came(bound)}, which has no unit."
    if isinstance(bound, NoTruth):
        what = came(bound).removesuffix(" without a bound")
        problem = f"{measure.name} is compared with {what}: a duration was expected."
    raise RuleError(problem, mend)
