"""The demo from its first line to its last: history, workers that catch up with it, replay, live."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rich.markup import escape

from deploy.demo import history
from deploy.demo.cluster import RULES, Cluster, cluster, run
from deploy.demo.compare import Comparison, by_customer, compare, replayed
from deploy.demo.console import Console
from deploy.demo.errors import ClusterError
from deploy.demo.figures import Figures, by_segment, percentile
from deploy.demo.going_live import deploy_and_back, take_borders
from deploy.demo.invent import Line
from deploy.demo.log import Log
from deploy.demo.performance import Live, perform, wait_while
from deploy.demo.screen import Screen
from deploy.demo.workers import Workers
from segments.language.loading.load import load
from streams.clock import wall_clock

# The segment whose report ends the live part: most customers of the history were in it, and its goal is a second order.
REPORTED = "first_purchase"
# Without any progress for so long, the workers are taken for stuck.
STUCK_AFTER = 60.0
# The last flips of a history are read within this time after its last record was committed.
SETTLES_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    live_seconds: float = 60.0
    quick: bool = False
    workers: int = 2
    partitions: int = 4


def demo(options: Options, screen: Screen) -> int:
    """Run it all; 0 if every rule did its work and the flips are those of replay, else 1."""
    screen.act(
        "1. The history",
        "CDNOW: real purchases of the nineties. Clicks: synthetic. README.md says what is invented.",
    )
    now = wall_clock()
    lines = history.history(now, history.QUICK if options.quick else history.EVERYBODY)
    with cluster(options.partitions, now, screen.say) as where:
        screen.say(f"Kafka: {where.brokers}")
        try:
            figures = asyncio.run(_until_interrupted(_acts(where, lines, options, screen), screen))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    code = _end(figures, screen)
    screen.say(f"All of it took {(wall_clock() - now) / 1000:.0f} s.")
    return code


async def _until_interrupted(acts: Coroutine[Any, Any, Figures], screen: Screen) -> Figures:
    """Ctrl-C and SIGTERM end the demo gently; pressed again while the workers stop, they change nothing."""
    task = asyncio.ensure_future(acts)
    interrupted: list[int] = []

    def end(number: int) -> None:
        if not interrupted:
            screen.say("Stopping …")
            task.cancel()
        interrupted.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    return await task


async def _acts(where: Cluster, lines: list[Line], options: Options, screen: Screen) -> Figures:
    await run(where, "topics", "create", "--partitions", str(where.partitions))
    async with Log(where) as log:
        with screen.progress("events sent", len(lines)) as bar:
            await log.send_all(lines, bar)
        comparison = await _catch_up(where, log, lines, options, screen)
        past = len(log.flips)
        act = await _live(where, log, lines, options, screen)
        return _figures(lines, log, past, comparison, act)


async def _catch_up(
    where: Cluster, log: Log, lines: list[Line], options: Options, screen: Screen
) -> Comparison:
    screen.act(
        "2. Catching up",
        f"{options.workers} workers go through the history by its own time; "
        "beside them `segments replay` does so without Kafka.",
    )
    replay = asyncio.ensure_future(replayed(where))
    try:
        async with Workers(where, options.workers, "event") as workers:
            await _consume(log, workers, len(lines), screen)
            expected = await replay
            count = sum(map(len, expected.values()))
            await wait_while(lambda: len(log.flips) < count, SETTLES_WITHIN, workers, log)
    finally:
        replay.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await replay
    await log.read_to_the_end()
    comparison = compare(by_customer(flip.record for flip in log.flips), expected)
    verdict = "[green]the same, byte for byte[/]" if comparison.equal else "[red]not the same[/]"
    screen.say(f"Flips: {comparison.workers} by the workers, {comparison.replay} by replay: {verdict}.")
    return comparison


async def _consume(log: Log, workers: Workers, total: int, screen: Screen) -> None:
    """Wait until the group has committed all of the history."""
    best, since = total, wall_clock()
    with screen.progress("events caught up with", total) as bar:
        while lag := await log.lag():
            workers.check()
            log.check()
            bar(total - lag)
            if lag < best:
                best, since = lag, wall_clock()
            if wall_clock() - since > STUCK_AFTER * 1000:
                raise ClusterError(
                    f"the workers made no progress for {STUCK_AFTER:.0f} s, {lag} events before the end; "
                    f"they said last:\n{workers.last_words()}"
                )
            await asyncio.sleep(0.25)
        bar(total)


async def _live(where: Cluster, log: Log, lines: list[Line], options: Options, screen: Screen) -> Live:
    screen.act(
        "3. Live",
        "The workers start again, by the wall's clock. Events are sent as you read them; some are late:\n"
        "they occurred hours or months ago, so that a minute is enough to see a flip that only time makes.\n"
        "Meanwhile a new rule goes live, and is taken back; and borders of all customers are taken.",
    )
    async with Workers(where, options.workers, "wall") as workers, Console(where) as console:
        screen.say(f"The console: {console.address}/segments")
        deploying = asyncio.ensure_future(_deploying(where, screen))
        try:
            act = await perform(log, workers, lines, options.live_seconds, screen)
            await deploying
        finally:
            deploying.cancel()
        await console.while_looked_at(screen)
    screen.act(
        "What came of it",
        f"`segments report {REPORTED}`: of all who bought first, live or long ago.",
    )
    screen.say(escape(await run(where, "report", REPORTED)))
    return act


async def _deploying(where: Cluster, screen: Screen) -> None:
    await deploy_and_back(where, screen)
    await take_borders(where, screen)


def _figures(lines: list[Line], log: Log, past: int, comparison: Comparison, act: Live) -> Figures:
    return Figures(
        rules=tuple(segment.id for segment in load(RULES)),
        customers=len({line["customer_id"] for line in lines}),
        events=len(lines),
        history=by_segment(log.flips[:past]),
        live=by_segment(log.flips[past:]),
        comparison=comparison,
        missing=tuple(act.missing()),
        event_latencies=act.event_latencies,
        timer_latencies=act.timer_latencies,
    )


def _end(figures: Figures, screen: Screen) -> int:
    screen.act("4. Summary", f"{figures.customers} customers, {figures.events} events of history.")
    screen.table("Flips", ("segment", "enters", "leaves", "live in", "live out"), figures.rows())
    same = "yes" if figures.comparison.equal else "no"
    screen.say(f"Flips of the history equal to replay's: {same} ({figures.comparison.workers} flips).")
    screen.say(_latency("From a live event to its flip being read", figures.event_latencies))
    screen.say(
        _latency("From the instant a flip was due by time, grace of 2 s included", figures.timer_latencies)
    )
    failures = figures.failures()
    for failure in failures:
        screen.say(f"[red]Failed:[/] {failure}")
    return 1 if failures else 0


def _latency(what: str, values: Sequence[int]) -> str:
    return f"{what}: p50 {percentile(values, 50)} ms, p99 {percentile(values, 99)} ms ({len(values)} flips)."
