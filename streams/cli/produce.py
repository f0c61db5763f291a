"""`segments produce`: JSON lines to Avro to Kafka."""

import sys
from collections import deque
from typing import IO, Any, Self

import click
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, for_code

import schemas
from segments.language import catalogue
from streams.cli.doubts import Doubts
from streams.cli.topic_name import TopicName
from streams.cli.visible import visible
from streams.errors import BrokerAway, StreamsError, TopicsError
from streams.history import lines
from streams.kafka.connection import BOOTSTRAP_MILLISECONDS, admin, connection
from streams.registry.registry import connect
from streams.settings.settings import Settings, read_settings

UNKNOWN_TOPIC = 3
TOPICS = tuple(topic for topic in schemas.RECORD_OF_TOPIC if topic != catalogue.DEPLOYMENTS)
"""A deployment is written to all partitions at once, by `segments deploy`."""
DELIVERY_MILLISECONDS = 60_000
# kafka-python's buffer has no bound of its own: this many records may be sent and not acknowledged yet.
IN_FLIGHT = 20_000
ERASURE_FIELDS = ("customer_id", "event_id", "occurred_at")


@click.command()
@click.argument("topic", type=TopicName(TOPICS), metavar="TOPIC")
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--skip-bad", is_flag=True, help="Report wrong lines and go on; without it the first one stops."
)
def command(topic: str, file: IO[bytes], skip_bad: bool) -> None:
    """Send JSON lines from FILE (default: stdin) to TOPIC.

    A line has the fields of the topic's Avro record: times as ISO 8601 with Z or an offset, or as
    milliseconds; amounts as texts such as "150.00". Fields that may be null may be left out; an unknown field
    is an error. A line with "erase": true and a customer_id is a null value: in profiles it erases the
    customer. The fields that `segments consume` adds (topic, partition, offset, timestamp) are ignored, but
    the topic must be this one.
    """
    settings = read_settings()
    check_topic(settings, topic)
    if (registry := connect(settings)) is not None:
        registry.register([topic])
    with Sending(settings, topic) as sending:
        skipped = _send_all(sending, file, skip_bad)
        sending.finish()
    bad = f", {_counted(skipped, 'wrong line')} skipped" if skipped else ""
    click.echo(f"{_counted(sending.sent, 'record')} sent to {topic}{bad}", err=True)
    for doubt in sending.doubts.lines():
        click.echo(doubt, err=True)


def check_topic(settings: Settings, topic: str) -> None:
    """Raise unless a broker answers and has this topic."""
    with admin(settings) as client:
        code = client.describe_topics([topic])[0]["error_code"]
    if code == UNKNOWN_TOPIC:
        raise TopicsError(f"there is no topic {topic} yet: `segments topics create` makes it")
    if code:
        raise for_code(code)


class Sending:
    """Sends records to one topic in order, and knows how many were acknowledged."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self.topic = topic
        self.sent = 0
        self.doubts = Doubts(settings, topic)
        self._waiting: deque[Any] = deque()
        self._shows = sys.stderr.isatty()
        self._brokers = settings.brokers
        self._producer = KafkaProducer(
            **connection(settings),
            acks="all",
            enable_idempotence=True,
            linger_ms=20,
            batch_size=1 << 17,
            # Every client reads gzip of its own accord; kafkajs needs a plug-in for snappy, lz4 and zstd.
            compression_type="gzip",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=BOOTSTRAP_MILLISECONDS,
            max_block_ms=BOOTSTRAP_MILLISECONDS,
            delivery_timeout_ms=DELIVERY_MILLISECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._producer.close(timeout=0)
        if self._shows:
            click.echo("\r\x1b[K", err=True, nl=False)

    def finish(self) -> None:
        """Wait until everything sent is acknowledged."""
        self._settle(0)

    def send(self, line: lines.Line) -> None:
        """Send one record; LineError if the line is wrong."""
        key, value = encoded(line, self.topic, self.doubts)
        try:
            self._waiting.append(self._producer.send(self.topic, key=key, value=value))
        except MessageSizeTooLargeError as error:
            raise line.error(f"the record is too large: {error}") from None
        if len(self._waiting) >= IN_FLIGHT:
            self._settle(IN_FLIGHT // 2)

    def _settle(self, left: int) -> None:
        """Wait until at most this many are not acknowledged."""
        self._producer.flush() if left == 0 else None
        while len(self._waiting) > left:
            self._acknowledged(self._waiting.popleft())
            self.sent += 1
            if self._shows and self.sent % 1000 == 0:
                click.echo(f"\r\x1b[K{self.sent:,} records sent", err=True, nl=False)

    def _acknowledged(self, future: Any) -> None:
        try:
            future.get(timeout=DELIVERY_MILLISECONDS / 1000 + 10)
        except KafkaTimeoutError as error:
            raise BrokerAway(self._brokers, f"after {self.sent:,} records were sent") from error
        except KafkaError as error:
            raise StreamsError(f"Kafka refused a record, after {self.sent:,} were sent: {error}") from error


def encoded(line: lines.Line, topic: str, doubts: Doubts | None = None) -> tuple[bytes, bytes | None]:
    """Key and value of a line's record; LineError if it is not one of this topic."""
    if line.transport.get("topic", topic) != topic:
        raise line.error(f"topic: expected {topic}, got {schemas.errors.shown(line.transport['topic'])}")
    try:
        if line.erases:
            return _erased(line), None
        name = schemas.record_of(topic)
        record = schemas.from_json(name, line.fields)
        if doubts is not None:
            doubts.look(record)
        return record["customer_id"].encode(), schemas.encode(name, record)
    except schemas.SchemaError as error:
        raise line.error(error) from None


def _erased(line: lines.Line) -> bytes:
    """The key of a null value; the time of an erasure is its Kafka timestamp, whatever `occurred_at` says."""
    for name in line.fields:
        if name not in ERASURE_FIELDS:
            raise line.error(f'{name}: a line with "erase": true has a customer_id only')
    customer = line.fields.get("customer_id")
    if not isinstance(customer, str):
        raise line.error("customer_id: expected a text that names who is erased")
    try:
        return customer.encode()
    except UnicodeEncodeError:
        raise line.error(
            "customer_id: expected a text of whole characters (no half surrogate pair)"
        ) from None


def _send_all(sending: Sending, file: IO[bytes], skip_bad: bool) -> int:
    """Send every line; the number of wrong ones, if these may be skipped."""
    skipped = 0
    for where, text in lines.numbered(file, file.name):
        try:
            sending.send(lines.parse(where, text))
        except lines.LineError as error:
            if not skip_bad:
                raise _stop(sending, error) from None
            skipped += 1
            click.echo(f"skipped: {visible(str(error))}", err=True)
    return skipped


def _stop(sending: Sending, error: lines.LineError) -> StreamsError:
    """End after what came before a wrong line was sent, and say how much that was."""
    sending.finish()
    before = _counted(sending.sent, "record")
    return StreamsError(f"{error}\n{before} before it sent, nothing after it (--skip-bad goes on)")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
