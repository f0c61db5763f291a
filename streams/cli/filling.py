"""`--backfill` of `segments deploy` and `rollback`: measures are filled from history first, while the rules run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

import schemas
from segments.engine import FILLED, IDENTITIES, PlannedRules, RuleSet, listening
from streams.cli import going_live
from streams.cli.going_live import tell_lines
from streams.deployments.planning import SettingsChange, filling, fills
from streams.deployments.records import Chains, Deployed, read_chains
from streams.deployments.writing import Overtaken
from streams.http.client import ask
from streams.kafka.read_committed import committed_reader, partitions_of
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be deployed with its past."""

    made: Mapping[str, Any]
    """The record that is to be written once its measures are filled."""
    rules: RuleSet | PlannedRules
    unknown: Sequence[str]
    """Those of its measures that do not know events of their whole window."""
    timeout: float
    """Seconds."""
    yes: bool
    quiet: bool


def fill(settings: Settings, wanted: Wanted, chains: Chains) -> tuple[Chains, str | None]:
    """Have all partitions fill what is not known beside the running rules, or go on with that.

    Returns the chain after it, and the id that the rules then have; None: nothing is to be filled. Raises NotTakenOver
    if it takes longer than the timeout, and Overtaken.
    """
    running = chains.running
    measures = None if running is None else _measures(wanted, running)
    if running is None or measures is None:
        told = "nothing is to be filled: every measure knows events of its whole window"
        tell_lines(*(() if wanted.quiet else (told,)))
        return chains, None
    filling_id = _asked(settings, wanted, measures, chains)

    def still_wanted() -> Chains:
        now = read_chains(settings)
        last = now.filling
        if now.running is None or now.running.id != running.id or last is None or last.id != filling_id:
            raise Overtaken(
                "another deployment was written while this one was filled, and ended the filling: look at it (segments "
                "diff), then deploy again"
            )
        return now

    going_live.filled(settings, filling_id, chains, wanted.timeout, still_wanted)
    return still_wanted(), filling_id.removesuffix(FILLED)


def _asked(settings: Settings, wanted: Wanted, measures: bytes, chains: Chains) -> str:
    """The id of the record that asks for it: one that is there already, or a new one."""
    made = filling(wanted.made, measures)
    if chains.filling is not None and fills(chains.filling, made):
        click.echo(f"going on with the filling {chains.filling.id}", err=True)
        return chains.filling.id
    if has_links(settings):
        click.echo("what an id did before it was linked to another one is not filled", err=True)
    going_live.ask(f"Fill these measures, then deploy this to the group {settings.group}?", yes=wanted.yes)
    going_live.publish(settings, made, chains)
    return str(made["deployment_id"])


def has_links(settings: Settings) -> bool:
    """Whether links of ids were ever sent."""
    with committed_reader(settings) as consumer:
        places = partitions_of(consumer, IDENTITIES)
        return any(end > 0 for end in consumer.end_offsets(places).values())


def exact_from(settings: Settings) -> dict[str, str]:
    """The rules that are not exact yet, each with the instant from which on it is, as the workers tell."""
    return {name: str(schemas.to_iso(until)) for name, until in sorted(ask(settings, None).warming.items())}


def told_exact_from(found: Mapping[str, str]) -> Iterator[str]:
    """In words."""
    for name, until in found.items():
        yield f"{name}: older records are deleted, so it is exact from {until} on"


def _measures(wanted: Wanted, running: Deployed) -> bytes | None:
    """The plan of what is to be filled; None: nothing is."""
    for name in ("currency", "zone"):
        if wanted.made["settings"][name] != running.settings[name]:
            raise SettingsChange(
                f"--backfill fills measures in the currency and the time zone deployed, and the {name} changes: deploy "
                "the settings first, then the rules with --backfill."
            )
    made = listening(wanted.rules, wanted.unknown)
    return None if made is None else made.data.to_bytes()
