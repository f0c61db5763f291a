"""A segment: who is in it, in words, by a condition, and proven by stories."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from segments.language.errors import RuleError, here
from segments.language.nodes.conditions import AllOf, AnyOf, Condition, Consent, Not, as_condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field, came
from segments.language.nodes.goals import aim
from segments.language.nodes.literals import shown, text


class Segment(Condition):
    """A rule. As a condition in another rule, it is this segment's membership after the same evaluation.

    `en`, `nl`: the segment in a sentence. `when`: the condition, a list meaning *and*. `until`: if given, the segment
    is entered when `when` holds and `until` does not, and left when `until` holds. `for_at_least`: it is entered once
    `when` has held without a break for so long. `at_most_every`: it is entered no earlier than that after its previous
    enter. `goal`: the events that an enter is to lead to, `revenue`: their money, `control`: the percentage of
    customers who are left alone to compare with, `experiment`: the name by which those are drawn, by default the id.
    `lawful_basis`: why the rule needs no consent where one is required of rules. `examples`: stories that prove
    it. `id`: by default the name of the file that it stands in.
    """

    __slots__ = (
        "aim",
        "at_most_every",
        "en",
        "examples",
        "for_at_least",
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
        for_at_least: Duration | None = None,
        at_most_every: Duration | None = None,
        goal: Events | None = None,
        revenue: Field | None = None,
        control: float | Decimal | None = None,
        experiment: str = "",
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
        self.for_at_least = _length("for_at_least", for_at_least, "hours(2)")
        self.at_most_every = _length("at_most_every", at_most_every, "days(7)")
        self.aim = aim(goal, revenue, control, experiment, self.id)
        """Goal, revenue, control group and experiment."""
        self.examples, self.lawful_basis = examples, lawful_basis
        self.written = self.when, self.until
        """`when` and `until` as they were written."""
        self.required = ""
        """The consent that was put beside them."""
        texts = {"en": en, "nl": nl, "examples": examples, "lawful_basis": lawful_basis}
        for name, given in texts.items():
            if not isinstance(given, str):
                raise RuleError(f"{name}={shown(given)}: a text was expected.", f'Write {name}="...".')
            text(given, f"{name}=")

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
