"""`segments rollback`: an earlier deployment again, at once."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import click

from segments.engine import BorderKey
from segments.plan.borders import borders_of
from streams.cli import going_live
from streams.cli.filling import Wanted, exact_from, fill, told_exact_from
from streams.cli.going_live import NO_WAIT, NOTE, TIMEOUT, YES, tell_lines
from streams.cli.visible import json_line
from streams.clock import wall_clock
from streams.deployments.changes import DAY
from streams.deployments.knowledge import known_since, looked_back, unknown
from streams.deployments.planning import again, changed_settings
from streams.deployments.records import Chains, Deployed, read_chains
from streams.errors import StreamsError
from streams.kafka.topics import require_sources
from streams.settings.settings import Settings, read_settings


@click.command()
@click.argument("deployment_id", metavar="[ID]", required=False)
@NOTE
@YES
@NO_WAIT
@TIMEOUT
@click.option(
    "--backfill",
    is_flag=True,
    help="First fill what is forgotten by now, from the input topics, while the present rules run.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    deployment_id: str | None,
    note: str,
    yes: bool,
    no_wait: bool,
    timeout: float,
    backfill: bool,
    as_json: bool,
) -> None:
    """Deploy an earlier rule set again, with its settings and its borders: by default the one before the one that runs.

    ID may be that of a deployment of borders, as `segments deployments` lists it: the rules that it went with run
    again, with those borders. It takes effect at once, before the events that still wait. Exit codes are those of
    `segments deploy`.

    What a deployment no longer needs is kept for seven days: measures that were dropped within them go on. Others are
    new, and know events from the rollback on; with --backfill they are filled first, from what the input topics still
    hold. Both are told, and so are the customers who were forgotten meanwhile.
    """
    _check(backfill=backfill, no_wait=no_wait, yes=yes)
    settings = read_settings()
    chains, now = read_chains(settings), wall_clock()
    running, wanted = chains.running, _find(deployment_id, chains)
    assert running is not None  # noqa: S101 - there is an earlier one
    same = wanted.plan == running.plan and wanted.settings == running.settings
    if same and _values(wanted) == _published(chains) and not chains.lacking:
        _told_unchanged(wanted, running, as_json=as_json)
        return
    known = known_since(chains, now)
    if not as_json:
        tell_lines(*_told(wanted, running), *_moved(_published(chains), _values(wanted)))
        tell_lines(*forgotten(wanted, chains, known, now, backfill=backfill))
    require_sources(settings, wanted.settings["profile_sources"])
    made = again(settings, wanted, chains, now, note)
    if backfill:
        lacking = unknown(wanted.planned.data, known, now)
        asked = Wanted({**made, "occurred_at": now}, wanted.planned, lacking, timeout, yes=yes, quiet=as_json)
        chains, made = _filled(settings, asked, wanted, chains)
    going_live.ask(f"Deploy {wanted.id} again?", yes=yes)
    going_live.publish(settings, made, chains)
    flips, new_id = None, made["deployment_id"]
    exact: dict[str, str] = {}
    if not no_wait:
        flips = going_live.await_flips(settings, new_id, chains, timeout, quiet=as_json)
        exact = exact_from(settings) if backfill else {}
        tell_lines(*(() if as_json else told_exact_from(exact)))
    if as_json:
        done = {"deployment_id": new_id, "written": True, "rolled_back_to": wanted.id}
        click.echo(json_line(done | {"flips": flips, "exact_from": exact}))


def _check(*, backfill: bool, no_wait: bool, yes: bool) -> None:
    """Refuses options that do not go together, and a call that would have to ask where nobody answers."""
    if backfill and no_wait:
        raise click.UsageError(
            "--no-wait does not go with --backfill: the rules are written once all is filled."
        )
    going_live.require_answer(yes=yes)


def _filled(
    settings: Settings, asked: Wanted, wanted: Deployed, chains: Chains
) -> tuple[Chains, dict[str, Any]]:
    """Fill what the earlier rules measured and is not known; gives the chain then, and the record to be written."""
    chains, filled_id = fill(settings, asked, chains)
    made = again(settings, wanted, chains, wall_clock(), asked.made["note"])
    made["deployment_id"] = filled_id or made["deployment_id"]
    return chains, made


def _told_unchanged(wanted: Deployed, running: Deployed, *, as_json: bool) -> None:
    if as_json:
        click.echo(json_line({"deployment_id": None, "written": False, "rolled_back_to": wanted.id}))
    else:
        tell_lines(f"nothing would change: {running.id} has the rules and the borders of {wanted.id}")


def _find(deployment_id: str | None, chains: Chains) -> Deployed:
    known = {each.id: each for each in chains.deployments}
    if deployment_id is None:
        if len(chains.rules) < 2:
            raise StreamsError(
                "there is no deployment before the one that runs: `segments deployments` lists them"
            )
        return chains.rules[-2]
    if deployment_id not in known:
        near = difflib.get_close_matches(deployment_id, known, n=1)
        mend = f"did you mean {near[0]}?" if near else "`segments deployments` lists them"
        raise StreamsError(f"there is no deployment {deployment_id} of this group: {mend}")
    return chains.whole(known[deployment_id])


Values = Mapping[BorderKey, str]
"""The borders published."""


def _values(deployed: Deployed) -> Values:
    return {each.key: each.value for each in borders_of(deployed.fields["borders"])}


def _published(chains: Chains) -> Values:
    return {each.key: each.value for each in chains.borders}


def _moved(now: Values, then: Values) -> Iterator[str]:
    """The borders that would move."""
    for key in dict.fromkeys([*now, *then]):
        before, after = now.get(key, "nothing"), then.get(key, "nothing")
        if before != after:
            yield f"  {key.measure} top(percent={key.percent}): {before} becomes {after}"


def _told(wanted: Deployed, running: Deployed) -> Iterator[str]:
    yield f"from {running.id} back to {wanted.id}:"
    now, then = ({each["id"]: each["version"] for each in of.rules} for of in (running, wanted))
    for name in sorted({*now, *then}):
        if name not in then:
            yield f"- {name}: removed"
        elif name not in now:
            yield f"+ {name}: added"
        elif now[name] != then[name]:
            yield f"~ {name}: changed"
    for each in changed_settings(running.settings, wanted.settings):
        yield f"  {each['setting']}: {each['deployed']} becomes {each['new']}"


def forgotten(
    wanted: Deployed, chains: Chains, known: Mapping[str, int], now: int, *, backfill: bool
) -> Iterator[str]:
    """What the earlier rules measured and is not kept any more, what goes on, and who is forgotten."""
    running, plan = chains.running, wanted.planned.data
    assert running is not None  # noqa: S101 - there is an earlier one
    to_fill = unknown(plan, known, now) if backfill else ()
    for measure in plan.measures:
        if measure in to_fill:
            yield f"  to be filled: {measure}"
        elif measure not in known:
            yield f"  knows events from now on only: {measure}"
        elif measure not in running.planned.data.measures:
            yield f"  was kept, and goes on: {measure}"
    reach = looked_back(chains, now)
    if plan.retention > reach:
        yield f"  customers without an event for {reach / DAY:g} days are forgotten meanwhile"
