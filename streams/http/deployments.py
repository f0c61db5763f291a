"""The page /deployments: which deployment each partition served here runs, and how far it has taken customers over."""

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from streams.telemetry.gauges import PartitionState

States = Callable[[], Iterable[PartitionState]]


def routes(states: States) -> list[web.RouteDef]:
    """The page: `partitions`, with as many objects as there are partitions here.

    Each has `partition`, `deployment_id` (null: rule files, or nothing yet), `state` (null while it is restored),
    `filling` (the deployment whose measures are filled from history, or null) and `filled` (whether they are),
    `taken_over` and `left` (customers), and `enters` and `exits` of this take-over by segment, as committed.
    """

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"partitions": [told(each) for each in states()]})

    return [web.get("/deployments", answer)]


def told(state: PartitionState) -> dict[str, Any]:
    """One partition, as the page has it."""
    flips: dict[str, dict[str, int]] = {"enter": {}, "exit": {}}
    for (segment, transition), count in sorted(state.moved.items()):
        flips[transition][segment] = count
    return {
        "partition": state.number,
        "deployment_id": state.deployment,
        "state": state.deployment_state,
        "filling": state.filling,
        "filled": state.filled,
        "taken_over": state.taken_over,
        "left": state.left,
        "enters": flips["enter"],
        "exits": flips["exit"],
    }
