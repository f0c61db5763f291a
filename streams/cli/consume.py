"""`segments consume`: the records of a topic as JSON lines, committed ones only."""

import base64
import math
from collections.abc import Iterable
from typing import Any

import click

import schemas
from streams.cli.customer import CustomerId
from streams.cli.visible import json_line
from streams.kafka.read_committed import assign, committed_reader, forever, partitions_of, until
from streams.registry.registry import connect
from streams.settings.settings import read_settings


@click.command()
@click.argument("topic")
@click.option(
    "--from-beginning", is_flag=True, help="Begin with the oldest record; without it, with the next one."
)
@click.option("--until-end", is_flag=True, help="Stop at the end as it is now; without it, wait for more.")
@click.option("--partition", type=int, multiple=True, help="Only this partition (may be given again).")
@click.option("--customer", type=CustomerId(), help="Only the records whose key is this customer.")
def command(
    topic: str, from_beginning: bool, until_end: bool, partition: tuple[int, ...], customer: str | None
) -> None:
    """Print the records of TOPIC as JSON lines.

    Only what was committed. A line has the fields of the topic's Avro record and topic, partition, offset
    and timestamp; the lines of a partition are in order. A null value is a line with customer_id and "erase":
    true, in segment-memberships with "segments": null. Keys and values of dead-letters are base64. A record
    that can't be decoded has an error and its value in base64. No consumer group is used.
    """
    settings = read_settings()
    registry = connect(settings)
    with committed_reader(settings) as consumer:
        ends = assign(consumer, partitions_of(consumer, topic, partition), from_beginning)
        key = None if customer is None else customer.encode()
        batches = until(consumer, ends, settings) if until_end else forever(consumer)
        for batch in batches:
            if registry is not None:
                registry.learn_all(topic, (record.value for record in batch))
            _print(record for record in batch if key is None or record.key == key)


def _print(records: Iterable[Any]) -> None:
    """A line for each, flushed at once: the reader of a pipe must not wait for more."""
    out = click.get_binary_stream("stdout")
    for record in records:
        out.write(json_line(line_of(record)).encode() + b"\n")
    out.flush()


def line_of(record: Any) -> dict[str, Any]:
    """The line for a record as the consumer gives it."""
    return _content(record) | {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": schemas.to_iso(record.timestamp),
    }


def _content(record: Any) -> dict[str, Any]:
    name = schemas.find_record(record.topic)
    if name is None:
        return _raw(record)
    if record.value is None:
        empty = {"segments": None} if name == schemas.SEGMENT_MEMBERSHIPS else {"erase": True}
        return _customer(record.key) | empty
    try:
        event = schemas.decode(name, record.value)
    except schemas.DecodeError as error:
        return {**_customer(record.key), "value": _base64(record.value), "error": f"{error.reason}: {error}"}
    line: dict[str, Any] = schemas.to_json(name, event)
    if (wrong := _not_finite(event)) is not None:
        line["error"] = wrong
    if record.key != event["group" if name == schemas.DEPLOYMENT else "customer_id"].encode():
        # The workers refuse it, and a replay of this line must do so too.
        line |= {"key": _customer(record.key).get("customer_id", _base64(record.key))}
    return line


def _not_finite(event: dict[str, Any]) -> str | None:
    """Why the workers refuse a profile that JSON has no numbers for; a replay of the line refuses it too."""
    for name, value in event.get("attributes", {}).items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"not_finite: attributes.{name} is {value}"
    return None


def _customer(key: bytes | None) -> dict[str, Any]:
    """Whose record it is, by its key; a key that is no customer id is shown as it is."""
    try:
        return {"customer_id": key.decode()} if key is not None else {"key": None}
    except UnicodeDecodeError:
        return {"key": _base64(key)}


def _raw(record: Any) -> dict[str, Any]:
    """Key and value byte for byte, headers as text; of a dead letter the reason and the error beside them."""
    headers = {
        name: None if value is None else value.decode(errors="replace") for name, value in record.headers
    }
    told = {name: headers[name] for name in ("reason", "error") if name in headers}
    return {**told, "key": _base64(record.key), "value": _base64(record.value), "headers": headers}


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
