"""Trials of a rule with other numbers, on the past events of the topics: the engine runs here, beside the workers."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kafka.errors import KafkaError

from segments.engine import Border, BorderKey, PlannedRules, RuleSet, topics_of, with_borders
from segments.insight.by_history import BorderCensus
from segments.insight.findings import Findings
from segments.insight.trial import RuleTrial, Trial
from segments.insight.varying import borders_read, with_numbers
from segments.language.errors import SegmentsError
from streams.clock import wall_clock
from streams.console.rules import Rules
from streams.errors import StreamsError
from streams.history.links import linked_history
from streams.history.reader import History, Progress
from streams.settings.settings import Settings

KEPT = 16
"""Trials whose results are kept."""

Key = tuple[str, str, tuple[Border, ...], tuple[tuple[int, str], ...]]
"""Segment, its version, the borders published, numbers by place."""


class _Stopped(Exception):
    """Somebody stopped the trial, or it gave way to a later one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A border that a rule is compared with in a trial."""

    key: BorderKey
    border: Border | None
    """None: nobody has a value, and nobody is in by it."""
    by_history: bool
    """It is not published: it was taken from the past events."""


@dataclass(slots=True)
class RunningTrial:
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
    borders: Sequence[Compared] = ()
    """The borders that the rule reads, as it is and with the other numbers."""
    stopped: threading.Event = field(default_factory=threading.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class Trials:
    """Runs one trial at a time; one that is asked for later takes the place of the one that runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._trials: dict[Key, RunningTrial] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, rules: Rules, segment: str, numbers: Mapping[int, str]) -> RunningTrial:
        """The trial of a rule with these numbers by their places, begun if there is none."""
        version, published = rules.segments[segment].version, rules.runnable.borders
        key = segment, version, published, tuple(sorted(numbers.items()))
        tried = self._trials.get(key)
        if tried is None or tried.stopped.is_set():
            self.close()
            while len(self._trials) >= KEPT:
                del self._trials[next(iter(self._trials))]
            tried = self._trials[key] = RunningTrial(segment, wall_clock())
            task = asyncio.create_task(self._run(tried, rules, dict(numbers)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return tried

    def close(self) -> None:
        """Stop what runs."""
        for tried in self._trials.values():
            if not tried.finished.is_set():
                tried.stopped.set()

    async def _run(self, tried: RunningTrial, rules: Rules, numbers: dict[int, str]) -> None:
        try:
            await asyncio.to_thread(self._try, tried, rules, numbers)
        except (SegmentsError, StreamsError, KafkaError, OSError) as error:
            ours = isinstance(error, SegmentsError | StreamsError)
            tried.problem = str(error) if ours else f"Kafka does not answer: {error!r}"
        except _Stopped:
            tried.problem = "stopped"
        tried.finished.set()

    def _try(self, tried: RunningTrial, rules: Rules, numbers: dict[int, str]) -> None:
        settings = self._settings
        running = rules.runnable
        other = with_numbers(running, tried.segment, numbers)
        engine = rules.engine(settings)
        now = tried.began if settings.clock == "wall" else None
        since = _needed_since(running, tried.began)
        with linked_history(settings, since, None, topics_of(running)) as history:

            def progress(count: int) -> None:
                tried.done += count
                if tried.stopped.is_set():
                    raise _Stopped

            until = history.latest if now is None else now
            borders = self._borders(tried, (other, running), (history, progress, until), rules)
            both = [
                RuleTrial(with_borders(each, borders), tried.segment, history.count, engine)
                for each in (other, running)
            ]
            living = Trial(*both)
            history.read(living, progress)
            tried.found = living.finish(until)
            tried.deleted_before = history.deleted_before

    def _borders(
        self,
        tried: RunningTrial,
        sets: Sequence[RuleSet | PlannedRules],
        reading: tuple[History, Progress, int | None],
        rules: Rules,
    ) -> list[Border]:
        """The borders published, and those that the rule reads and nobody has published: of the past events."""
        history, progress, until = reading
        published = rules.runnable.borders
        keys = list(dict.fromkeys(key for each in sets for key in borders_read(each, tried.segment)))
        wanted = [key for key in keys if key not in {border.key for border in published}]
        tried.total = history.length * (2 if wanted else 1)
        taken: tuple[Border, ...] = ()
        if wanted:
            settings = self._settings
            census = BorderCensus(sets, history.count, rules.engine(settings), rules.consent(settings))
            history.read(census.reader, progress)
            taken = census.finish(wanted, until)
        held = {border.key: border for border in (*published, *taken)}
        tried.borders = [Compared(key, held.get(key), key in wanted) for key in keys]
        return list(held.values())


def _needed_since(rules: RuleSet | PlannedRules, now: int) -> int | None:
    """The instant from which the past matters; None: all of it, since something long ago may still hold."""
    lasting = any(rule.until is not None or rule.at_most_every for rule in rules.data.rules)
    return None if lasting else now - rules.data.retention
