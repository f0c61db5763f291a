"""Which purchases a model is to be fitted to, as the rules that read it say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segments.insight.fitting.purchases import FitError
from segments.language.loading.load import load
from segments.language.nodes.models import looked_up_in
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import events_text, measures_of_rule, span_text

DEFAULT = "purchase"
"""What a model is fitted to that no rule reads."""


@dataclass(frozen=True, slots=True)
class PurchaseSet:
    """The purchases that rules ask a model about."""

    of: str
    """The set without its window, as a rule writes it."""
    within: int | None
    """The window in milliseconds."""
    rules: tuple[str, ...]
    """The rules, by id."""

    def __str__(self) -> str:
        """As a rule writes it."""
        return self.of if self.within is None else f"{self.of}.within({span_text(self.within)})"


def asked_by(name: str, folders: Sequence[Path]) -> PurchaseSet | None:
    """The set and the window of the rules in these folders that read a model; None: no rule reads it.

    Models that are not there yet are no error. Raises RuleError for wrong rules, FitError if the rules disagree.
    """
    with looked_up_in(folders, stand_in=True):
        found = list(_found(name, load(folders)))
    if not found:
        return None
    sets = {(each.of, each.within) for each in found}
    if len(sets) > 1:
        told = "; ".join(f"{each.rules[0]} asks about {each}" for each in found)
        raise FitError(
            f"{name}: the rules that read it differ: {told}. A model is of one set and one window: give the rules "
            "models of their own, or say --of and --within"
        )
    names = dict.fromkeys(rule for each in found for rule in each.rules)
    return replace(found[0], rules=tuple(names))


def _found(name: str, segments: Iterable[Segment]) -> Iterable[PurchaseSet]:
    for segment in segments:
        for measure in measures_of_rule(segment):
            if isinstance(measure, Predicted) and measure.of.name == name:
                events = measure.events
                yield PurchaseSet(events_text(replace(events, window=None)), events.window, (segment.id,))
