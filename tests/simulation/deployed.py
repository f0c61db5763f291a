"""Schedules with deployments in their logs: rule sets, borders and fillings go live amid kills, pauses and moves.

The group begins with a deployment that all partitions run before anything else is written. A preloaded schedule has
the other deployments among its events from then on, so what comes out equals a replay of the log. In a live one they
are written while the workers run; there the segments at the same clocks must be those of a replay, so what such a
deployment adds either reads a measure that is kept already or is filled from the history first.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cramjam

import schemas
from segments.engine import (
    BORDERS,
    DEPLOYMENTS,
    FILL,
    FILLED,
    RULES,
    Chain,
    Deployment,
    Partition,
    Past,
    PlannedRules,
    RuleSet,
    listening,
    of_customer,
)
from segments.insight.going import Going
from segments.language import Segment, any_event, cart_add, minutes, page_view, product_view, purchase, top
from segments.plan.ir import FORMAT
from streams.transport.producer import TransactionalProducer
from streams.worker import takeover
from streams.worker.deployments import decode
from streams.worker.outbox import SEGMENT_EVENTS
from streams.worker.succession import Succeeded, chosen
from tests.chaos.traffic import Message
from tests.simulation.batches import rows
from tests.simulation.kafka import COMMITTED
from tests.simulation.schedule import ENGINE, PARTITIONS, Schedule
from tests.simulation.worker import CHANGELOG, GROUP, Worker

MONEY = purchase.within(days=1).sum(purchase.amount)
SOON = any_event.within(minutes=1)
QUIET = any_event.within(days=1).idle >= minutes(1)
SETTINGS = {
    "currency": "EUR", "zone": {"name": "UTC", "transitions": []}, "grace": ENGINE.grace, "customer_limit": 10_000,
    "customer_bytes": 1 << 20, "required_consent": None, "profile_sources": [],
}  # fmt: skip


def _views(name: str, count: int) -> Segment:
    return Segment(id=name, when=page_view.within(days=1).count() >= count, goal=SOON, control=20)


def _quiet(goal: Any) -> Segment:
    return Segment(id="quiet", when=QUIET, goal=goal, control=50)


BEST = Segment(id="best", when=top(percent=10) <= MONEY)
RECENT = Segment(id="recent", when=any_event.within(minutes=1).count() >= 1)
SPENDER = Segment(id="spender", when=MONEY >= 100, goal=purchase.within(minutes=5), revenue=purchase.amount)
FIRST = RuleSet([BEST, RECENT, SPENDER, _views("changed", 1), _views("removed", 2), _quiet(SOON)])
SECOND = RuleSet([
    BEST, RECENT, SPENDER, _views("changed", 2), _views("added", 1), _quiet(any_event.within(minutes=2)),
])  # fmt: skip
"""A rule changes, one goes, one comes, and one is measured by another goal; all measures are kept already."""
LOOKS = 150
"""How often it is looked, 2 ms apart, whether a worker is amid a take-over."""
KILLS = 3
"""Workers killed amid one in a schedule, at most: each comes early, and the others' faults are to have their turn."""
NEW = [
    Segment(id="looked", when=product_view.within(days=1).count() >= 1),
    Segment(id="carted", when=cart_add.within(days=1).count() >= 1),
]
WITH_NEW = RuleSet([*SECOND.segments, *NEW])
"""Two rules more, of measures that are new."""


class DeployedSchedule(Schedule):
    """A schedule whose workers have no rule files: what they run is in the log."""

    deployments = True

    def __init__(self, seed: int) -> None:
        super().__init__(seed, rules=FIRST)
        self._draw = random.Random(f"deployments {seed}")
        self._last: str | None = None
        self._written = 0
        self._new = False
        self._borders: list[dict[str, Any]] = []
        self._met: dict[Partition, float] = {}
        """When a machine was first seen, in seconds."""
        self._killed = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics that must be read to their ends."""
        return (*super().inputs, DEPLOYMENTS)

    async def _begin(self) -> None:
        """All partitions run the first deployment before anything else is written."""
        self._deploy(FIRST, self.wall())
        self._hire()
        self._share()
        while any(not self._has_begun(number) for number in range(PARTITIONS)):  # noqa: ASYNC110 - made-up time
            await asyncio.sleep(0.1)

    def _has_begun(self, number: int) -> bool:
        return any(each.state == COMMITTED for each in self.kafka.logs[CHANGELOG, number])

    async def _approach(self) -> None:
        """Kill a worker amid a take-over or a filling: chance alone seldom would."""
        for _ in range(LOOKS if self._killed < KILLS else 0):
            amid = next((worker for worker in self.alive if self._is_amid(worker)), None)
            if amid is not None:
                self._killed += 1
                await asyncio.sleep(self._draw.random() * 0.08)
                self.struck["kill", amid.phase] += 1
                amid.kill()
                self._hire()
                self._share()
                return
            await asyncio.sleep(0.002)

    def _is_amid(self, worker: Worker) -> bool:
        """Whether a process that runs has a partition that was made anew by a deployment just now, or is filled."""
        for owned in worker.owners._owned.values():
            machine = owned.owner.machine
            if machine is None or machine.deployment is None or worker.process.paused:
                continue
            if machine not in self._met:
                self._met[machine] = self._loop.time()
            filled = machine.filling is not None and not machine.filling.done
            if filled or (machine.deployment.offset > 0 and self._loop.time() < self._met[machine] + 0.05):
                return True
        return False

    def _message(self, customer: str, at: int) -> Message:
        """More purchases than elsewhere: borders are of their sums."""
        if self._draw.random() < 0.3:
            self.shop.made += 1
            named = {"kind": "purchase", "event_id": f"p{self.shop.made}", "currency": "EUR"}
            return self.shop.changed("transactions", customer, at, **named)
        return super()._message(customer, at)

    def _close(self) -> None:
        """The deployments of a preloaded schedule: each at an instant among those of the events."""
        if self.live:
            return
        for ago in sorted(
            (self._draw.randrange(60_000) for _ in range(self._draw.randrange(1, 5))), reverse=True
        ):
            self._next(self.wall() - ago)

    def _do_send(self) -> None:
        super()._do_send()
        if self._draw.random() < 0.3 and self._written < 8:
            self._next(self._draw.choice((0, self.wall())))

    def _next(self, at: int) -> None:
        """One more deployment, by chance."""
        draw = self._draw.random()
        if draw < 0.1:
            self._write({"follows": "nobody", "occurred_at": at, "kind": RULES}, FIRST)
        elif draw < 0.4:
            value = {"value": str(self._draw.randrange(20, 300)), "customers": 1, "taken_at": at}
            key = {
                "measure": FIRST.data.borders[0].measure,
                "percent": "10",
                "currency": "EUR",
                "zone": "UTC",
            }
            self._borders = [key | value]
            self._follow(self._write({"occurred_at": at, "kind": BORDERS}, None))
        elif draw < 0.7 and not self._new:
            self._fill(at)
        elif not self.live and not self._new and draw < 0.8:
            self._new = True
            self._deploy(WITH_NEW, at)
        else:
            self._new = False
            self._deploy(self._draw.choice((FIRST, SECOND)), at)

    def _fill(self, at: int) -> None:
        """Have the new measures filled from the history; the rules that read them wait until they are, or never come."""
        asked = listening(WITH_NEW, set(WITH_NEW.data.measures) - set(SECOND.data.measures))
        assert asked is not None
        name = self._write(
            {"occurred_at": at, "kind": FILL, "deployment_id": f"d{self._written}{FILLED}"}, asked
        )
        if self._draw.random() < 0.8:
            self._new = True
            self._deploy(WITH_NEW, at, name.removesuffix(FILLED))

    def _deploy(self, rules: RuleSet, at: int, name: str | None = None) -> None:
        named = {} if name is None else {"deployment_id": name}
        self._follow(self._write({"occurred_at": at, "kind": RULES} | named, rules))

    def _follow(self, name: str) -> None:
        self._last = name

    def _write(self, fields: dict[str, Any], rules: RuleSet | PlannedRules | None) -> str:
        """To every partition, at one instant of the made-up time; gives its id."""
        plan = None if rules is None else bytes(cramjam.zstd.compress(rules.data.to_bytes()))
        record = {
            "deployment_id": f"d{self._written}", "group": GROUP, "follows": self._last, "plan": plan,
            "plan_format": None if plan is None else FORMAT, "rules": None, "settings": SETTINGS,
            "borders": self._borders, "models": {}, "note": "", **fields,
        }  # fmt: skip
        self._written += 1
        value = schemas.encode(schemas.DEPLOYMENT, record)
        for number in range(PARTITIONS):
            self.kafka.append((DEPLOYMENTS, number), [(GROUP.encode(), value, ())], self.wall())
        return str(record["deployment_id"])


def deployments(schedule: Schedule) -> dict[int, list[Deployment]]:
    """What each partition follows, of what a schedule has written."""
    found: dict[int, list[Deployment]] = {}
    for number in range(PARTITIONS):
        records = [
            decode(GROUP, (each.offset, each.timestamp, each.key, each.value))
            for each in schedule.kafka.logs[DEPLOYMENTS, number]
        ]
        found[number] = Chain().add_all([each for each in records if each is not None])
    return found


def kept_by(schedule: Schedule, number: int, states: dict[bytes, bytes]) -> dict[bytes, Any]:
    """What is remembered of each customer in a partition at its end, as the last rule set reads it."""
    going, running, filling = Going(), None, None
    for each in deployments(schedule)[number]:
        running, filling = going.on(each)
    if running is None or not states:
        return {}
    partition = Partition.deployed(number, PARTITIONS, running, states, filling=filling)
    while partition.sweeping:
        partition.advance()
    return {key: partition.remembered(key) or {} for key in states if of_customer(key)}


def newest_after_restart() -> None:
    """Whoever takes a partition over runs what was deployed last, wherever the partition is in its log."""

    def hasty(chain: Chain, record: bytes | None, succeeded: Succeeded | None) -> Any:
        found, filling = chosen(chain, record, succeeded)
        return (chain.newest, None) if record is not None and succeeded is None else (found, filling)

    takeover.chosen = hasty


def borders_of_the_old_plan() -> None:
    """Whoever takes a partition over compares with the borders that its rules were deployed with."""

    def outdated(chain: Chain, record: bytes | None, succeeded: Succeeded | None) -> Any:
        found, filling = chosen(chain, record, succeeded)
        if found is None or found.kind != BORDERS or succeeded is not None:
            return found, filling
        before = [
            each for each in chain.followed.values() if each.kind == RULES and each.offset < found.offset
        ]
        return replace(found, rules=before[-1].rules), filling

    takeover.chosen = outdated


def take_over_flips_twice() -> None:
    """What flips since rules were added, filled ones too, is committed before the state that knows of it."""
    whole = TransactionalProducer.commit

    async def commit(self: Any, batches: Any, offsets: Any) -> Any:
        flips = [row for batch in batches.get(SEGMENT_EVENTS, ()) for row in rows(batch)]
        reasons = {schemas.decode(schemas.SEGMENT_EVENT, value or b"")["reason"] for _, value, _ in flips}
        if "rule_added" not in reasons:
            return await whole(self, batches, offsets)
        ends = await whole(self, {SEGMENT_EVENTS: batches[SEGMENT_EVENTS]}, {})
        rest = {topic: made for topic, made in batches.items() if topic != SEGMENT_EVENTS}
        return {**ends, **await whole(self, rest, offsets)}

    TransactionalProducer.commit = commit  # type: ignore[method-assign]


def filled_from_nothing() -> None:
    """Whoever goes on with a filling after a restart takes the history for empty: who was not filled yet never is."""
    from tests.simulation.past import Reading

    read = Reading.read

    def forgetful(self: Any, partition: Any, stopped: Any) -> Any:
        found, asked = read(self, partition, stopped), partition.filled_by.rules
        nothing = Past(partition.number, partition.count, asked, partition.settings)
        return replace(found, past=nothing) if partition.filling.reached else found

    Reading.read = forgetful  # type: ignore[method-assign]


OF_DEPLOYMENTS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (newest_after_restart, borders_of_the_old_plan, take_over_flips_twice, filled_from_nothing)
}
