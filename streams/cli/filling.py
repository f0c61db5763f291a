"""`segments deploy --backfill`: what is new is filled from history first, while the old rules run."""

from dataclasses import dataclass

import click

from segments.engine import FILLED, listening
from streams.cli import going_live
from streams.cli.going_live import tell_lines
from streams.clock import wall_clock
from streams.deployments.changes import Changes
from streams.deployments.planning import Planned, SettingsChange, filling, fills
from streams.deployments.records import Chains, Deployed, read_chains
from streams.deployments.writing import Overtaken
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be deployed with its past."""

    planned: Planned
    changes: Changes
    note: str
    timeout: float
    """Seconds."""
    yes: bool
    quiet: bool


def fill(settings: Settings, wanted: Wanted, chains: Chains) -> tuple[Chains, str | None]:
    """Have all partitions fill what is new beside the running rules, or go on with that.

    Returns the chain after it, and the id that the rules then have; None: nothing is to be filled. Raises NotTakenOver
    if it takes longer than the timeout, and Overtaken.
    """
    running = chains.running
    measures = None if running is None else _measures(wanted.planned, wanted.changes, running)
    if running is None or measures is None:
        tell_lines(*(() if wanted.quiet else ("nothing is to be filled: no measure is new",)))
        return chains, None
    filling_id = _asked(settings, wanted, measures, chains)
    going_live.filled(settings, filling_id, chains, wanted.timeout)
    now = read_chains(settings)
    last = now.filling
    if now.running is None or now.running.id != running.id or last is None or last.id != filling_id:
        raise Overtaken(
            "another deployment was written while this one was filled: look at it (segments diff)"
        )
    return now, filling_id.removesuffix(FILLED)


def _asked(settings: Settings, wanted: Wanted, measures: bytes, chains: Chains) -> str:
    """The id of the record that asks for it: one that is there already, or a new one."""
    if chains.filling is not None and fills(chains.filling, wanted.planned, measures):
        click.echo(f"going on with the filling {chains.filling.id}", err=True)
        return chains.filling.id
    going_live.ask(f"Fill the new measures, then deploy this to the group {settings.group}?", yes=wanted.yes)
    made = filling(settings, wanted.planned, measures, chains, wall_clock(), wanted.note)
    going_live.publish(settings, made, chains)
    return str(made["deployment_id"])


def _measures(planned: Planned, found: Changes, running: Deployed) -> bytes | None:
    """The plan of what is to be filled: the measures of rules that have new ones; None: there are none."""
    for name in ("currency", "zone"):
        if planned.settings[name] != running.settings[name]:
            raise SettingsChange(
                f"--backfill fills measures in the currency and the time zone deployed, and the {name} changes: deploy "
                "the settings first, then the rules with --backfill."
            )
    wanted = [each.id for each in found.rules if each.new_measures]
    made = listening(planned.ruleset, wanted) if wanted else None
    return None if made is None else made.data.to_bytes()
