"""Takes a partition over, in the only order that is safe.

First the transactional id is initialised, which fences the previous owner and aborts what it left open; only then
are the end of the changelog, the states and the positions read. Reading before fencing would lose what a paused worker
commits in between.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from aiokafka import TopicPartition
from aiokafka.errors import TransactionalIdAuthorizationFailed

from segments.engine import (
    DEPLOYMENTS,
    INPUTS,
    POSITION_KEY,
    Chain,
    Deployment,
    Partition,
)
from streams.kafka.permissions import transactions_refused
from streams.store.restore import restore
from streams.store.stores import PartitionStore
from streams.transport import TransactionalProducer
from streams.worker.context import WorkerContext
from streams.worker.standing import Standing
from streams.worker.succession import Succeeded, Waiting, chosen, ran_before
from streams.worker.witness import UNSEEN, Witness, witness

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnedPartition:
    """A partition that this worker has taken over: producer, committed states, machine, positions to read from."""

    producer: TransactionalProducer
    store: PartitionStore
    partition: Partition
    positions: dict[str, int]
    witness: Witness = UNSEEN
    """Of the topics at these positions."""
    chain: Chain = field(default_factory=Chain)
    """Of the deployments that were read."""


async def take_over(
    context: WorkerContext, number: int, standing: Standing, succeeded: Succeeded | None = None
) -> OwnedPartition:
    """Fence, restore, find the rule set and the positions; how far it is stands in `standing`.

    `succeeded`: the deployment that the partition has come to, if it runs still what it ran then.
    """
    producer = TransactionalProducer(context.client, context.group, number)
    try:
        await _initialise(producer, context.group)
        await _look(context, number, standing)
        store = await _restored(context, number, standing)
        chain, end = (Chain(), 0) if context.read_chain is None else await context.read_chain(number)
        deployment, filling = chosen(chain, store.get(POSITION_KEY), succeeded)
        ran = ran_before(chain, deployment)
        partition = await context.beside(_partition, context, number, deployment, store, ran, filling)
        seen = await _witness(context, number, store, sources_of(partition))
        positions = await _positions(context, number, partition, standing, seen.adopted)
        if context.read_chain is not None:
            positions[DEPLOYMENTS] = _offer_read(partition, chain, end)
    except BaseException:  # a cancellation, too: the group takes partitions away while they are restored
        await producer.abandon()
        raise
    if seen.source is not None:
        producer.before_commit = seen.look
    return OwnedPartition(producer, store, partition, positions, seen, chain)


async def succeed(context: WorkerContext, owned: OwnedPartition, succeeded: Succeeded) -> OwnedPartition:
    """Go on with another rule set once all records before it are committed: the owner stays the same.

    Nothing is fenced or restored. What was fetched and not applied is fetched again.
    """
    number, store, chain = owned.partition.number, owned.store, owned.chain
    deployment, filling = chosen(chain, store.get(POSITION_KEY), succeeded)
    ran = ran_before(chain, deployment)
    partition = await context.beside(_partition, context, number, deployment, store, ran, filling)
    sources, seen = sources_of(partition), owned.witness
    if sources != sources_of(owned.partition):
        await _begin(context, partition, sources)
        seen = await _witness(context, number, store, sources)
    found = partition.offsets
    positions = {topic: found[topic] for topic in (*context.positioned, *sources)}
    positions[DEPLOYMENTS] = _offer_read(partition, chain, succeeded.read)
    if seen.source is not None:
        owned.producer.before_commit = seen.look
    return replace(owned, partition=partition, positions=positions, witness=seen)


async def _begin(context: WorkerContext, partition: Partition, sources: Sequence[str]) -> None:
    """A profile source that was not read before is read from its start."""
    fresh = [TopicPartition(topic, partition.number) for topic in sources if topic not in partition.offsets]
    for each, start in (await context.offsets.starts(fresh) if fresh else {}).items():
        partition.begin(each.topic, start)


async def _witness(
    context: WorkerContext, number: int, store: PartitionStore, sources: Sequence[str]
) -> Witness:
    """Which topics the inputs are, those of the profile sources of the rule set among them."""
    if context.topic_ids is not None:
        context.topic_ids.follow(sources)
    inputs = [TopicPartition(topic, number) for topic in (*context.inputs, *sources)]
    return await witness(context.topic_ids, store, inputs)


def sources_of(partition: Partition) -> tuple[str, ...]:
    """The topics of profile sources that the rule set of a partition has beside `profiles`."""
    return tuple(topic for topic in partition.inputs if topic not in INPUTS)


def _offer_read(partition: Partition, chain: Chain, end: int) -> int:
    """Offer the deployments that were read, so that the machine is caught up there. Returns the offset to read from."""
    at = partition.offsets.get(DEPLOYMENTS, end)
    if at >= end:
        return at
    coming = [each for each in chain.followed.values() if each.offset >= at]
    partition.offer_deployments(at, coming, end)
    return end


def _partition(
    context: WorkerContext,
    number: int,
    deployment: Deployment | None,
    store: PartitionStore,
    ran: Sequence[str] = (),
    filling: Deployment | None = None,
) -> Partition:
    if deployment is not None:
        return Partition.deployed(
            number, context.count, deployment, store.states, context.transfers, ran, filling
        )
    if context.rules is None:
        raise Waiting("nothing is deployed: `segments deploy` writes a rule set")
    return Partition(
        number, context.count, context.rules, context.engine, store.states, transfers=context.transfers
    )


async def _initialise(producer: TransactionalProducer, group: str) -> None:
    """Fence the previous owner of the transactional id. A missing permission ends the attempts: it does not pass."""
    try:
        await producer.start()
    except TransactionalIdAuthorizationFailed as error:
        raise transactions_refused(group) from error


async def _look(context: WorkerContext, number: int, standing: Standing) -> None:
    """Report the lag while the partition is restored, from the group's committed offsets, as lag tools do."""
    inputs = [TopicPartition(topic, number) for topic in context.positioned]
    ends = await context.offsets.ends(inputs)
    committed = await context.offsets.committed(inputs)
    known = {each.topic: offset for each, offset in committed.items() if offset is not None}
    standing.found(known, {each.topic: end for each, end in ends.items()})


async def _restored(context: WorkerContext, number: int, standing: Standing) -> PartitionStore:
    changelog = TopicPartition(context.changelog, number)
    first = (await context.offsets.starts([changelog]))[changelog]
    end = (await context.offsets.ends([changelog]))[changelog]
    store = context.table.open_partition(number)
    with context.metrics.recovering():
        await restore(store, context.client, changelog, (first, end), standing.restoring)
    return store


async def _positions(
    context: WorkerContext,
    number: int,
    partition: Partition,
    standing: Standing,
    adopted: frozenset[str] = frozenset(),
) -> dict[str, int]:
    """Return the positions to read from: those of the record beside the states; the group's are only compared."""
    sources = sources_of(partition)
    inputs = {topic: TopicPartition(topic, number) for topic in (*context.positioned, *sources)}
    starts = await context.offsets.starts(inputs.values())
    ends = await context.offsets.ends(inputs.values())
    committed = await context.offsets.committed(inputs.values())
    positions = {}
    for topic, each in inputs.items():
        expected = partition.offsets.get(topic)
        if topic in adopted:
            log.warning("%s-%d: adopted: going on at its beginning, offset %d", topic, number, starts[each])
        else:
            if expected is not None or topic not in sources:
                # Of a source that was removed and is there again the group knows where it was.
                _compare(context, each, expected, committed[each])
            if expected is not None and starts[each] <= expected <= ends[each]:
                positions[topic] = expected
                continue
            if expected is not None:
                _lost(context, each, expected, starts[each], ends[each])
        partition.begin(topic, starts[each])
        positions[topic] = starts[each]
    standing.found(positions, {topic: ends[each] for topic, each in inputs.items()})
    return positions


def _compare(
    context: WorkerContext, input_: TopicPartition, expected: int | None, committed: int | None
) -> None:
    """Both are written by the same transaction, so they agree unless someone else wrote one of them."""
    if expected == committed or (committed is None and not expected):
        return
    context.metrics.offset_mismatches.inc()
    log.error(
        "%s-%d: the group committed offset %s, the record beside the customers says %s: going on at the latter",
        input_.topic, input_.partition, committed, expected,
    )  # fmt: skip


def _lost(context: WorkerContext, input_: TopicPartition, expected: int, start: int, end: int) -> None:
    context.metrics.lost_ranges.labels(input_.topic).inc()
    log.error(
        "%s-%d: expected to go on at offset %d, but the topic holds %d to %d now: "
        "records were deleted before they were read, or the topic was made anew; going on at %d",
        input_.topic, input_.partition, expected, start, end, start,
    )  # fmt: skip
