"""A history in which ids became one customer: who reads it finds the records of that customer under one id.

The history is read twice: first for the records of ids that were linked into others, which are kept, then for all
others, among which those stand where they came in, in the partition of the id that they count for. So whoever reads a
history need not know of links.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from segments.engine import IDENTITIES, Record, partition_of
from segments.insight.owners import Owners
from segments.insight.replay import moved
from segments.language.catalogue import is_source
from streams.history.files import Logs
from streams.history.reader import History, Progress, Reader

Link = Mapping[str, Any]
Offsets = Mapping[str, int]


def links_of(logs: Logs) -> list[Link]:
    """The links among the lines of files, by partition and in their order."""
    records = (record for log in logs.values() for record in log.get(IDENTITIES, ()))
    return [record.event for record in records if isinstance(record.event, dict)]


def joined(history: History, links: Sequence[Link]) -> History:
    """A history in which these links are followed; the same one if there are none."""
    return Joined(history, links) if links else history


class Joined:
    """A history whose linked ids are one customer."""

    def __init__(self, history: History, links: Sequence[Link]) -> None:
        """Nothing is read yet."""
        self._history, self._links = history, links

    @property
    def count(self) -> int:
        """Partitions of each topic."""
        return self._history.count

    @property
    def length(self) -> int:
        """Offsets to be read, in two readings."""
        return 2 * self._history.length

    @property
    def deleted_before(self) -> int | None:
        """As the history itself has it."""
        return self._history.deleted_before

    @property
    def latest(self) -> int | None:
        """As the history itself has it."""
        return self._history.latest

    @property
    def out_of_order(self) -> int:
        """As the history itself has it."""
        return self._history.out_of_order

    def read(self, reader: Reader, progress: Progress) -> None:
        """Give it all to a reader."""
        absorbed = {each["customer_id"].encode() for each in self._links}
        known = absorbed | {each["into"].encode() for each in self._links}
        kept = _AbsorbedRecords(absorbed, known)
        self._history.read(kept, progress)
        owners = Owners(self._links, kept.erasures)
        self._history.read(_Joining(reader, absorbed, kept.by_owner(owners, self.count)), progress)


class _AbsorbedRecords:
    """Reads a history for the records of the ids that were absorbed, and the erasures of all that were linked."""

    def __init__(self, absorbed: set[bytes], known: set[bytes]) -> None:
        self._absorbed, self._known = absorbed, known
        self._records: list[Record] = []
        self.erasures: list[tuple[str, int]] = []

    def begin(self, number: int, starts: Offsets, ends: Offsets) -> None:
        """Another partition: of ids nothing is shared between partitions."""

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:  # noqa: ARG002
        """Keep what must be."""
        for record in records:
            if record.key in self._absorbed:
                self._records.append(record)
            if is_source(topic) and record.event is None and record.key in self._known:
                self.erasures.append((record.key.decode(), record.timestamp))

    def work(self) -> None:
        """Nothing to do: no record is waiting."""

    def buffered(self, topic: str) -> int:  # noqa: ARG002
        """No record is waiting."""
        return 0

    def by_owner(self, owners: Owners, count: int) -> dict[tuple[int, str], list[Record]]:
        """The records by partition of the id that they count for, and topic, as they came in."""
        found: dict[tuple[int, str], list[Record]] = defaultdict(list)
        for record in self._records:
            # An erasure ends what an id was a part of: until its very instant it was.
            owner = owners.owner((record.key or b"").decode(errors="replace"), record.at)
            place = partition_of(owner.encode(), count), record.topic
            found[place].append(_renamed(record, owner))
        for records in found.values():
            records.sort(key=lambda each: each.timestamp)
        return found


def _renamed(record: Record, customer: str) -> Record:
    """A record as if a customer had sent it under another id."""
    event = record.event
    if isinstance(event, dict):
        event = event | {"customer_id": customer}
    made = Record(record.topic, record.offset, record.timestamp, customer.encode(), record.value, event)
    made.over = record.over
    return made


class _Joining:
    """Hands a history on without the records of absorbed ids, and with those that were kept, at offsets of its own."""

    def __init__(
        self, reader: Reader, absorbed: set[bytes], kept: Mapping[tuple[int, str], list[Record]]
    ) -> None:
        self._reader, self._absorbed, self._kept = reader, absorbed, kept

    def begin(self, number: int, starts: Offsets, ends: Offsets) -> None:
        """Another partition, with room for what was kept."""
        self._number, self._ends = number, ends
        self._left = {topic: list(reversed(self._kept.get((number, topic), ()))) for topic in ends}
        self._more = dict.fromkeys(ends, 0)
        longer = {topic: end + len(self._left[topic]) for topic, end in ends.items()}
        self._reader.begin(number, starts, longer)
        for topic, start in starts.items():
            if start == ends[topic]:
                self.offer(topic, start, [], start)

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """A run, with what came in before its end among it."""
        left, shift = self._left[topic], self._more[topic]
        begin, run = start + shift, list[Record]()
        for record in records:
            while left and left[-1].timestamp <= record.timestamp:
                run.append(moved(left.pop(), record.offset + shift))
                shift += 1
            if record.key not in self._absorbed:
                run.append(moved(record, record.offset + shift))
        while left and end == self._ends[topic]:
            run.append(moved(left.pop(), end + shift))
            shift += 1
        self._more[topic] = shift
        if end + shift > begin:
            self._reader.offer(topic, begin, run, end + shift)

    def work(self) -> None:
        """Use what was offered."""
        self._reader.work()

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait to be used."""
        return self._reader.buffered(topic)
