"""What came of all segments as `segments report` tells it, on request: made here of the output topics, kept a while."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from kafka.errors import KafkaError

import schemas
from segments.insight.outcomes.period import ALWAYS, Period
from streams.clock import wall_clock
from streams.errors import StreamsError
from streams.kafka.read_committed import committed_reader
from streams.settings.settings import Settings

EVERY = 600_000
"""Milliseconds between the beginnings of two reports: each reads the output topics whole."""

Figures = Mapping[str, Any]


class _Stopped(Exception):
    """The console ends."""


@dataclass(slots=True)
class Reported:
    """A report: how far it is, or what it tells."""

    began: int
    """The wall clock, in milliseconds."""
    done: int = 0
    total: int = 0
    problem: str | None = None
    as_of: int | None = None
    segments: Mapping[str, Figures] | None = None
    """The figures by segment; None: it is being made."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def of(self, segment: str) -> Figures | None:
        """What came of a segment; None: it is being made, or nobody was ever in it."""
        return None if self.segments is None else self.segments.get(segment)

    def told(self, segment: str) -> dict[str, Any]:
        """The report as JSON, with what came of a segment as `segments report --json` has it."""
        return {
            "began": schemas.to_iso(self.began),
            "as_of": None if self.as_of is None else schemas.to_iso(self.as_of),
            "done": self.done,
            "total": self.total,
            "problem": self.problem,
            "found": self.of(segment),
        }


class Reports:
    """The latest report."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopped = threading.Event()
        self.latest: Reported | None = None

    def begin(self) -> Reported:
        """Begin a report, unless one is being made or was begun within ten minutes."""
        latest, now = self.latest, wall_clock()
        if latest is not None:
            running = latest.task is not None and not latest.task.done()
            if running or (latest.problem is None and now - latest.began < EVERY):
                return latest
        reported = self.latest = Reported(now)
        reported.task = asyncio.create_task(self._run(reported))
        return reported

    def close(self) -> None:
        """Make no more of it."""
        self._stopped.set()

    async def _run(self, reported: Reported) -> None:
        if find_spec("scipy") is None:
            reported.problem = (
                "scipy is not installed: `pip install 'segments[report]'` brings what the intervals need"
            )
            return
        try:
            await asyncio.to_thread(self._read, reported)
        except (StreamsError, KafkaError, OSError) as error:
            told = str(error) if isinstance(error, StreamsError) else f"Kafka does not answer: {error!r}"
            reported.problem = told
        except _Stopped:
            reported.problem = "stopped"

    def _read(self, reported: Reported) -> None:
        # Not above: it needs scipy, which a console without reports does not.
        from streams.report import whole
        from streams.report.reading import Topics

        settings = self._settings

        def progress(count: int) -> None:
            reported.done += count
            if self._stopped.is_set():
                raise _Stopped

        with committed_reader(settings) as consumer:
            topics = Topics(consumer, settings, inputs=False)
            reported.total = topics.length
            now = topics.latest() if settings.clock == "event" else wall_clock()
            report = whole.report_of(
                topics, settings, Period(now + 1, ALWAYS, now, every=False), (), {}, progress
            )
        reported.as_of = now
        reported.segments = {each["segment"]: each for each in whole.plain(report)["segments"]}
