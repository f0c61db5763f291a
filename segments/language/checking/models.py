"""Whether the models that rules read belong to this shop: its currency, and its time zone."""

from collections.abc import Iterable

from segments.language.errors import RuleError
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import measures_of_rule


def refuse_foreign_models(segments: Iterable[Segment], currency: str, zone: str) -> None:
    """Raises RuleError for a model that was fitted with another currency or zone than the rules run with."""
    for segment in segments:
        for measure in measures_of_rule(segment):
            if isinstance(measure, Predicted):
                _refuse(measure, currency, zone, segment)


def _refuse(measure: Predicted, currency: str, zone: str, segment: Segment) -> None:
    model = measure.of
    told = (("currency", model.currency, currency), ("time zone", model.zone, zone))
    for what, fitted, runs in told:
        if fitted != runs:
            problem = (
                f'model("{model.known_as}") was fitted with the {what} {fitted}; the rules run with {runs}.'
            )
            raise RuleError(problem, "Fit it again with the settings of the rules.", segment.origin)
