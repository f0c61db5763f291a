"""A record of `segment-deployments` as a partition runs it: from its fields, with the plan unpacked."""

import json
from collections.abc import Mapping
from typing import Any

from segments.engine.chain import BORDERS, FILL, RULES, Deployment
from segments.engine.records import EngineSettings
from segments.engine.rules import PlannedRules, RuleSet, planned, with_borders
from segments.plan.borders import borders_of


def deployment_of(
    offset: int,
    timestamp: int,
    fields: Mapping[str, Any],
    rules: RuleSet | bytes | None,
    wrong: str | None = None,
) -> Deployment:
    """A record by its offset, its Kafka timestamp in milliseconds, and its fields in the engine's form.

    `rules` is the rule set, or the plan as JSON; it counts for a record of kind `rules` or `fill` alone. What can't be
    run is no error here: the deployment says in `wrong` what is wrong with it, and a partition stops at its place.
    """
    kind, settings = fields["kind"], fields["settings"]
    ready: RuleSet | PlannedRules | None = None
    borders = borders_of(fields["borders"])
    if kind in (RULES, FILL) and wrong is None:
        try:
            ready = (
                with_borders(rules, borders) if isinstance(rules, RuleSet) else planned(rules or b"", borders)
            )
        except ValueError as error:
            wrong = f"its plan (format {fields['plan_format']}): {error}."
        if settings is None:
            wrong = wrong or "it has no settings."
    elif kind not in (RULES, FILL, BORDERS):
        wrong = f"this version knows no deployments of kind {kind}."
    return Deployment(
        offset,
        timestamp,
        fields["deployment_id"],
        fields["follows"],
        fields["occurred_at"],
        kind,
        ready if wrong is None else None,
        None if settings is None else settings_of(settings),
        borders,
        fitted_at(fields.get("models", {})),
        wrong,
    )


def fitted_at(models: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """The models of a deployment that tell up to when they were fitted, by name; what can't be read tells nothing."""
    found = []
    for name, content in sorted(models.items()):
        try:
            until = json.loads(content)["fitted"]["until"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(until, int):
            found.append((name, until))
    return tuple(found)


def settings_of(said: Mapping[str, Any]) -> EngineSettings:
    """The settings of the engine among those of a deployment."""
    return EngineSettings(
        grace=said["grace"],
        currency=said["currency"],
        customer_limit=said["customer_limit"],
        customer_bytes=said["customer_bytes"],
    )
