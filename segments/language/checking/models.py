"""Whether the models that rules read belong to this shop, its currency and its time zone, and to these days."""

from collections.abc import Iterable, Iterator

from segments.language.errors import RuleError
from segments.language.nodes.durations import DAY
from segments.language.nodes.models import Model
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import measures_of_rule

OLDEST = 180 * DAY
"""Milliseconds after which a fit is old: as long as the longest check of `segments fit` looks ahead."""


def refuse_foreign_models(segments: Iterable[Segment], currency: str, zone: str) -> None:
    """Raises RuleError for a model that was fitted with another currency or zone than the rules run with."""
    for segment in segments:
        for measure in measures_of_rule(segment):
            if isinstance(measure, Predicted):
                _refuse(measure, currency, zone, segment)


def models_read(segments: Iterable[Segment]) -> dict[str, Model]:
    """The models that rules read, by name; one without a file by a digest of what it says."""
    return {
        measure.of.known_as: measure.of
        for segment in segments
        for measure in measures_of_rule(segment)
        if isinstance(measure, Predicted)
    }


def old_models(segment: Segment, now: int) -> Iterator[tuple[str, str]]:
    """Problem and mend of each model that a rule reads and that knows nothing of the last half year."""
    for name, model in sorted(models_read([segment]).items()):
        if model.until is not None and now - model.until > OLDEST:
            old = (now - model.until) // DAY
            problem = f'model("{name}") was fitted {old:,} days ago: customers may buy otherwise by now.'
            yield problem, f"Run `segments fit {name}` again, look at its table, and deploy it."


def _refuse(measure: Predicted, currency: str, zone: str, segment: Segment) -> None:
    model = measure.of
    told = (("currency", model.currency, currency), ("time zone", model.zone, zone))
    for what, fitted, runs in told:
        if fitted != runs:
            problem = (
                f'model("{model.known_as}") was fitted with the {what} {fitted}; the rules run with {runs}.'
            )
            raise RuleError(problem, "Fit it again with the settings of the rules.", segment.origin)
