"""Schedules with links in their traffic: ids of two partitions become one customer amid kills, pauses and moves.

Customers of two partitions that are linked are outside of equal bytes: how far the other partition is when a transfer
comes is chance. What must hold is that they are in the segments that one life through the whole log ends in, that enters
and exits alternate, that memberships agree, and that nothing that was sent is left.
"""

import random
from collections.abc import Callable
from typing import Any

import schemas
from segments.engine import IDENTITIES, INPUTS, Record, RuleSet, batches_of, of_customer, partition_of
from segments.insight.replay import Replay, together
from segments.language import Segment, any_event, minutes, page_view, product_view, purchase
from streams.clock import wall_clock
from streams.store.stores import MemoryStore
from streams.worker import outbox, takeover
from streams.worker.decode import decode
from tests.chaos.traffic import Message
from tests.chaos.verdict import Verdict, check_sequences, compare, fold, held
from tests.simulation.batches import rows
from tests.simulation.schedule import ENGINE, PARTITIONS, Schedule
from tests.simulation.verdict import committed
from tests.simulation.worker import TRANSFERS

MOST_TRANSFERS = 500
"""Records of both partitions, markers included: a schedule has some sixty messages."""
LATER = 10 * 60_000
"""Milliseconds; longer than any of the rules waits before it flips by time, but for a day."""
RULES = RuleSet([
    Segment(id="looked", when=product_view.within(minutes=2).count() >= 2),
    Segment(id="came", when=page_view.within(days=1).count() >= 3),
    Segment(id="bought", when=purchase.within(days=1).sum(purchase.amount) >= 100),
    Segment(id="silent", when=any_event.within(days=1).idle >= minutes(1)),
])  # fmt: skip
"""Within the promise on late events: no `until`, none that reads another."""


class LinkedSchedule(Schedule):
    """A schedule whose customers have visitors' ids, and log in."""

    transfers = TRANSFERS
    jumps = (0,)

    def __init__(self, seed: int) -> None:
        super().__init__(seed, rules=RULES)
        self.live = False
        self._logins = 0
        self.sent = 0
        """Transfers that were committed."""
        draw = random.Random(f"links {seed}")
        self.ways = {f"v{each}": f"c{draw.randrange(3)}" for each in range(4)}
        """Into whom each visitor's id is linked."""
        self.ring: tuple[str, ...] = ("c1", "v0") * 3 if draw.random() < 0.3 else ()
        if self.ring:
            # A ring, over both partitions: of these two ids each has one.
            self.ways["c1"] = "v0"
            self.ways["v0"] = "c1"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics that must be read to their ends."""
        return (*INPUTS, IDENTITIES, TRANSFERS)

    def _message(self, customer: str, at: int) -> Message:  # noqa: ARG002 - as it is called
        """Whole histories: no bad records and no erasures, after which nobody can tell what came before what."""
        if self.chance.random() < 0.12:
            return self._login(self.chance.choice([*self.ways, *self.ring]), at)
        if self.chance.random() < 0.08 and self.shop.recent:
            return self.shop.again()
        # Instants of one customer's ids are distinct.
        self._logins += 1
        return self.shop.event(self.chance.choice(("c0", "c1", "c2", *self.ways)), at + self._logins)

    def _is_finished(self) -> bool:
        """So many transfers come of no schedule: something goes round and round."""
        if sum(len(self.kafka.logs[TRANSFERS, number]) for number in range(PARTITIONS)) > MOST_TRANSFERS:
            self.errors.append("transfers go round without an end")
            return True
        return super()._is_finished()

    def _close(self) -> None:
        """One event much later in each partition: at their ends both clocks are past all that is due soon."""
        at = self.wall() + LATER
        for number in range(PARTITIONS):
            name = next(
                f"z{each}" for each in range(99) if partition_of(f"z{each}".encode(), PARTITIONS) == number
            )
            message = self.shop.changed("clickstream", name, at, kind="email_open", event_id=f"last{number}")
            self.kafka.append(("clickstream", number), [(message.key, message.value, ())], at)

    def _login(self, visitor: str, at: int) -> Message:
        self._logins += 1
        event = {
            "event_id": f"l{self._logins}", "customer_id": visitor, "into": self.ways[visitor], "occurred_at": at,
            "action": "link", "source": None,
        }  # fmt: skip
        return Message(IDENTITIES, visitor.encode(), schemas.encode(schemas.LINK, event))


def judge_linked(schedule: LinkedSchedule) -> list[str]:
    """What is wrong; nothing if all is well."""
    verdict, kafka = Verdict(), schedule.kafka
    if schedule.errors:
        return schedule.errors[:3]
    events = [
        schemas.decode(schemas.SEGMENT_EVENT, raw.value or b"") for raw in committed(kafka, "segment-events")
    ]
    members = committed(kafka, "segment-memberships")
    check_sequences(verdict, events, ())
    compare(verdict, "memberships", fold(events), held(members))
    expected = fold(event for effects in _truth(schedule) for _, event in effects.segment_events)
    compare(verdict, "segments", _names(expected), _names(fold(events)))
    sent = committed(kafka, TRANSFERS)
    schedule.sent = len(sent)
    return verdict.notes


def _names(inside: dict[str, Any]) -> dict[str, list[str]]:
    return {who: sorted(stay[0] for stay in stays) for who, stays in inside.items()}


def _truth(schedule: LinkedSchedule) -> Any:
    """What one life through all partitions says."""
    logs: list[dict[str, list[Record]]] = [{} for _ in range(PARTITIONS)]
    for topic in (*INPUTS, IDENTITIES):
        raws = committed(schedule.kafka, topic)
        for raw, record in zip(raws, decode(topic, raws), strict=True):
            logs[raw.partition].setdefault(topic, []).append(record)
    replays = {
        number: Replay(number, PARTITIONS, log, schedule.rules, ENGINE, transfers=TRANSFERS)
        for number, log in enumerate(logs)
    }
    return together(replays, PARTITIONS)


def state_sent_and_not_forgotten() -> None:
    """Of an id that is absorbed the state is sent, and stays as it was: after a restart it is there twice."""
    made, kept = outbox.Outbox.batches, dict[int, set[bytes]]()

    def forgetful(self: Any, transaction: Any, beside: Any) -> Any:
        batches = made(self, transaction, beside)
        sent = [
            row
            for where in batches
            if isinstance(where, tuple)
            for batch in batches[where]
            for row in rows(batch)
        ]
        told = (schemas.decode(schemas.TRANSFER, value or b"") for _, value, _ in sent)
        gone = {each["passed"][0]["customer_id"].encode() for each in told if each["kind"] == "state"}
        kept[id(transaction)] = gone
        changelog = self._topics[-1]
        states = {key: value for batch in batches.get(changelog, ()) for key, value, _ in rows(batch)}
        left = {key: value for key, value in states.items() if key not in gone}
        return batches | {changelog: batches_of(left, wall_clock())}

    def commit(self: Any, transaction: Any, position: Any, as_of: int = 0) -> None:
        gone = kept.pop(id(transaction), set())
        self.apply([each for each in transaction.states if each[0] not in gone], position, as_of)

    outbox.Outbox.batches = forgetful  # type: ignore[method-assign]
    MemoryStore.commit = commit  # type: ignore[method-assign]


def redirect_lost_on_restart() -> None:
    """Whoever takes a partition over forgets the ids that are redirected."""
    begin = takeover._partition

    def forgetful(context: Any, number: int, deployment: Any, store: Any, *more: Any) -> Any:
        partition = begin(context, number, deployment, store, *more)
        customers = filter(of_customer, list(store.keys()))
        keys = [key for key in customers if (partition.identity(key) or {}).get("into")]
        store.apply(dict.fromkeys(keys), None)
        return begin(context, number, deployment, store, *more) if keys else partition

    takeover._partition = forgetful


def circle_that_runs_for_ever() -> None:
    """What goes on forgets the ids that it passed, but for the last one: in a ring it never arrives."""
    made = outbox.Outbox.batches

    def endless(self: Any, transaction: Any, beside: Any) -> Any:
        batches = made(self, transaction, beside)
        for where in [where for where in batches if isinstance(where, tuple)]:
            sent = {}
            for number, (key, value, _) in enumerate(row for batch in batches[where] for row in rows(batch)):
                transfer = schemas.decode(schemas.TRANSFER, value or b"")
                sent[number] = (
                    key,
                    schemas.encode(schemas.TRANSFER, transfer | {"passed": transfer["passed"][-1:]}),
                )
            batches[where] = [
                batch for key, value in sent.values() for batch in batches_of({key: value}, wall_clock())
            ]
        return batches

    outbox.Outbox.batches = endless  # type: ignore[method-assign]


def applied_at_both() -> None:
    """A record that goes on to another id is sent back to its own, too, which takes that for a ring and applies it."""
    made = outbox.Outbox.batches

    def generous(self: Any, transaction: Any, beside: Any) -> Any:
        batches = made(self, transaction, beside)
        sent = [
            schemas.decode(schemas.TRANSFER, value or b"")
            for where in [each for each in batches if isinstance(each, tuple) and each[0] == TRANSFERS]
            for batch in batches[where]
            for _, value, _ in rows(batch)
        ]
        for transfer in (each for each in sent if each["kind"] == "record"):
            back = transfer | {"customer_id": transfer["passed"][0]["customer_id"]}
            key, value = back["customer_id"].encode(), schemas.encode(schemas.TRANSFER, back)
            where = TRANSFERS, partition_of(key, PARTITIONS)
            batches[where] = [*batches.get(where, ()), *batches_of({key: value}, wall_clock())]
        return batches

    outbox.Outbox.batches = generous  # type: ignore[method-assign]


BUGS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        state_sent_and_not_forgotten,
        redirect_lost_on_restart,
        circle_that_runs_for_ever,
        applied_at_both,
    )
}
