"""Trials of a rule with other numbers, on the past events of the topics: the engine runs here, beside the workers."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from kafka.errors import KafkaError

from segments.engine import EngineSettings, load
from segments.insight.findings import Findings
from segments.insight.varying import with_numbers
from segments.language.errors import SegmentsError
from streams.clock import wall_clock
from streams.errors import StreamsError
from streams.history.topics import topics_history
from streams.jobs import trial
from streams.settings.settings import Settings

KEPT = 16
"""Trials whose results are kept."""

Key = tuple[str, tuple[tuple[int, str], ...]]


class _Stopped(Exception):
    """Somebody stopped the trial, or it gave way to a later one."""


@dataclass(slots=True)
class Tried:
    """A trial: how far it is, or what it found."""

    segment: str
    began: int
    """The wall clock, in milliseconds: as of when it is."""
    done: int = 0
    total: int = 0
    found: Findings | None = None
    deleted_before: int | None = None
    """What came in before this instant would matter, and is no longer in the topics."""
    problem: str | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class Trials:
    """Runs one trial at a time; one that is asked for later takes the place of the one that runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._trials: dict[Key, Tried] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, segment: str, numbers: Mapping[int, str]) -> Tried:
        """The trial of a rule with these numbers by their places, begun if there is none."""
        key = segment, tuple(sorted(numbers.items()))
        tried = self._trials.get(key)
        if tried is None or tried.stopped.is_set():
            self.close()
            while len(self._trials) >= KEPT:
                del self._trials[next(iter(self._trials))]
            tried = self._trials[key] = Tried(segment, wall_clock())
            task = asyncio.create_task(self._run(tried, dict(numbers)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return tried

    def close(self) -> None:
        """Stop what runs."""
        for tried in self._trials.values():
            if not tried.finished.is_set():
                tried.stopped.set()

    async def _run(self, tried: Tried, numbers: dict[int, str]) -> None:
        try:
            await asyncio.to_thread(self._try, tried, numbers)
        except (SegmentsError, StreamsError, KafkaError, OSError) as error:
            ours = isinstance(error, SegmentsError | StreamsError)
            tried.problem = str(error) if ours else f"Kafka does not answer: {error!r}"
        except _Stopped:
            tried.problem = "stopped"
        tried.finished.set()

    def _try(self, tried: Tried, numbers: dict[int, str]) -> None:
        settings = self._settings
        required, shop = settings.required_consent or "", (settings.currency, settings.timezone)
        running = load(settings.rules, settings.currency, settings.timezone, required=required)
        other = with_numbers(settings.rules, tried.segment, numbers, shop, required)
        both = trial.TrialRules(other, tried.segment, running, tried.segment)
        since = trial.needed_since(both, tried.began, 1)
        with topics_history(settings, since, None) as history:
            tried.total = history.length

            def progress(count: int) -> None:
                tried.done += count
                if tried.stopped.is_set():
                    raise _Stopped

            now = tried.began if settings.clock == "wall" else None
            tried.found = trial.run(both, history, EngineSettings.of(settings), now, progress)
            tried.deleted_before = history.deleted_before
