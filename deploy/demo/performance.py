"""The live act: sends what the script says, shows the flips of its customers, times those of everybody."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from deploy.demo import live
from deploy.demo.errors import ClusterError
from deploy.demo.figures import percentile
from deploy.demo.invent import Line
from deploy.demo.live import Announced, Step
from deploy.demo.log import Flip, Log
from deploy.demo.screen import Screen
from deploy.demo.workers import Workers
from segments.engine import partition_of
from streams.clock import wall_clock

READY_WITHIN = 120.0
# After the last event: time for what the wall clock has to notice, grace included.
LAST_WAIT = 20.0
NEWS_EVERY = 10.0


@dataclass(slots=True)
class Live:
    """What is known of the act so far."""

    screen: Screen
    started_at: int
    sent_at: dict[str, int] = field(default_factory=dict)
    seen: Counter[Announced] = field(default_factory=Counter)
    event_latencies: list[int] = field(default_factory=list)
    timer_latencies: list[int] = field(default_factory=list)

    def told(self, flip: Flip) -> None:
        """A flip was read: time it, and show it if it is of a customer of the script."""
        self.seen[Announced(*flip.what)] += 1
        latency = self._latency(flip)
        if flip.record["customer_id"].startswith("live-"):
            self.screen.flip(flip, latency)

    def missing(self) -> list[Announced]:
        """The flips that the script promises and that did not come yet."""
        return [each for each in live.ANNOUNCED if not self.seen[each]]

    def _latency(self, flip: Flip) -> str:
        """How long it took, in words: from the event to us, or from the instant at which it was due."""
        if flip.cause in self.sent_at:
            self.event_latencies.append(flip.seen_at - self.sent_at[flip.cause])
            return f"{self.event_latencies[-1]} ms after its event"
        due = int(flip.record["occurred_at"])
        if flip.record["reason"] == "timer" and due < self.started_at:
            return "was due before the workers were here"
        after = flip.seen_at - due
        if flip.record["reason"] == "timer":
            self.timer_latencies.append(after)
            return f"{after / 1000:.1f} s after its instant, of which 2 s are grace for late events"
        return f"{after} ms after its record"


async def perform(log: Log, workers: Workers, history: list[Line], seconds: float, screen: Screen) -> Live:
    """Play the script, and let old customers come back beside it, until what it promises came."""
    silent = live.returning(history, wall_clock())
    first = await _until_ready(log, workers, silent)
    screen.say("The workers are ready: an old customer of each partition came back, and was seen to.")
    act = Live(screen, wall_clock())
    log.told = act.told
    length = int(seconds * 1000)
    others = live.comebacks([customer for customer in silent if customer not in first], length)
    await _play(log, workers, sorted([*live.script(length), *others], key=lambda step: step.at), seconds, act)
    await wait_while(lambda: bool(act.missing()), LAST_WAIT, workers, log)
    return act


async def _until_ready(log: Log, workers: Workers, silent: list[str]) -> set[str]:
    """One silent customer of each partition comes back and must be seen to leave."""
    chosen = {partition_of(name.encode(), log.where.partitions): name for name in reversed(silent)}
    waiting = set(chosen.values())
    log.told = lambda flip: waiting.discard(flip.record["customer_id"])
    for customer in sorted(waiting):
        await log.send(live.sent(Step(0, customer, "", live.click("page_view")), 0, wall_clock()))
    if not await wait_while(lambda: bool(waiting), READY_WITHIN, workers, log):
        raise ClusterError(
            f"the workers did not answer within {READY_WITHIN:.0f} s to: {', '.join(sorted(waiting))}"
        )
    return set(chosen.values())


async def _play(log: Log, workers: Workers, steps: list[Step], seconds: float, act: Live) -> None:
    start = wall_clock()
    news = NEWS_EVERY
    for number, step in enumerate(steps, start=1):
        due = start + int(step.at * seconds * 1000)
        await asyncio.sleep(max(0, due - wall_clock()) / 1000)
        workers.check()
        if step.words:
            act.screen.step(step.customer, step.words)
        line = live.sent(step, number, due)
        # From when it was meant to be sent: a stall of ours must not make the workers look quick.
        act.sent_at[line.get("event_id", "")] = due
        await log.send(line)
        if wall_clock() - start > news * 1000:
            news += NEWS_EVERY
            _tell(act)


def _tell(act: Live) -> None:
    back = sum(count for flip, count in act.seen.items() if flip.customer.startswith("cdnow-"))
    middle = percentile(act.event_latencies, 50)
    act.screen.say(
        f"[dim]… meanwhile old customers came back: {back} flips, half of all within {middle} ms[/]"
    )


async def wait_while(holds: Callable[[], bool], seconds: float, workers: Workers, log: Log) -> bool:
    """Wait while this holds, for so long at most; True if it ceased to hold."""
    end = wall_clock() + seconds * 1000
    while holds() and wall_clock() < end:
        workers.check()
        log.check()
        await asyncio.sleep(0.05)
    return not holds()
