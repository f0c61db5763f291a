"""The page of health: whether anything is wrong right now, by the workers' metrics and the topics."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

import schemas
from streams.clock import wall_clock
from streams.console.asking import Samples, metrics_of
from streams.console.console import Console
from streams.console.database import HOUR
from streams.console.membership import letters_by_reason
from streams.console.problems import PROBLEMS, Health, names_of, problems_of
from streams.console.state import State, state_of

FRESH_SECONDS = 1.0
"""For which what the workers told is shown again: many may look at once."""
RECENT_HOURS = 24

Line = dict[str, Any]


class Looking:
    """Asks the workers, at most once a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._health: Health | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def health(self) -> Health:
        """What they tell."""
        async with self._asking:
            if self._health is None or time.monotonic() >= self._until:
                self._health = await self._looked()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._health

    async def _looked(self) -> Health:
        console, now = self._console, wall_clock()
        addresses = console.workers.group.workers
        told = await asyncio.gather(*map(metrics_of, addresses))
        answered = {where: found for where, found in zip(addresses, told, strict=True) if found is not None}
        since = now // HOUR * HOUR - (RECENT_HOURS - 1) * HOUR
        letters = await console.reader.ask(letters_by_reason, console.reader.database, since)
        return Health(
            now,
            sorted(_lag(answered), key=lambda line: (line["partition"], line["topic"])),
            sorted(_instants(answered, "segments_partition_clock_timestamp_seconds"), key=_partition),
            sorted(_timers(answered), key=_partition),
            [_worker(where, answered.get(where), console) for where in addresses],
            sorted(_deployments(answered), key=lambda line: (line["partition"], line["state"])),
            [{"reason": reason, "recent": recent, "count": count} for reason, recent, count in letters],
        )


def _partition(line: Line) -> int:
    return int(line["partition"])


def _each(answered: Mapping[str, Samples], name: str) -> list[tuple[dict[str, str], float]]:
    return [sample for found in answered.values() for sample in found.get(name, ())]


def _lag(answered: Mapping[str, Samples]) -> list[Line]:
    return [
        {"topic": labels["topic"], "partition": int(labels["partition"]), "records": int(value)}
        for labels, value in _each(answered, "segments_consumer_lag_records")
    ]


def _instants(answered: Mapping[str, Samples], name: str) -> list[Line]:
    return [
        {"partition": int(labels["partition"]), "at": round(value * 1000)}
        for labels, value in _each(answered, name)
    ]


def _timers(answered: Mapping[str, Samples]) -> list[Line]:
    pending = {
        labels["partition"]: int(value) for labels, value in _each(answered, "segments_customers_pending")
    }
    due = {
        str(line["partition"]): line["at"]
        for line in _instants(answered, "segments_next_due_timestamp_seconds")
    }
    return [
        {"partition": int(number), "customers": count, "next": due.get(number)}
        for number, count in pending.items()
    ]


def _worker(where: str, found: Samples | None, console: Console) -> Line:
    owners = console.workers.group.owners
    build = (found or {}).get("segments_build_info", [({}, 1.0)])[0][0]
    rules = (found or {}).get("segments_rules_info", [({}, 1.0)])[0][0]
    return {
        "worker": where,
        "answers": found is not None,
        "partitions": sorted(number for number, owner in owners.items() if owner == where),
        "version": build.get("version", ""),
        "rules": rules.get("digest", ""),
    }


def _deployments(answered: Mapping[str, Samples]) -> list[Line]:
    """What each partition runs; by the digest of the rules where nothing was deployed."""
    deployed = {
        labels["partition"]: labels["deployment_id"]
        for labels, _ in _each(answered, "segments_deployment_info")
    }
    return [
        {
            "partition": int(labels["partition"]),
            "state": labels["state"],
            "deployment_id": deployed.get(labels["partition"]),
        }
        for labels, value in _each(answered, "segments_deployment_state")
        if value
    ]


def routes(console: Console, looking: Looking) -> list[web.RouteDef]:
    """The page and its JSON."""
    page = _Health(console, looking)
    return [web.get("/health", page.html), web.get("/api/health", page.json)]


def health_state(console: Console, health: Health) -> State:
    """Partial: some partitions are served by nobody, or by a worker that does not answer."""
    silent = {number for line in health.workers if not line["answers"] for number in line["partitions"]}
    unserved = tuple(sorted({*console.unserved, *silent}))
    return state_of(console.progress, unserved, empty=not health.workers)


class _Health:
    def __init__(self, console: Console, looking: Looking) -> None:
        self._console = console
        self._looking = looking

    async def html(self, request: web.Request) -> web.Response:
        """The page."""
        health = await self._looking.health()
        state = health_state(self._console, health)
        problems = problems_of(self._console, health)
        return self._console.page(
            request,
            "health.html",
            state,
            health=health,
            problems=problems,
            problem_texts=PROBLEMS,
            wrong=names_of(problems),
            live="/live?page=health",
        )

    async def json(self, _request: web.Request) -> web.Response:
        """The same numbers."""
        health = await self._looking.health()
        body = {
            "problems": problems_of(self._console, health),
            "lag": health.lag,
            "clock": [{**line, "at": schemas.to_iso(line["at"])} for line in health.clock],
            "timers": [
                {**line, "next": None if line["next"] is None else schemas.to_iso(line["next"])}
                for line in health.timers
            ],
            "workers": health.workers,
            "deployments": health.deployments,
            "dead_letters": health.letters,
        }
        return self._console.json(health_state(self._console, health), body)


def cells_of(health: Health) -> dict[str, int | None]:
    """The raw numbers of the page by the keys of its cells, for updates."""
    cells: dict[str, int | None] = {
        f"lag:{line['topic']}:{line['partition']}": line["records"] for line in health.lag
    }
    cells |= {f"clock:{line['partition']}": line["at"] for line in health.clock}
    cells |= {f"timers:{line['partition']}": line["customers"] for line in health.timers}
    cells |= {f"next:{line['partition']}": line["next"] for line in health.timers}
    cells |= {f"letters:{line['reason']}": line["count"] for line in health.letters}
    cells |= {f"recent:{line['reason']}": line["recent"] for line in health.letters}
    return cells
