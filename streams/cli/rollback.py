"""`segments rollback`: an earlier deployment again, at once."""

import difflib
from collections.abc import Iterator, Mapping

import click

from segments.engine import BorderKey
from segments.plan.borders import borders_of
from streams.cli import going_live
from streams.cli.going_live import NO_WAIT, NOTE, TIMEOUT, YES, tell_lines
from streams.cli.visible import json_line
from streams.clock import wall_clock
from streams.deployments.planning import again, changed_settings
from streams.deployments.records import Chains, Deployed, read_chains
from streams.errors import StreamsError
from streams.settings.settings import read_settings


@click.command()
@click.argument("deployment_id", metavar="[ID]", required=False)
@NOTE
@YES
@NO_WAIT
@TIMEOUT
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    deployment_id: str | None, note: str, yes: bool, no_wait: bool, timeout: float, as_json: bool
) -> None:
    """Deploy an earlier rule set again, with its settings and its borders: by default the one before the one that runs.

    ID may be that of a deployment of borders, as `segments deployments` lists it: the rules that it went with run
    again, with those borders. It takes effect at once, before the events that still wait. Exit codes are those of
    `segments deploy`.
    """
    going_live.require_answer(yes=yes)
    settings = read_settings()
    chains = read_chains(settings)
    running, wanted = chains.running, _find(deployment_id, chains)
    assert running is not None  # noqa: S101 - there is an earlier one
    same = wanted.plan == running.plan and wanted.settings == running.settings
    if same and _values(wanted) == _published(chains) and not chains.lacking:
        if as_json:
            click.echo(json_line({"deployment_id": None, "written": False, "rolled_back_to": wanted.id}))
        else:
            tell_lines(f"nothing would change: {running.id} has the rules and the borders of {wanted.id}")
        return
    if not as_json:
        tell_lines(*_told(wanted, running), *_moved(_published(chains), _values(wanted)))
    going_live.ask(f"Deploy {wanted.id} again?", yes=yes)
    made = again(settings, wanted, chains, wall_clock(), note)
    going_live.publish(settings, made, chains)
    flips = (
        None
        if no_wait
        else going_live.await_flips(settings, made["deployment_id"], chains, timeout, quiet=as_json)
    )
    if as_json:
        done = {
            "deployment_id": made["deployment_id"],
            "written": True,
            "rolled_back_to": wanted.id,
            "flips": flips,
        }
        click.echo(json_line(done))


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
    kept = running.planned.data.measures
    for measure in wanted.planned.data.measures:
        if measure not in kept:
            yield f"  may know events from now on only: {measure}"
