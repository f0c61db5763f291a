"""Counts of all customers, which the workers make on request: asked for here, added up and kept for ten minutes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import schemas
from segments.insight.census import added
from streams.clock import wall_clock
from streams.console.workers import Workers
from streams.errors import StreamsError
from streams.http.client import answer_of
from streams.settings.settings import Settings

EVERY = 600_000
"""Milliseconds between the beginnings of two counts."""
POLL = 0.5
"""Seconds between two questions how far the workers are."""
SECONDS = 10.0
"""In which a worker must answer: of a thousand rules the counts have megabytes."""


@dataclass(slots=True)
class Counted:
    """A count of all partitions."""

    began: int
    """The wall clock, in milliseconds."""
    done: int = 0
    total: int = 0
    found: Mapping[str, Any] | None = None
    problem: str | None = None
    missing: tuple[int, ...] = ()
    """Partitions that nobody serves: they are not counted."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def of(self, segment: str) -> Mapping[str, Any] | None:
        """What was found of a segment."""
        found: Mapping[str, Any] | None = None if self.found is None else self.found["segments"].get(segment)
        return found

    def told(self, segment: str) -> dict[str, Any]:
        """The count as JSON, with what was found of a segment."""
        return {
            "began": schemas.to_iso(self.began),
            "done": self.done,
            "total": self.total,
            "problem": self.problem,
            "missing": list(self.missing),
            "found": self.of(segment),
        }


class Counting:
    """The latest count."""

    def __init__(self, settings: Settings, workers: Workers) -> None:
        self._settings = settings
        self._workers = workers
        self.latest: Counted | None = None

    def begin(self, partitions: int) -> Counted:
        """Begin a count, unless one is under way or was begun within ten minutes."""
        latest, now = self.latest, wall_clock()
        if latest is not None and latest.problem is None and now - latest.began < EVERY:
            return latest
        if latest is not None and latest.task is not None and not latest.task.done():
            return latest
        counted = self.latest = Counted(now)
        counted.task = asyncio.create_task(self._run(counted, partitions))
        return counted

    def of(self, segment: str) -> Mapping[str, Any] | None:
        """What the latest count found of a segment."""
        return None if self.latest is None else self.latest.of(segment)

    def close(self) -> None:
        """Ask no more."""
        if self.latest is not None and self.latest.task is not None:
            self.latest.task.cancel()

    async def _run(self, counted: Counted, partitions: int) -> None:
        await self._workers.look_again()
        group = self._workers.group
        counted.missing = tuple(number for number in range(partitions) if number not in group.owners)
        if not group.workers:
            counted.problem = "no worker of the group runs: start one (segments worker)"
            return
        progress: dict[str, tuple[int, int]] = {}
        try:
            told = await asyncio.gather(
                *(self._of_worker(where, counted, progress) for where in group.workers)
            )
        except StreamsError as error:
            counted.problem = str(error)
            return
        counted.found = added(told)

    async def _of_worker(
        self, where: str, counted: Counted, progress: dict[str, tuple[int, int]]
    ) -> Mapping[str, Any]:
        while True:
            answer = await asyncio.to_thread(
                answer_of, where, "/census?begin=1", self._settings.why_token, SECONDS
            )
            if answer["problem"] is not None:
                raise StreamsError(f"the worker at {where} could not count: {answer['problem']}")
            progress[where] = answer["done"], answer["total"]
            counted.done, counted.total = map(sum, zip(*progress.values(), strict=True))
            if answer["found"] is not None:
                found: Mapping[str, Any] = answer["found"]
                return found
            await asyncio.sleep(POLL)
