"""Stages: a segment whose value is the name of the first of several conditions that holds."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from segments.language.errors import RuleError
from segments.language.nodes.conditions import AllOf, AnyOf, Condition, Consent, as_condition
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field
from segments.language.nodes.literals import shown, text
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment


class Stages(Segment):
    """A segment with stages, of which a customer is in one at most: `Stages(stages={"loyal": ..., "customer": ...})`.

    `stages`: names and conditions; the value is the first whose condition holds, in the order written. All else is
    that of a Segment.
    """

    __slots__ = ("held", "told")

    def __init__(
        self,
        *,
        stages: Mapping[str, Condition | Sequence[Any]],
        en: str = "",
        nl: str = "",
        goal: Events | None = None,
        revenue: Field | None = None,
        control: float | Decimal | None = None,
        experiment: str = "",
        details: Mapping[str, Measure] | None = None,
        lawful_basis: str = "",
        examples: str = "",
        id: str = "",  # noqa: A002 - the word that rule authors, topics and commands use
    ) -> None:
        self.told = _conditions(stages)
        """The stages as they were written."""
        self.held = self.told
        super().__init__(
            when=AnyOf(tuple(condition for _, condition in self.told)),
            en=en,
            nl=nl,
            goal=goal,
            revenue=revenue,
            control=control,
            experiment=experiment,
            details=details,
            lawful_basis=lawful_basis,
            examples=examples,
            id=id,
        )

    @property
    def has_values(self) -> bool:
        """A stage is a value."""
        return True

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The names of the stages, in the order written."""
        return tuple(name for name, _ in self.told)

    @property
    def stages(self) -> tuple[tuple[str, Condition], ...]:
        """The stages by name: the first that holds is the value."""
        return self.held

    def require(self, name: str) -> None:
        """Put a consent beside every stage, unless the rule has a lawful basis of its own; "" takes it away."""
        self.required = "" if self.lawful_basis else name
        self.held = self.told
        if self.required:
            self.held = tuple((stage, self._beside(condition)) for stage, condition in self.told)
        self.when = AnyOf(tuple(condition for _, condition in self.held))

    def _beside(self, condition: Condition) -> AllOf:
        parts = condition.parts if isinstance(condition, AllOf) else (condition,)
        return AllOf((*parts, Consent(self.required, self.origin)))

    def __repr__(self) -> str:
        return f"Stages({self.id})"


def _conditions(given: object) -> tuple[tuple[str, Condition], ...]:
    mend = 'Write stages={"loyal": ..., "customer": ...}, the first that holds counts.'
    if not isinstance(given, Mapping):
        raise RuleError(f"stages: names and conditions were expected, a {type(given).__name__} came.", mend)
    if not given:
        raise RuleError("stages={} has no stages.", mend)
    for name in given:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise RuleError(f"stages: {shown(name)} is no name of a stage.", mend)
        text(name, "stages=")
    return tuple((name, as_condition(each, f'stages["{name}"]')) for name, each in given.items())
