"""Dead letters: reading them, and sending them again to where they came from.

Which of them were sent again is noted in the offsets of a group of its own, in the very transaction that sends them: a
retry that was cut short sent, and noted, whole transactions only.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

import schemas
from segments.language.catalogue import is_source
from streams.errors import StreamsError
from streams.kafka.connection import BOOTSTRAP_MILLISECONDS, admin, connection
from streams.kafka.read_committed import DEAD_LETTERS, assign, partitions_of, until
from streams.kafka.topics import ADOPTED, TRANSFERS
from streams.registry.registry import connect
from streams.settings.settings import Settings

LONGEST_NOTE = 4_000
"""Characters that Kafka keeps beside an offset (offset.metadata.max.bytes is 4096 by default)."""
LONGEST_SENT = 9 << 20
"""Bytes of a record before compression: dead letters hold up to 8 MB of one."""
DELIVERIES = "delivery-dead-letters"
"""The letters of `segments deliver`: flips that a destination did not take."""
FLIP, RETRY = "flip", "retry"
"""Headers of such a letter: the segment event as it came; the mark of one that was sent again."""
AT_ONCE = 500
"""Dead letters in one transaction."""
BYTES_AT_ONCE = 32 << 20
"""Bytes of their records from which on no further one goes into a transaction: it is held in memory twice."""
MAY_PASS = ("customer_limit", "engine_error", "from_the_future", "unknown_schema")
"""Reasons that may be gone meanwhile: time passed, or somebody mended code, limit or schemas."""
NEVER_PASSES = "wrong_partition"
"""The reason that no retry can mend: a letter goes back to the partition that it came from, which is the wrong one."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it lies, what it says, and the record as it came."""

    place: TopicPartition
    offset: int
    timestamp: int
    headers: dict[str, str]
    key: bytes | None
    value: bytes | None
    raw: list[tuple[str, bytes]] = field(default_factory=list)
    """The headers as they came."""

    @property
    def reason(self) -> str:
        """Why the record was refused; of a delivery the status that was answered."""
        return self.headers.get("reason") or self.headers.get("status", "")

    @property
    def topic(self) -> str:
        """Where the record came from."""
        return self.headers.get("topic", "")

    @property
    def from_where(self) -> str:
        """The topic of the record, or the destination of the flip."""
        return self.destination or self.topic

    @property
    def destination(self) -> str:
        """Where a flip of `segments deliver` could not be sent."""
        return self.headers.get("destination", "")

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the record is here, so that it can't be sent again."""
        return "truncated" in self.headers

    def without_bytes(self) -> "Letter":
        """The same without its record, to be remembered."""
        return replace(self, key=None, value=None, raw=[])

    @property
    def origin(self) -> TopicPartition | None:
        """The partition that it came from; None for a record that is no dead letter of ours."""
        if self.place.topic == DELIVERIES:
            return self.place if self.destination else None
        number = self.headers.get("partition", "")
        ours = self.topic in ADOPTED or is_source(self.topic) or self.topic.endswith(TRANSFERS)
        return TopicPartition(self.topic, int(number)) if ours and number.isdigit() else None

    def decoded(self) -> dict[str, Any] | None:
        """The record as a JSON object, None if it can't be decoded; of a delivery the body that was sent."""
        if self.place.topic == DELIVERIES:
            return json.loads(self.value) if self.value else None
        name = schemas.find_record(self.topic)
        if name is None or self.value is None:
            return None
        try:
            shown: dict[str, Any] = schemas.to_json(name, schemas.decode(name, self.value))
        except (schemas.SchemaError, ValueError, ArithmeticError):
            return None
        return shown


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; nothing said: all. `topics` are destinations where the letters are deliveries."""

    reasons: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    since: int | None = None
    box: str = DEAD_LETTERS
    """The topic of the letters."""

    def __contains__(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.from_where in self.topics)
            and RETRY not in letter.headers
            and (self.since is None or letter.timestamp >= self.since)
        )


def letters(consumer: KafkaConsumer, settings: Settings, choice: Choice) -> Iterator[Letter]:
    """The dead letters that are meant, up to the ends as they are now; in order within a partition."""
    partitions = partitions_of(consumer, choice.box)
    ends = assign(consumer, partitions, from_beginning=True)
    if choice.since is not None:
        for each, first in consumer.offsets_for_times(dict.fromkeys(partitions, choice.since)).items():
            consumer.seek(each, ends[each] if first is None else first.offset)
    registry = connect(settings)
    for batch in until(consumer, ends, settings):
        found = [letter for letter in map(letter_of, batch) if letter in choice]
        if registry is not None:
            for letter in found:
                registry.learn_all(letter.topic, [letter.value])
        yield from found


def letter_of(record: Any) -> Letter:
    """A record of the topic as a letter."""
    raw = [(name, value or b"") for name, value in record.headers]
    headers = {name: value.decode(errors="replace") for name, value in raw if name != FLIP}
    place = TopicPartition(record.topic, record.partition)
    return Letter(place, record.offset, record.timestamp, headers, record.key, record.value, raw)


def notes_group(settings: Settings, box: str = DEAD_LETTERS) -> str:
    """The group whose offsets hold the notes on the letters of a topic."""
    return f"{settings.group}-{box}"


class Retries:
    """Which dead letters were sent again."""

    def __init__(self, settings: Settings, consumer: KafkaConsumer, box: str = DEAD_LETTERS) -> None:
        """Read the notes on the letters of a topic."""
        places = partitions_of(consumer, box)
        group = notes_group(settings, box)
        self._firsts: dict[TopicPartition, int] = consumer.beginning_offsets(places)
        with admin(settings) as client:
            noted = client.list_group_offsets({group: places})[group]
        self._offsets: dict[TopicPartition, set[int]] = {place: set() for place in places}
        for place, note in noted.items():
            if note.offset >= 0 and note.metadata:
                self._offsets[place] = unpacked(note.offset, note.metadata)

    def __contains__(self, letter: Letter) -> bool:
        """Whether a letter was."""
        return letter.offset in self._offsets[letter.place]

    def add(self, letters: Iterable[Letter]) -> None:
        """Note that these are."""
        for letter in letters:
            self._offsets[letter.place].add(letter.offset)

    def notes(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        """What to commit; what Kafka has deleted meanwhile needs no note any more."""
        return {place: self._note(place, self._firsts[place]) for place in places}

    def _note(self, place: TopicPartition, first: int) -> OffsetAndMetadata:
        text = packed(first, self._offsets[place])
        if len(text) > LONGEST_NOTE:
            raise StreamsError(
                f"{place.topic}-{place.partition}: which letters were retried does not fit in a note of Kafka's any "
                "more: retry a wider choice (fewer --reason, --topic), whose note is shorter as it has fewer gaps"
            )
        return OffsetAndMetadata(first, text, -1)


def packed(first: int, offsets: Iterable[int]) -> str:
    """Offsets as a compressed map of bits: a long row of them takes no more room than a short one."""
    bits = bytearray()
    for offset in offsets:
        if offset >= first:
            byte, bit = divmod(offset - first, 8)
            bits.extend(bytes(max(0, byte + 1 - len(bits))))
            bits[byte] |= 1 << bit
    return base64.b85encode(zlib.compress(bytes(bits), 9)).decode()


def unpacked(first: int, text: str) -> set[int]:
    """The offsets of a note."""
    bits = zlib.decompress(base64.b85decode(text))
    return {first + 8 * place + bit for place, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1}


@contextmanager
def sender(settings: Settings, box: str = DEAD_LETTERS) -> Iterator["Sender"]:
    """What sends letters again, for as long as the block runs; another retry that still runs is fenced."""
    producer = KafkaProducer(
        **connection(settings),
        transactional_id=notes_group(settings, box),
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=BOOTSTRAP_MILLISECONDS,
        # What came compressed is as large as a topic takes only if it is compressed again.
        compression_type="gzip",
        max_request_size=LONGEST_SENT,
    )
    try:
        producer.init_transactions()
        yield Sender(producer, notes_group(settings, box))
    finally:
        producer.close(timeout=5)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends letters and the note about them in one transaction."""

    producer: KafkaProducer
    group: str

    def send(self, letters: list[Letter], retried: Retries) -> None:
        """Byte for byte, to the partition that each came from."""
        retried.add(letters)
        notes = retried.notes({letter.place for letter in letters})
        self.producer.begin_transaction()
        for letter in letters:
            origin = letter.origin
            if origin is None:
                raise ValueError(f"{letter.place}@{letter.offset} does not say where it came from")
            # A delivery goes to its own topic again, marked: the process that delivers reads it there.
            again = [*letter.raw, (RETRY, b"1")] if origin.topic == DELIVERIES else None
            self.producer.send(
                origin.topic, key=letter.key, value=letter.value, headers=again, partition=origin.partition
            )
        self.producer.send_offsets_to_transaction(notes, self.group)
        self.producer.commit_transaction()
