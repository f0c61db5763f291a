"""Workers with a bug, to see whether the harness notices: `python -m tests.chaos.bugs NAME worker`.

Each bug is a few lines that change the worker's code in this process before it starts.
"""

import asyncio
import random
import sys
import uuid
from collections.abc import Callable
from typing import Any

import schemas
from segments.engine import DEPLOYMENTS, POSITION_KEY, Chain, Partition, batches_of
from streams.cli import main
from streams.clock import wall_clock
from streams.store.stores import MemoryStore, RocksStore
from streams.transport import fetch
from streams.transport import producer as producers
from streams.transport.errors import CommitFailed, OutcomeUnknown
from streams.transport.producer import TransactionalProducer
from streams.worker import outbox, owners, succession, takeover
from streams.worker.outbox import SEGMENT_EVENTS
from tests.simulation.batches import fetched, rows

Any_ = Any
CHANGELOG = "-changelog"


def read_before_fencing() -> None:
    """The state is read before the previous owner is fenced: what it commits in between is lost."""

    async def take_over(context: Any, number: int, standing: Any, succeeded: Any = None) -> Any:
        store = await takeover._restored(context, number, standing)
        chain, end = (Chain(), 0) if context.read_chain is None else await context.read_chain(number)
        deployment, filling = succession.chosen(chain, store.get(POSITION_KEY), succeeded)
        ran = succession.ran_before(chain, deployment)
        partition = takeover._partition(context, number, deployment, store, ran, filling)
        positions = await takeover._positions(context, number, partition, standing)
        if context.read_chain is not None:
            positions[DEPLOYMENTS] = partition.offsets.get(DEPLOYMENTS, end)
        await asyncio.sleep(1.2)
        producer = TransactionalProducer(context.client, context.group, number)
        await producer.start()
        return takeover.OwnedPartition(producer, store, partition, positions, chain=chain)

    _replace_take_over(take_over)


def _replace_take_over(take_over: Any) -> None:
    import streams.worker.owner

    takeover.take_over = streams.worker.owner.take_over = take_over  # type: ignore[attr-defined]


def _split(first: Callable[[str], bool]) -> None:
    """Commit in two transactions: what `first` chooses of the topics, then the rest."""
    whole = TransactionalProducer.commit

    async def commit(self: Any, batches: Any, offsets: Any) -> Any:
        early = {topic: made for topic, made in batches.items() if first(topic)}
        late = {topic: made for topic, made in batches.items() if not first(topic)}
        ends = await whole(self, early, offsets if any(map(_is_changelog, early)) else {})
        await asyncio.sleep(0.02)
        return {**ends, **await whole(self, late, offsets if any(map(_is_changelog, late)) else {})}

    TransactionalProducer.commit = commit  # type: ignore[method-assign]


def _is_changelog(topic: Any) -> bool:
    return isinstance(topic, str) and topic.endswith(CHANGELOG)


def position_before_outputs() -> None:
    """State and offsets are committed before what they have put out."""
    _split(_is_changelog)


def changelog_outside() -> None:
    """The outputs are committed first, the changelog in a transaction of its own."""
    _split(lambda topic: not _is_changelog(topic))


def fires_twice() -> None:
    """A timer that has fired is not written to the state: it fires again after a restart."""
    made, forgotten = outbox.Outbox.batches, dict[int, set[bytes]]()

    def forgetful(self: Any, transaction: Any, beside: Any) -> Any:
        batches = made(self, transaction, beside)
        found = [row for batch in batches.get(SEGMENT_EVENTS, ()) for row in rows(batch)]
        reasons = [(key, schemas.decode(schemas.SEGMENT_EVENT, value)["reason"]) for key, value, _ in found]
        others = {key for key, reason in reasons if reason != "timer"}
        gone = forgotten[id(transaction)] = {key for key, _ in reasons} - others
        changelog = next(topic for topic in self._topics if _is_changelog(topic))
        states = {key: value for batch in batches.get(changelog, ()) for key, value, _ in rows(batch)}
        kept = {key: value for key, value in states.items() if key not in gone}
        return batches | {changelog: batches_of(kept, wall_clock())}

    def commit(self: Any, transaction: Any, position: Any, as_of: int = 0) -> None:
        gone = forgotten.pop(id(transaction), set())
        self.apply([each for each in transaction.states if each[0] not in gone], position, as_of)

    outbox.Outbox.batches = forgetful  # type: ignore[method-assign]
    MemoryStore.commit = RocksStore.commit = commit  # type: ignore[method-assign]


def due_list_not_rebuilt() -> None:
    """After a restart nobody is due until they speak again."""
    begin = Partition.__init__

    class Unlisted:
        """States that can be asked for, of which there is no list."""

        def __init__(self, states: Any) -> None:
            self.get = states.get

        def items(self) -> tuple[()]:
            return ()

    def empty(
        self: Any, number: int, count: int, rules: Any, settings: Any, states: Any, *more: Any, **named: Any
    ) -> None:
        begin(self, number, count, rules, settings, Unlisted(states), *more, **named)

    Partition.__init__ = empty  # type: ignore[method-assign]


def skips_accepted() -> None:
    """A fetched run is lost now and then, and the gap is passed over instead of fetched again."""
    lose_runs()
    offer, expected = Partition.offer_fetched, dict[tuple[int, str], int]()

    def gullible(self: Any, topic: str, records: Any, *options: Any) -> Any:
        place = id(self), topic
        before = expected.get(place, self.offsets[topic])
        if records.start > before:
            offer(self, topic, fetched([], before, records.start), *options)
        expected[place] = max(before, records.end)
        return offer(self, topic, records, *options)

    Partition.offer_fetched = gullible  # type: ignore[method-assign]


def lose_runs() -> None:
    """No bug but a fault: one run in ten never arrives, and must be fetched again."""
    fetch.RUN_LIMIT = 20
    deliver, chance = owners.Owners.deliver, random.Random(1)

    def lossy(self: Any, run: Any) -> None:
        if chance.random() > 0.1:
            deliver(self, run)

    owners.Owners.deliver = lossy  # type: ignore[method-assign]


def unknown_is_success() -> None:
    """A commit whose outcome is unknown is taken for a success; the work goes on with a new producer."""
    producers.COMMIT_TIMEOUT = 1.0
    commit = TransactionalProducer.commit

    async def optimistic(self: Any, batches: Any, offsets: Any) -> Any:
        try:
            return await commit(self, batches, offsets)
        except OutcomeUnknown:
            await _begin_again(self)
            return {}

    TransactionalProducer.commit = optimistic  # type: ignore[method-assign]


def unknown_is_failure() -> None:
    """A commit whose outcome is unknown is taken for a failure, and done once more."""
    _once_more(OutcomeUnknown)
    producers.COMMIT_TIMEOUT = 1.0


def fenced_goes_on() -> None:
    """A worker that was fenced takes the partition back, and commits what it had prepared."""
    _once_more(CommitFailed)


def _once_more(wrong: type[CommitFailed]) -> None:
    commit = TransactionalProducer.commit

    async def stubborn(self: Any, batches: Any, offsets: Any) -> Any:
        try:
            return await commit(self, batches, offsets)
        except wrong:
            await _begin_again(self)
            return await commit(self, batches, offsets)

    TransactionalProducer.commit = stubborn  # type: ignore[method-assign]


async def _begin_again(producer: Any) -> None:
    """A new producer with the same transactional id."""
    fresh = TransactionalProducer(producer._client, producer._group, producer._partition)
    await producer.abandon()
    await fresh.start()
    for name in ("_kafka", "_usable", "_sequences", "_epoch"):
        setattr(producer, name, getattr(fresh, name))


def random_transactional_id() -> None:
    """A new transactional id at each start: nobody is fenced."""
    start = TransactionalProducer.start

    async def named(self: Any) -> None:
        self._transactional_id += uuid.uuid4().hex
        await start(self)

    TransactionalProducer.start = named  # type: ignore[method-assign]


def store_before_commit() -> None:
    """The store has what the transaction has yet to commit: after one that fails it is ahead."""
    commit = TransactionalProducer.commit

    async def late(self: Any, batches: Any, offsets: Any) -> Any:
        store = _STORES.get(self._partition)
        changed = [each for topic, made in batches.items() if _is_changelog(topic) for each in made]
        if store is not None:
            store.apply({key: value for each in changed for key, value, _ in rows(each)}, None)
        return await commit(self, batches, offsets)

    _remember_stores()
    producers.COMMIT_TIMEOUT = 1.0
    TransactionalProducer.commit = late  # type: ignore[method-assign]


_STORES: dict[int, Any] = {}


def _remember_stores() -> None:
    restored = takeover._restored

    async def noted(context: Any, number: int, progress: Any) -> Any:
        _STORES[number] = await restored(context, number, progress)
        return _STORES[number]

    takeover._restored = noted


def unconfirmed_is_caught_up() -> None:
    """An input of which nothing is at hand is taken for caught up, though nobody asked."""
    offer, advance = Partition.offer_fetched, Partition.advance

    def noted(self: Any, topic: str, records: Any, *options: Any) -> Any:
        end = records.end
        missing, accepted = offer(self, topic, records, *options)
        if missing is None:
            self.__dict__.setdefault("fetched", {})[topic] = end
        return missing, accepted

    def impatient(self: Any, records: int = 5000) -> bool:
        self.confirm(self.offsets | self.__dict__.get("fetched", {}), self.stamp, None)
        return advance(self, records)

    Partition.offer_fetched, Partition.advance = noted, impatient  # type: ignore[method-assign]


def reads_uncommitted() -> None:
    """Records of aborted transactions are applied."""
    from aiokafka import AIOKafkaConsumer

    begin = AIOKafkaConsumer.__init__

    def anything(self: Any, *topics: Any, **settings: Any) -> None:
        begin(self, *topics, **settings | {"isolation_level": "read_uncommitted"})

    AIOKafkaConsumer.__init__ = anything


def deletions_not_restored() -> None:
    """Those who were erased or forgotten come back with a restart."""
    for store in (MemoryStore, RocksStore):
        apply = store.apply

        def keeping(self: Any, states: Any, position: Any, as_of: int = 0, apply: Any = apply) -> None:
            rows = states.items() if hasattr(states, "items") else states
            apply(self, {key: value for key, value in rows if value is not None}, position, as_of)

        def commit(self: Any, transaction: Any, position: Any, as_of: int = 0) -> None:
            self.apply(transaction.states, position, as_of)

        store.apply, store.commit = keeping, commit  # type: ignore[assignment,method-assign]


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        read_before_fencing, position_before_outputs, changelog_outside, fires_twice, due_list_not_rebuilt, skips_accepted,
        unknown_is_success, unknown_is_failure, fenced_goes_on, random_transactional_id, store_before_commit,
        unconfirmed_is_caught_up, reads_uncommitted, deletions_not_restored,
    )
}  # fmt: skip

if __name__ == "__main__":
    name = sys.argv.pop(1)
    (BUGS | {"lose_runs": lose_runs})[name]()
    main(prog_name="segments")
