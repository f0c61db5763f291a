"""`segments deployments`: what was deployed for the group, and which partitions run it."""

from collections.abc import Iterator
from typing import Any

import click

import schemas
from streams.cli.going_live import tell_lines
from streams.cli.visible import json_line
from streams.deployments.records import FILL, Chains, Deployed, read_chains
from streams.deployments.watching import Look, look
from streams.settings.settings import read_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(as_json: bool) -> None:
    """List the deployments of the group, the oldest first, and what the partitions run.

    Each has its kind: `rules`, `borders`, or `fill`, which asks for the measures of the rules that follow to be filled;
    its partitions are those that are filled by it at present.
    """
    settings = read_settings()
    chains = read_chains(settings)
    now = look(settings)
    for each in chains.written:
        if as_json:
            click.echo(json_line(as_plain(each, now)))
        else:
            tell_lines(*_told(each, now))
    if not as_json:
        tell_lines(*_rest(chains, now))


def as_plain(each: Deployed, now: Look) -> dict[str, Any]:
    """A deployment as plain values, with the partitions that run it, or are filled by it, now."""
    return {
        "deployment_id": each.id,
        "occurred_at": schemas.to_iso(each.occurred_at),
        "kind": each.kind,
        "note": each.fields["note"],
        "rules": [rule["id"] for rule in each.rules],
        "partitions": [
            {"partition": number, "state": found.state, "customers": found.taken_over}
            for number, found in sorted(now.partitions.items())
            if each.id == (found.filling if each.kind == FILL else found.deployment_id)
        ],
    }


def _told(each: Deployed, now: Look) -> Iterator[str]:
    plain = as_plain(each, now)
    note = f"  {plain['note']}" if plain["note"] else ""
    yield f"{each.id}  {plain['occurred_at']}  {each.kind}, {len(plain['rules'])} rules{note}"
    for found in plain["partitions"]:
        progress = now.partitions[found["partition"]]
        state = "filled" if each.kind == FILL and progress.filled else progress.state
        more = f", {progress.left:,} customers left" if progress.left else ""
        yield f"  partition {progress.partition}: {state or 'is being restored'}{more}"


def _rest(chains: Chains, now: Look) -> Iterator[str]:
    if not chains.deployments:
        yield "nothing is deployed: `segments deploy` does it"
        return
    known = {each.id for each in chains.deployments}
    others = [number for number in chains.held if number not in now.partitions]
    if others:
        yield f"of these partitions no worker tells what they run: {', '.join(map(str, sorted(others)))}"
    for number, found in sorted(now.partitions.items()):
        if found.deployment_id not in known:
            yield f"  partition {number}: runs {found.deployment_id or 'no deployment'}"
