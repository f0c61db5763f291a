"""What was learned from transactions that Kafka refused for their size. It outlives the take-overs of the partition.

Such a transaction would be refused for ever, and the partition would stand still. So its records are halved until one
record is left that is refused by itself. The engine refuses it when it comes again: a dead letter `too_large`.
A profile is first taken in with its consents alone, since a consent that is taken away always counts.
"""

import logging
from collections.abc import Iterable, Sequence

from segments.language.catalogue import is_source
from streams.transport.errors import TooLarge
from streams.worker.ledger import OpenRecord

log = logging.getLogger(__name__)

TOO_LARGE = "too_large"
"""The reason of such dead letters, as the engine names it."""

ENOUGH = 32_768
"""When a transaction may hold this many records, there is no bound any more."""


class Caution:
    """How much may go into the next transactions of one partition, and which records are refused there."""

    def __init__(self, number: int) -> None:
        """Begin without a bound on transactions."""
        self._number = number
        self.most: int | None = None
        """The largest number of records, and of customers with timers, in one transaction; None: no bound."""
        self._refused: dict[tuple[str, int], tuple[str, bool]] = {}
        """By topic and offset: the reason, and whether the consents of the record are refused, too."""

    def refused(self, topic: str) -> list[tuple[int, str, bool]]:
        """The records of a topic that the machine must refuse: offset, reason, and whether with their consents."""
        return [
            (offset, why, outright)
            for (where, offset), (why, outright) in self._refused.items()
            if where == topic
        ]

    def learn(self, records: Sequence[OpenRecord], error: TooLarge) -> bool:
        """Note a refused transaction and its records. Returns False if smaller transactions cannot help."""
        if len(records) == 1 and self.most == 1:
            return self._refuse(records[0], error)
        if not records and self.most == 1:
            log.error(
                "partition %d: %s, for what time alone does to one customer: raise max.message.bytes of %s",
                self._number, error, error.topic,
            )  # fmt: skip
            return False
        before = min(len(records), self.most or ENOUGH) if records else self.most or ENOUGH
        self.most = max(1, before // 2)
        log.error(
            "partition %d: %s; looking for the record, with at most %d in a transaction: %s",
            self._number, error, self.most, ", ".join(_ranges(records)) or "no record, but flips by time",
        )  # fmt: skip
        return True

    def _refuse(self, record: OpenRecord, error: TooLarge) -> bool:
        place = record.topic, record.offset
        before = self._refused.get(place)
        if before is not None and before[1]:
            log.error(
                "%s-%d: offset %d: %s, not even what is left of a dead letter: raise max.message.bytes of %s",
                record.topic, self._number, record.offset, error, error.topic,
            )  # fmt: skip
            return False
        keeps_consents = before is None and is_source(record.topic) and record.is_event
        self._refused[place] = str(error), not keeps_consents
        log.error(
            "%s-%d: offset %d: %s: %s", record.topic, self._number, record.offset, error,
            "its consents alone are taken in, if it takes one away" if keeps_consents else "a dead letter, too_large",
        )  # fmt: skip
        return True

    def committed(self, offsets: dict[str, int]) -> None:
        """Note a transaction that Kafka accepted: the next one may hold twice as much."""
        if self.most is not None:
            self.most = None if self.most >= ENOUGH else self.most * 2
        if self._refused:
            done = [each for each in self._refused if each[1] < offsets.get(each[0], 0)]
            for each in done:
                del self._refused[each]


def _ranges(records: Iterable[OpenRecord]) -> list[str]:
    """The offsets of some records by topic, from the first to the last."""
    found: dict[str, list[int]] = {}
    for record in records:
        found.setdefault(record.topic, []).append(record.offset)
    return [f"{topic} {min(offsets)} to {max(offsets)}" for topic, offsets in sorted(found.items())]
