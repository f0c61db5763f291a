"""What a partition did, as the batches of one Kafka transaction; the engine makes them."""

from collections.abc import Mapping

import schemas
from segments.engine import Outbox as Encoder
from segments.engine import Partition, Transaction, batches_of
from streams.clock import wall_clock
from streams.transport.producer import Batches

SEGMENT_EVENTS = "segment-events"
SEGMENT_MEMBERSHIPS = "segment-memberships"
SEGMENT_OUTCOMES = "segment-outcomes"
DEAD_LETTERS = "dead-letters"


class Outbox:
    """Collects the transactions of one partition."""

    def __init__(self, group: str, partition: int, changelog: str, transfers: str | None = None) -> None:
        """Write for a partition with the current schema ids; `transfers`: the topic for other partitions, if any."""
        records = (schemas.SEGMENT_EVENT, schemas.SEGMENT_MEMBERSHIPS, schemas.SEGMENT_OUTCOME)
        self._encoder = Encoder(group, partition, *map(schemas.written_id, records))
        self._transfers = transfers
        self._topics = SEGMENT_EVENTS, SEGMENT_MEMBERSHIPS, SEGMENT_OUTCOMES, DEAD_LETTERS, changelog

    def collect(self, partition: Partition) -> Transaction | None:
        """Return all effects since the last call, None if nothing changed."""
        return partition.collect(self._encoder, wall_clock())

    def batches(self, transaction: Transaction, beside: Mapping[bytes, bytes | None]) -> Batches:
        """Return the finished batches by topic, with states of our own beside the engine's; they can be had once.

        What goes to another partition than this one is under topic and number.
        """
        *outputs, changelog = transaction.batches()
        changelog = [*batches_of(beside, wall_clock()), *changelog]
        made = zip(self._topics, (*outputs, changelog), strict=True)
        letters, transfers = transaction.elsewhere()
        return {
            **{topic: list(batches) for topic, batches in made if batches},
            **{(DEAD_LETTERS, number): list(batches) for number, batches in letters},
            **{(str(self._transfers), number): list(batches) for number, batches in transfers},
        }
