"""Measures: what is counted, summed or timed over a set of events, and compared with a bound."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segments.language.catalogue import Type
from segments.language.errors import RuleError, here
from segments.language.measures import MeasureKind
from segments.language.nodes.arithmetic import Term, compared
from segments.language.nodes.borders import Top, ranked
from segments.language.nodes.conditions import Comparison, Condition
from segments.language.nodes.dates import Years
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import Field, NoTruth, came, value, values
from segments.language.nodes.literals import shown

if TYPE_CHECKING:
    from segments.language.nodes.events import Events


@dataclass(frozen=True, slots=True, eq=False)
class Measure(Term):
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

    @property
    def columns(self) -> tuple[Field, ...]:
        """The fields of an event that it reads."""
        return () if self.field is None else (self.field,)

    @property
    def duration(self) -> bool:  # type: ignore[override]
        """Whether it is a length of time."""
        return self.kind.duration

    @property
    def is_money(self) -> bool:
        """Whether it is an amount of money."""
        return self.type is Type.MONEY

    @property
    def is_text(self) -> bool:
        """Whether it is a text."""
        return self.type is Type.TEXT

    def _compare(self, operator: str, bound: object) -> Condition:
        if isinstance(bound, Term):
            return compared(self, operator, bound)
        if isinstance(bound, Top):
            return ranked(self, operator, bound)
        if self.kind.duration:
            return Comparison(self, operator, _duration(self, bound), here())
        if isinstance(bound, Duration):
            raise RuleError(
                f"{self.name} is compared with {bound}, a duration.",
                "Only idle, age and gap are durations: write a number.",
            )
        return Comparison(self, operator, value(bound, self.name), here())

    def is_in(self, *bounds: Any) -> Comparison:
        """True if the measure is one of these values."""
        if self.kind.duration:
            raise RuleError(f"{self.name} is a duration.", "Compare it with >= or <.")
        return Comparison(self, "is_in", values(bounds, self.name), here())


def _duration(measure: Measure, bound: object) -> int:
    if isinstance(bound, Duration):
        return bound.milliseconds
    if isinstance(bound, Years):
        problem = f"{measure.name} is compared with {bound}, years of the calendar."
        raise RuleError(problem, f"Write days({365 * bound.count}); only the age of a date is told in years.")
    if type(bound) is int:
        mend = f"Write a duration: days({shown(bound)}), hours({shown(bound)}) or minutes({shown(bound)})."
    else:
        mend = "Write a duration, say days(90)."
    problem = f"{measure.name} is compared with {came(bound)}, which has no unit."
    if isinstance(bound, NoTruth):
        what = came(bound).removesuffix(" without a bound")
        problem = f"{measure.name} is compared with {what}: a duration was expected."
    raise RuleError(problem, mend)
