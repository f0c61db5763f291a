"""A segment: who is in it, in words, by a condition, and proven by stories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from segments.language.catalogue import Type
from segments.language.errors import Origin, RuleError, here
from segments.language.nodes.conditions import AllOf, AnyOf, Condition, Consent, Not, as_condition
from segments.language.nodes.details import details as named
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field, came
from segments.language.nodes.goals import aim
from segments.language.nodes.literals import number, shown, text
from segments.language.nodes.measures import Measure


class Segment(Condition):
    """A rule. As a condition in another rule, it is this segment's membership after the same evaluation.

    `en`, `nl`: the segment in a sentence. `when`: the condition, a list meaning *and*. `until`: if given, the segment
    is entered when `when` holds and `until` does not, and left when `until` holds. `for_each`: a field; the customer is
    in the segment once for each of its values at which `when` holds, every `by` being taken at that value.
    `for_at_least`: it is entered once
    `when` has held without a break for so long. `at_most_every`: it is entered no earlier than that after its previous
    enter. `goal`: the events that an enter is to lead to, `revenue`: their money, `control`: the percentage of
    customers who are left alone to compare with, `experiment`: the name by which those are drawn, by default the id.
    `details`: named measures that an enter carries as text. `lawful_basis`: why the rule needs no consent where one is
    required of rules. `examples`: stories that prove it. `id`: by default the name of the file that it stands in.
    """

    __slots__ = (
        "aim",
        "at_most_every",
        "details",
        "en",
        "examples",
        "for_at_least",
        "for_each",
        "id",
        "lawful_basis",
        "nl",
        "origin",
        "required",
        "until",
        "when",
        "written",
    )

    def __init__(
        self,
        *,
        when: Condition | Sequence[Any],
        en: str = "",
        nl: str = "",
        until: Condition | Sequence[Any] | None = None,
        for_each: Field | None = None,
        for_at_least: Duration | None = None,
        at_most_every: Duration | None = None,
        goal: Events | None = None,
        revenue: Field | None = None,
        control: float | Decimal | None = None,
        experiment: str = "",
        details: Mapping[str, Measure] | None = None,
        lawful_basis: str = "",
        examples: str = "",
        id: str = "",  # noqa: A002 - the word that rule authors, topics and commands use
    ) -> None:
        self.origin = here()
        self.id = text(id, "id=") if id else Path(self.origin.file).stem
        if not self.id.isprintable():
            problem = f"id={shown(self.id)}: a name without control characters was expected."
            raise RuleError(problem, 'Write id="...".')
        self.en = en
        self.nl = nl
        self.when = as_condition(when, "when")
        self.until = None if until is None else as_condition(until, "until")
        self.for_each = _field(for_each)
        self.for_at_least = _length("for_at_least", for_at_least, "hours(2)")
        self.at_most_every = _length("at_most_every", at_most_every, "days(7)")
        self.aim = aim(goal, revenue, control, experiment, self.id, self.for_each)
        """Goal, revenue, control group and experiment."""
        self.details = named(details)
        """Names, ascending, each with the measure that an enter carries."""
        self.examples, self.lawful_basis = examples, lawful_basis
        self.written = self.when, self.until
        """`when` and `until` as they were written."""
        self.required = ""
        """The consent that was put beside them."""
        _refuse_others(en=en, nl=nl, examples=examples, lawful_basis=lawful_basis)

    @property
    def has_values(self) -> bool:
        """Whether the customer is in it at a value: with `for_each`, or in a stage."""
        return self.for_each is not None

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The names of its stages, in the order written; none of a segment that has none."""
        return ()

    @property
    def stages(self) -> tuple[tuple[str, Condition], ...]:
        """Its stages by name: the first that holds is the value."""
        return ()

    def of(self, value: object) -> "ValueOf":
        """The customer is in this segment at this value: `interested_in_category.of("shoes")`."""
        return ValueOf(self, _value(self, value), here())

    def require(self, name: str) -> None:
        """Put a consent beside what was written, unless the rule has a lawful basis of its own; "" takes it away."""
        self.required = "" if self.lawful_basis else name
        self.when, self.until = self.written
        if self.required:
            parts = self.when.parts if isinstance(self.when, AllOf) else (self.when,)
            self.when = AllOf((*parts, Consent(name, self.origin)))
            if self.until is not None:
                gone = Not(Consent(name, self.origin))
                parts = self.until.parts if isinstance(self.until, AnyOf) else (self.until,)
                self.until = AnyOf((*parts, gone))

    def __repr__(self) -> str:
        return f"Segment({self.id})"


@dataclass(frozen=True, slots=True, eq=False)
class ValueOf(Condition):
    """The customer is in a segment with values, at this one."""

    segment: Segment
    value: str
    """As the segment event tells it."""
    origin: Origin


def _value(segment: Segment, given: object) -> str:
    """The text of a value of a segment, as an author wrote it."""
    if not segment.has_values:
        problem = f"{segment.id}.of({shown(given)}): {segment.id} has no values."
        raise RuleError(problem, f"Write {segment.id} alone; values come of for_each, and of Stages.")
    kind = Type.TEXT if segment.for_each is None else segment.for_each.type
    example = '"shoes"' if kind is Type.TEXT else "50"
    if kind is Type.TEXT and isinstance(given, str) and given:
        found = text(given, f"{segment.id}.of(...)")
    elif kind is not Type.TEXT and isinstance(given, int | float | Decimal) and not isinstance(given, bool):
        exact = number(given, f"{segment.id}.of(...)")
        found = format(Decimal(exact), ".2f" if kind is Type.MONEY else "f")
    else:
        wanted = "a text" if kind is Type.TEXT else "a number"
        problem = f"{segment.id}.of({came(given)}): {wanted} was expected."
        raise RuleError(problem, f"Write {segment.id}.of({example}).")
    names = segment.stage_names
    if names and found not in names:
        known = ", ".join(names)
        problem = f"{segment.id}.of({shown(given)}): {segment.id} has no such stage."
        raise RuleError(problem, f"Its stages are: {known}.")
    return found


def _field(given: object) -> Field | None:
    """The field of `for_each`, if there is one."""
    if given is None or isinstance(given, Field):
        return given
    problem = f"for_each={came(given)}: a field was expected."
    raise RuleError(problem, "Write, say, for_each=product_view.category.")


def _refuse_others(**texts: object) -> None:
    """Each of these is a text."""
    for name, given in texts.items():
        if not isinstance(given, str):
            raise RuleError(f"{name}={shown(given)}: a text was expected.", f'Write {name}="...".')
        text(given, f"{name}=")


def _length(name: str, given: object, example: str) -> int:
    """The milliseconds of a length of time that an author gave; 0: none."""
    if given is None:
        return 0
    if isinstance(given, Duration):
        if given.milliseconds:
            return given.milliseconds
        raise RuleError(f"{name}={given}: it needs a length.", f"Leave it out, or write {name}={example}.")
    mend = f"Write, say, {name}={example}."
    if type(given) is int:
        mend = f"Write {name}=days({shown(given)}), or hours(...), or minutes(...)."
    raise RuleError(f"{name}={came(given)}: a duration was expected.", mend)
