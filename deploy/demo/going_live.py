"""Beside the live act: a new rule goes live with its past, and is rolled back; then borders are taken."""

import asyncio
import json
from typing import Any

from deploy.demo.cluster import RULES, Cluster, run
from deploy.demo.errors import ClusterError
from deploy.demo.screen import Screen
from streams.clock import wall_clock

NAME = "bought_often"
RULE = '''"""Who bought five times within a year: a rule that nobody had thought of when the history came in."""

from segments.language import Segment, purchase

bought_often = Segment(
    en="Bought often",
    nl="Kocht vaak",
    when=purchase.within(days=365).count() >= 5,
    examples="""
    0d x5 every 1d  purchase   enters
    """,
)
'''
RANKED, PERCENT = "top_tenth", "10"
"""A rule by borders, and the percentage of the one that lets in."""
BEGINS_AFTER = 3.0
"""Seconds of the act before the rule is deployed."""


async def deploy_and_back(where: Cluster, screen: Screen) -> None:
    """Deploy the rule with `--backfill` and roll it back; ClusterError if nobody entered, or somebody stayed."""
    folder = where.folder / "new-rule"
    folder.mkdir()
    (folder / f"{NAME}.py").write_text(RULE, encoding="utf-8")
    await asyncio.sleep(BEGINS_AFTER)
    screen.say(f"A new rule, {NAME}: five purchases within a year. It is deployed while events flow:")
    screen.say("segments deploy --backfill --yes")
    rules = [option for each in (*RULES, folder) for option in ("--rules", str(each))]
    options = ("--backfill", "--no-census", "--yes", "--max-moved", "100", "--note", "demo", "--json")
    began = wall_clock()
    done = json.loads(await run(where, "deploy", *rules, *options))
    entered = _flips(done, NAME, "enters")
    screen.say(
        f"[green]{entered:,} customers entered {NAME}[/], by purchases of the months before; "
        f"no worker was stopped. It took {(wall_clock() - began) / 1000:.1f} s."
    )
    screen.say("And back: segments rollback --yes")
    left = _flips(json.loads(await run(where, "rollback", "--yes", "--json")), NAME, "exits")
    screen.say(f"[green]{left:,} customers left {NAME}[/]: the rules of before run again.")
    if not entered or left != entered:
        raise ClusterError(f"{entered} customers entered {NAME} when it was deployed, and {left} left")


async def take_borders(where: Cluster, screen: Screen) -> None:
    """Take the borders of all customers; ClusterError if nobody entered by them."""
    screen.say(
        f"Who belongs to the best tenth, {RANKED}, depends on all customers: segments borders update --yes"
    )
    began = wall_clock()
    done = json.loads(await run(where, "borders", "update", "--yes", "--json"))
    entered = _flips(done, RANKED, "enters")
    (border,) = (each for each in done["borders"] if each["percent"] == PERCENT)
    screen.say(
        f"[green]{entered:,} customers entered {RANKED}[/]: the best {PERCENT} % of {border['customers']:,} customers "
        f"spent {border['value']} or more in a year. It took {(wall_clock() - began) / 1000:.1f} s."
    )
    if not entered:
        raise ClusterError(f"nobody entered {RANKED} when its borders were published")


def _flips(done: dict[str, Any], name: str, what: str) -> int:
    return int(done["flips"].get(name, {}).get(what, 0))
