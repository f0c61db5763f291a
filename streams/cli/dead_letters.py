"""`segments dead-letters`: which records were refused and why, and sending them again."""

import base64
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import click

import schemas
from streams.cli.instant import Instant
from streams.cli.topic_name import TopicName
from streams.cli.visible import json_line, visible
from streams.errors import StreamsError
from streams.jobs.dead_letters import (
    AT_ONCE,
    BYTES_AT_ONCE,
    DELIVERIES,
    MAY_PASS,
    NEVER_PASSES,
    Choice,
    Letter,
    Retries,
    letters,
    sender,
)
from streams.kafka.read_committed import DEAD_LETTERS, committed_reader
from streams.kafka.topics import ADOPTED
from streams.settings.settings import read_settings

SHOWN = 2_000
"""Characters of a value on the screen; --json has all of it."""


@click.group()
def command() -> None:
    """Look at refused records, and send them again.

    Reads committed records only, and joins no consumer group.
    """


def choosing(function: Any) -> Any:
    """The options that say which dead letters are meant."""
    since = "Only what was refused at this instant or later (ISO 8601, or milliseconds)."
    options = [
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            help="Only this reason, or status of a delivery (may be given again).",
        ),
        click.option(
            "--topic",
            "topics",
            multiple=True,
            type=TopicName(ADOPTED),
            help="Only records of this topic.",
        ),
        click.option("--since", metavar="TIME", type=Instant(), help=since),
        click.option(
            "--deliveries", is_flag=True, help="Those of `segments deliver`: flips that were given up."
        ),
        click.option(
            "--destination",
            "destinations",
            multiple=True,
            help="With --deliveries: only of this destination.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@command.command()
@choosing
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="The latest N only.")
@click.option("--json", "as_json", is_flag=True, help="The letters as JSON lines, without the counts.")
def show(limit: int, as_json: bool, **options: Any) -> None:
    """Show how many there are for each reason and topic, and the latest of them.

    The record is shown decoded where it can be, else in base64; of a delivery the body that was sent.
    """
    settings, choice = read_settings(), _choice(**options)
    counts: Counter[tuple[str, str]] = Counter()
    with committed_reader(settings) as consumer:
        retried = Retries(settings, consumer, choice.box)
        chosen = letters(consumer, settings, choice)
        latest = _latest(_counted(chosen, counts), limit)
    if as_json:
        for letter in reversed(latest):
            click.echo(json_line(as_line(letter, letter in retried)))
        return
    for line in (*_table(counts), *_hopeless(counts)):
        click.echo(line)
    for letter in reversed(latest):
        click.echo("\n".join(["", *_told(letter, letter in retried)]))


@command.command()
@choosing
@click.option("--yes", is_flag=True, help="Send them; without it, only say what would be sent.")
@click.option("--again", is_flag=True, help="Also those that were sent again before.")
def retry(yes: bool, again: bool, **options: Any) -> None:
    """Send refused records again: key and value byte for byte, to the partition they came from.

    Without --reason those that may pass now: customer_limit, engine_error, from_the_future,
    unknown_schema. What was sent again is noted in the group GROUP-dead-letters, and not sent twice. A record
    is applied when it comes, by its own occurred_at; what had been applied is recognised for 24 hours by its
    event_id. Letters of the reason wrong_partition are left out: the partition they came from refuses them again.
    Those that hold only the beginning of a long record (header truncated) are refused (exit code 1).

    With --deliveries flips go to their destination again, through the process that delivers, unless they were
    overtaken meanwhile, or the customer does not agree any more.
    """
    settings, choice = read_settings(), _choice(**options)
    if choice.box == DEAD_LETTERS and not choice.reasons:
        choice = replace(choice, reasons=MAY_PASS)
    counts: Counter[tuple[str, str]] = Counter()
    left_out: Counter[tuple[str, str]] = Counter()
    cut: list[Letter] = []
    with committed_reader(settings) as consumer:
        retried = Retries(settings, consumer, choice.box)
        found = letters(consumer, settings, choice)
        chosen = _whole(_sendable(found, left_out), cut)
        fresh = _counted((letter for letter in chosen if again or letter not in retried), counts)
        if yes:
            with sender(settings, choice.box) as sending:
                for batch in _batches(fresh):
                    sending.send(batch, retried)
                    click.echo(f"{sum(counts.values()):,} sent", err=True)
        else:
            for _ in fresh:
                pass
    for line in (*_table(counts), *_hopeless(left_out)):
        click.echo(line)
    click.echo(_conclusion(sum(counts.values()), yes))
    if cut:
        raise StreamsError("\n".join(_cut_off(letter) for letter in cut))


def _latest(found: Iterable[Letter], limit: int) -> list[Letter]:
    """The latest `limit` of them, the newest first; all are read, even if `limit` is 0."""
    # `heapq.nlargest` reads nothing where nothing is asked for, and nothing would be counted.
    latest = heapq.nlargest(max(limit, 1), found, key=lambda letter: (letter.timestamp, letter.offset))
    return latest[:limit]


def _choice(
    reasons: tuple[str, ...],
    topics: tuple[str, ...],
    since: int | None,
    deliveries: bool,
    destinations: tuple[str, ...],
) -> Choice:
    """Which letters the options mean."""
    if destinations and not deliveries:
        raise click.UsageError("--destination goes with --deliveries.")
    if topics and deliveries:
        raise click.UsageError("--topic does not go with --deliveries: say --destination.")
    if deliveries:
        return Choice(reasons, destinations, since, DELIVERIES)
    return Choice(reasons, topics, since)


def _conclusion(count: int, sent: bool) -> str:
    if not count:
        return "nothing to send: none of those chosen, or all were sent again before (--again sends them once more)"
    return f"{count:,} sent again" if sent else f"{count:,} would be sent again: --yes sends them"


def _counted(found: Iterable[Letter], counts: Counter[tuple[str, str]]) -> Iterator[Letter]:
    """The same letters, counted as they pass."""
    for letter in found:
        counts[letter.reason, letter.from_where] += 1
        yield letter


def _batches(found: Iterable[Letter]) -> Iterator[list[Letter]]:
    """As many letters in a transaction as memory is sure to hold."""
    batch: list[Letter] = []
    size = 0
    for letter in found:
        batch.append(letter)
        size += len(letter.value or b"")
        if len(batch) == AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _sendable(found: Iterable[Letter], left_out: Counter[tuple[str, str]]) -> Iterator[Letter]:
    """Without what no retry can mend, which is counted, and what somebody else wrote to the topic.

    Nobody knows where the latter belongs.
    """
    for letter in found:
        if letter.reason == NEVER_PASSES:
            left_out[letter.reason, letter.topic] += 1
        elif letter.origin is not None:
            yield letter


def _whole(found: Iterable[Letter], cut: list[Letter]) -> Iterator[Letter]:
    """Without those of which only the beginning is there, which are noted."""
    for letter in found:
        if letter.is_cut:
            cut.append(letter.without_bytes())
        else:
            yield letter


def _cut_off(letter: Letter) -> str:
    origin = f"{letter.topic}-{letter.headers.get('partition')} offset {letter.headers.get('offset')}"
    return visible(
        f"{letter.place.topic}-{letter.place.partition} offset {letter.offset}: is not sent again: the record was too "
        f"long, and the letter holds its beginning only. {origin} has all of it, as long as Kafka keeps it"
    )


def _table(counts: Counter[tuple[str, str]]) -> Iterator[str]:
    total = sum(counts.values())
    yield f"{total:,} dead letter{'' if total == 1 else 's'}"
    for (reason, topic), count in counts.most_common():
        yield visible(f"{count:>9,}  {reason or '(no reason)':<18} {topic}")


def _hopeless(counts: Counter[tuple[str, str]]) -> Iterator[str]:
    """What to do about letters that no retry can mend."""
    if count := sum(number for (reason, _), number in counts.items() if reason == NEVER_PASSES):
        yield f"{NEVER_PASSES}: no retry mends these {count:,}, as each goes to the partition it came from."
        yield "  Let the producer choose partitions by Kafka's murmur2, then send the events again from their source:"
        yield "  Java and kafkajs 2 do by default; librdkafka: partitioner=murmur2_random; sarama: a hash function"
        yield "  of your own. schemas/README.md, section Partitions, has the settings."


def as_line(letter: Letter, retried: bool | None) -> dict[str, Any]:
    """A letter as a JSON object; `record` is what `segments produce` takes, key and value are the bytes.

    `retried` is None where nobody looked.
    """
    return {
        "timestamp": schemas.to_iso(letter.timestamp),
        "headers": letter.headers,
        "partition": letter.place.partition,
        "offset": letter.offset,
        "retried": retried,
        "record": letter.decoded(),
        "key": _base64(letter.key),
        "value": _base64(letter.value),
    }


def _told(letter: Letter, retried: bool) -> Iterator[str]:
    sent = "  (sent again)" if retried else ""
    yield f"{schemas.to_iso(letter.timestamp)}  {letter.place.partition}@{letter.offset}{sent}"
    for name, value in letter.headers.items():
        yield visible(f"  {name:<10} {value}")
    yield f"  {'key':<10} {_key(letter.key)}"
    yield f"  {'value':<10} {_shown(letter)}"


def _shown(letter: Letter) -> str:
    """The value on the screen."""
    decoded = letter.decoded()
    text = _base64(letter.value) if decoded is None else json_line(decoded)
    if text is None:
        return "null"
    if len(text) <= SHOWN:
        return text or '""'
    return f"{text[:SHOWN]} … ({len(text):,} characters, --json has all)"


def _key(data: bytes | None) -> str:
    """As text if it is, else in base64; an empty key is told from none, and from one of spaces, by its quotes."""
    if data is None:
        return "null"
    try:
        text = visible(data.decode())
    except UnicodeDecodeError:
        return str(_base64(data))
    return text if text.strip() else f'"{text}"'


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
