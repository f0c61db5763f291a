"""One schedule: events, workers, and a seeded scheduler that kills, pauses, moves and cuts between any two steps."""

import asyncio
import random
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from segments.engine import INPUTS, EngineSettings, RuleSet, load, partition_of
from streams.worker.owner import Limits
from tests.chaos.traffic import Message, Shop
from tests.simulation.aims import aimed
from tests.simulation.clock import run
from tests.simulation.kafka import ABORTED, Kafka
from tests.simulation.made_up import made_up
from tests.simulation.network import Network
from tests.simulation.worker import Table, Worker

START = 1_767_225_600_000
"""The wall clock at second 0 of a schedule: 2026-01-01T00:00:00Z."""
HOUR = 3_600_000
JUMPS = (-10 * 60_000, -5_000, 5_000, HOUR, 25 * HOUR)
"""Milliseconds by which somebody sets the wall clock; the longest lets customers be forgotten."""
PARTITIONS = 2
RULES = aimed(load([Path(__file__).parents[1] / "chaos" / "rules"]))
ENGINE = EngineSettings(grace=500)


@dataclass
class Schedule:
    """What one seed does."""

    seed: int
    rules: RuleSet = field(default_factory=lambda: RULES)
    done: list[str] = field(default_factory=list)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What was done to a worker, and what that worker was about."""
    errors: list[str] = field(default_factory=list)
    """Exceptions that nobody foresaw, and a loop that got stuck."""

    def __post_init__(self) -> None:
        self.chance = random.Random(f"schedule {self.seed}")
        self.live = self.chance.random() < 0.5
        """Whether events come while the workers run, and the wall clock counts."""
        self.kafka = Kafka()
        self.network = Network(self.kafka, self.chance)
        self.shop = Shop(self.seed, PARTITIONS)
        self.workers: list[Worker] = []
        self.limits = Limits(self.chance.choice((1, 3, 10)), 0.005, not self.live)
        self._disk = self.chance.random() < 0.5
        self._jumped = 0

    def play(self) -> "Schedule":
        """Play it, from the first event until nothing is left to be done."""
        with made_up(lambda: self._loop.time(), self.wall, self.errors):
            try:
                run(self._play())
            except Exception:  # noqa: BLE001 - a finding
                self.errors.append(traceback.format_exc())
        return self

    jumps: ClassVar[tuple[int, ...]] = JUMPS
    transfers: ClassVar[str | None] = None
    """The topic by which partitions hand each other ids that are merged; None: links are not read."""

    deployments: ClassVar[bool] = False
    """Whether workers run what is deployed in their log; else the rules of files."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics that must be read to their ends."""
        return INPUTS

    async def _play(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.kafka.later = self._loop.call_later
        await self._begin()
        for _ in range(self.chance.randrange(10, 50)):
            self._send()
            if not self.live and self.chance.random() < 0.03:
                self._jumped += self.chance.choice(self.jumps)
        self._close()
        self._hire()
        self._share()
        for _ in range(self.chance.randrange(5, 25)):
            await asyncio.sleep(
                self.chance.expovariate(20) if self.chance.random() < 0.8 else self.chance.random() * 5
            )
            await self._approach()
            self._strike()
        await self._heal()

    def wall(self) -> int:
        """The wall clock in milliseconds."""
        return START + self._jumped + int(self._loop.time() * 1000)

    # What happens

    def _send(self) -> None:
        """An event, or worse, reaches Kafka."""
        now, chance = self.wall(), self.chance
        customer, at = (
            f"c{chance.randrange(5)}",
            now - chance.choice((0, 0, 1, 30, 58, 59, 60, 61)) * 1000 - chance.randrange(900),
        )
        message = self._message(customer, at)
        number = message.partition
        if number is None:
            number = partition_of(message.key or b"", PARTITIONS)
        state = {"state": ABORTED} if chance.random() < 0.05 else {}
        self.kafka.append((message.topic, number), [(message.key, message.value, ())], now, **state)
        if chance.random() < 0.1:
            self.kafka.append((message.topic, number), [(None, None, ())], now, "marker")

    def _message(self, customer: str, at: int) -> Message:
        draw = self.chance.random()
        if draw < 0.05:
            return self.shop.bad(f"m{customer}", at)
        if draw < 0.08:
            return self.shop.erase(f"m{customer}")
        if draw < 0.13 and self.shop.recent:
            return self.shop.again()
        return self.shop.event(
            customer if draw < 0.8 else f"m{customer}", at - (0 if draw < 0.9 else 3_000_000)
        )

    async def _begin(self) -> None:
        """Do what must be done before anything is sent."""

    async def _approach(self) -> None:
        """Wait for a moment at which a fault is of interest."""

    def _close(self) -> None:
        """Send what comes after all that is sent before the workers start."""

    def _hire(self) -> Worker:
        table = Table()
        if self._disk and self.workers and not self.workers[-1].process.alive:
            table = self.workers[-1].table
        worker = Worker(
            self.network,
            f"w{len(self.workers)}",
            self.rules,
            ENGINE,
            self.limits,
            table,
            PARTITIONS,
            self.transfers,
            deployed=self.deployments,
        )
        self.workers.append(worker)
        return worker

    @property
    def alive(self) -> list[Worker]:
        """Those whose process runs, or is paused."""
        return [worker for worker in self.workers if worker.process.alive]

    def _share(self) -> None:
        """The group assigns the partitions anew; a paused member is dropped, and learns it when it wakes."""
        members = [worker for worker in self.alive if not worker.process.paused] or [self._hire()]
        self.chance.shuffle(members)
        for worker in self.alive:
            worker.app.member = worker in members
        for place, worker in enumerate(members):
            worker.assign(number for number in range(PARTITIONS) if number % len(members) == place)
        for worker in self.alive:
            if worker not in members:
                worker.partitions = frozenset()

    def _strike(self) -> None:
        deed = self.chance.choice(DEEDS if self.live else QUIET)
        self.done.append(f"{self._loop.time():8.3f} {deed}")
        getattr(self, f"_do_{deed}")()

    def _victim(self, deed: str) -> Worker:
        victim = self.chance.choice(self.alive)
        self.struck[deed, victim.phase] += 1
        return victim

    def _do_send(self) -> None:
        for _ in range(self.chance.randrange(1, 8)):
            self._send()

    def _do_nothing(self) -> None:
        """Only time passes."""

    def _do_share(self) -> None:
        self._share()

    def _do_join(self) -> None:
        if len(self.alive) < 3:
            self._hire()
            self._share()

    def _do_kill(self) -> None:
        victim = self._victim("kill")
        victim.kill()
        if self.chance.random() < 0.5:
            self._hire()
        self._share()

    def _do_leave(self) -> None:
        if len(self.alive) > 1:
            victim = self._victim("leave")
            victim.assign(())
            self._share_without(victim)

    def _share_without(self, victim: Worker) -> None:
        others = [worker for worker in self.alive if worker is not victim and not worker.process.paused]
        if not others:
            others = [self._hire()]
        for place, worker in enumerate(others):
            worker.app.member = True
            worker.assign(number for number in range(PARTITIONS) if number % len(others) == place)

    def _do_pause(self) -> None:
        victim = self._victim("pause")
        victim.process.pause()
        # It may sleep for less than the session time-out; else the others share without it.
        if self.chance.random() < 0.7:
            self._share()

    def _do_wake(self) -> None:
        """Those who slept go on, and learn a little later what they have lost."""
        for worker in self.alive:
            if worker.process.paused:
                worker.process.wake()
                if not worker.app.member:
                    self._loop.call_later(self.chance.random() * 2, self._rejoin)

    def _rejoin(self) -> None:
        if any(
            worker.process.alive and not worker.app.member and not worker.process.paused
            for worker in self.workers
        ):
            self._share()

    def _do_away(self) -> None:
        """The broker is away: for a moment, or for longer than any commit waits."""
        self.network.back.clear()
        self._loop.call_later(self.chance.choice((0.2, 3, 25)), self.network.back.set)

    def _do_jump(self) -> None:
        """Somebody sets the wall clock, which all processes share."""
        self._jumped += self.chance.choice(JUMPS)

    async def _heal(self) -> None:
        """No more trouble; whoever is alive may finish."""
        self.done.append(f"{self._loop.time():8.3f} heal")
        self.network.trouble = 0.0
        await asyncio.sleep(30)
        self._do_wake()
        self._share()
        deadline = self._loop.time() + 300
        while self._loop.time() < deadline:
            await asyncio.sleep(1)
            if self._is_finished():
                break
        else:
            self.errors.append(f"not done 300 s after the last fault: committed {self.kafka.committed}")
        await asyncio.sleep(65 if self.live else 1)
        await asyncio.gather(*(worker.owners.stop() for worker in self.alive))
        for worker in self.workers:
            if worker.app.crashed is not None:
                self.errors.append(f"crashed: {worker.app.crashed!r}")
            if worker.process.alive:
                worker.kill()

    def _is_finished(self) -> bool:
        wheres = [(topic, number) for topic in self.inputs for number in range(PARTITIONS)]
        return all(self.kafka.committed.get(where, 0) == len(self.kafka.logs[where]) for where in wheres)


QUIET = ("nothing", "nothing", "share", "join", "kill", "kill", "leave", "pause", "wake", "wake", "away")
DEEDS = (*QUIET, "jump", "send", "send", "send", "send", "send")
