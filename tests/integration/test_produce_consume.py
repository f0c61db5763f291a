"""`segments produce` and `segments consume` against a real Kafka."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaProducer

import schemas
from schemas import tables
from segments.language.catalogue import TOPICS

EXAMPLES = tables.examples()
INPUTS = {topic.name: topic.record for topic in TOPICS}
ALL = ("--from-beginning", "--until-end")

pytestmark = pytest.mark.timeout(120)


def click(number: int, customer: str = "anna") -> dict[str, Any]:
    """A click that differs from the others."""
    return {**EXAMPLES["Click"], "event_id": f"e-{number}", "customer_id": customer}


def jsonl(*objects: Any) -> str:
    """Objects as JSON lines."""
    return "".join(json.dumps(each) + "\n" for each in objects)


def lines_of(output: str) -> list[dict[str, Any]]:
    """The objects on the lines that a command printed."""
    return [json.loads(line) for line in output.splitlines()]


def within(seconds: float, condition: Callable[[], Any]) -> Any:
    """What the condition gives once it is true; it must be within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.05)
    return result


def test_what_is_produced_is_consumed(run: Any, fresh_topics: Any) -> None:
    """A line comes out as it went in, with topic, partition, offset and timestamp, and can be sent again."""
    fresh_topics()
    for topic, name in INPUTS.items():
        sent = run("produce", topic, stdin=jsonl(EXAMPLES[name]))
        assert (sent.returncode, sent.stderr) == (0, f"1 record sent to {topic}\n")
        seen = run("consume", topic, *ALL)
        assert (seen.returncode, seen.stderr) == (0, "")
        [line] = lines_of(seen.stdout)
        assert line == {**line, **EXAMPLES[name], "topic": topic, "offset": 0}
        assert set(line) - set(EXAMPLES[name]) == {"topic", "partition", "offset", "timestamp"}
        assert abs(schemas.from_iso(line["timestamp"]) / 1000 - time.time()) < 60
    assert run("produce", topic, stdin=seen.stdout).returncode == 0
    assert len(lines_of(run("consume", topic, *ALL).stdout)) == 2


def test_events_of_other_producers_meet(run: Any, fresh_topics: Any, kafka: Any) -> None:
    """A customer's events are in the partition where librdkafka's murmur2 puts them, in order."""
    fresh_topics(partitions=7)
    customers = [f"customer-{number}" for number in range(60)] + ["märz", "x"]
    assert run("produce", "clickstream", stdin=jsonl(*(click(1, each) for each in customers))).returncode == 0
    other = confluent_kafka.Producer({"bootstrap.servers": kafka.address, "partitioner": "murmur2_random"})
    for customer in customers:
        value = schemas.encode("Click", schemas.from_json("Click", click(2, customer)))
        other.produce("clickstream", key=customer, value=value)
    assert other.flush(20) == 0
    found = lines_of(run("consume", "clickstream", *ALL).stdout)
    where: dict[str, list[tuple[int, str]]] = {}
    for line in found:
        where.setdefault(line["customer_id"], []).append((line["partition"], line["event_id"]))
    assert len(where) == len(customers)
    for places in where.values():
        assert [event for _, event in places] == ["e-1", "e-2"]
        assert len({partition for partition, _ in places}) == 1


def test_many_records(run: Any, fresh_topics: Any, tmp_path: Path) -> None:
    """Eight thousand lines of a file arrive once each, in order within a partition; both filters work."""
    fresh_topics(partitions=3)
    file = tmp_path / "clicks.jsonl"
    file.write_text(jsonl(*(click(number, f"c-{number % 500}") for number in range(8_000))))
    sent = run("produce", "clickstream", str(file))
    assert (sent.returncode, sent.stderr) == (0, "8,000 records sent to clickstream\n")
    found = lines_of(run("consume", "clickstream", *ALL).stdout)
    assert len({line["event_id"] for line in found}) == len(found) == 8_000
    for partition in range(3):
        there = [line for line in found if line["partition"] == partition]
        assert [line["offset"] for line in there] == list(range(len(there)))
        numbers = [int(line["event_id"][2:]) for line in there]
        assert numbers == sorted(numbers)
    one = lines_of(run("consume", "clickstream", *ALL, "--partition", "1", "--customer", "c-7").stdout)
    assert one == [line for line in found if line["partition"] == 1 and line["customer_id"] == "c-7"]


def test_an_erasure(run: Any, fresh_topics: Any) -> None:
    """A line with "erase": true becomes a null value, and is shown as the same line."""
    fresh_topics()
    assert run("produce", "profiles", stdin='{"erase": true, "customer_id": "anna"}').returncode == 0
    [line] = lines_of(run("consume", "profiles", *ALL).stdout)
    assert (line["customer_id"], line["erase"]) == ("anna", True)


def test_a_wrong_line_stops(run: Any, fresh_topics: Any, tmp_path: Path) -> None:
    """What comes before a wrong line is sent, nothing after it; the message names file, line and field."""
    fresh_topics()
    file = tmp_path / "clicks.jsonl"
    file.write_text(jsonl(click(1), click(2), {**click(3), "pge": "/"}, click(4)))
    sent = run("produce", "clickstream", str(file))
    assert sent.returncode == 1
    assert f"{file}:3: pge: Click has no such field; did you mean page?" in sent.stderr
    assert "2 records before it sent, nothing after it" in sent.stderr
    assert [each["event_id"] for each in lines_of(run("consume", "clickstream", *ALL).stdout)] == [
        "e-1",
        "e-2",
    ]


def test_wrong_lines_can_be_skipped(run: Any, fresh_topics: Any) -> None:
    """With --skip-bad every wrong line is named and counted, and the others are sent."""
    fresh_topics()
    stdin = jsonl(click(1), {**click(2), "occurred_at": "yesterday"}) + "nope\n" + jsonl(click(3))
    sent = run("produce", "clickstream", "--skip-bad", stdin=stdin)
    assert sent.returncode == 0
    assert "<stdin>:2: occurred_at: expected an instant" in sent.stderr
    assert "<stdin>:3: not JSON" in sent.stderr
    assert sent.stderr.endswith("2 records sent to clickstream, 2 wrong lines skipped\n")
    assert [each["event_id"] for each in lines_of(run("consume", "clickstream", *ALL).stdout)] == [
        "e-1",
        "e-3",
    ]


def test_a_record_too_large_for_kafka(run: Any, fresh_topics: Any) -> None:
    """A record beyond what Kafka takes is a wrong line like any other."""
    fresh_topics()
    sent = run("produce", "clickstream", stdin=jsonl({**click(1), "page": "x" * 2_000_000}))
    assert sent.returncode == 1
    assert "<stdin>:1: the record is too large" in sent.stderr


def _transactional(kafka: Any, name: str) -> KafkaProducer:
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=name)
    producer.init_transactions()
    return producer


def _send(producer: KafkaProducer, *numbers: int) -> None:
    producer.begin_transaction()
    for number in numbers:
        value = schemas.encode("Click", schemas.from_json("Click", click(number)))
        producer.send("clickstream", key=b"anna", value=value)
    producer.flush()


def test_only_committed_records_are_seen(run: Any, fresh_topics: Any, kafka: Any) -> None:
    """Aborted records and those of an open transaction are not shown; their markers don't hide the end."""
    fresh_topics(partitions=2)
    producer = _transactional(kafka, "markers")
    _send(producer, 1, 2)
    producer.commit_transaction()
    _send(producer, 3)
    producer.abort_transaction()
    seen = run("consume", "clickstream", *ALL, timeout=30)
    assert [line["event_id"] for line in lines_of(seen.stdout)] == ["e-1", "e-2"]
    _send(producer, 4)
    seen = run("consume", "clickstream", *ALL, timeout=30)
    assert [line["event_id"] for line in lines_of(seen.stdout)] == ["e-1", "e-2"]
    producer.commit_transaction()
    seen = run("consume", "clickstream", *ALL, timeout=30)
    assert [line["event_id"] for line in lines_of(seen.stdout)] == ["e-1", "e-2", "e-4"]
    producer.close()


def test_without_options_only_what_is_new(run: Any, spawn: Any, fresh_topics: Any) -> None:
    """Consume begins at the end, prints a line as soon as it is there, and goes on."""
    fresh_topics()
    run("produce", "clickstream", stdin=jsonl(click(1)))
    assert run("consume", "clickstream", "--until-end").stdout == ""
    consuming = spawn("consume", "clickstream")
    numbers = iter(range(2, 1_000))

    def seen() -> str:
        run("produce", "clickstream", stdin=jsonl(click(next(numbers))))
        return str(consuming.stdout)

    first = lines_of(within(30, seen))[0]
    assert int(first["event_id"][2:]) >= 2
    run("produce", "clickstream", stdin=jsonl(click(1_000)))
    within(5, lambda: "e-1000" in consuming.stdout)
    assert consuming.process.poll() is None


def test_records_that_are_none(run: Any, fresh_topics: Any, kafka: Any) -> None:
    """Bytes that can't be decoded are shown in base64 with an error, between their neighbours."""
    fresh_topics(partitions=1)
    good = schemas.encode("Click", schemas.from_json("Click", click(1)))
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    for value in (good, b"\x00\x00\x00\x00\x63nope", good):
        producer.send("clickstream", key=b"anna", value=value)
    headers = [("reason", b"unknown_schema"), ("topic", b"clickstream"), ("partition", b"0")]
    producer.send("dead-letters", key=b"anna", value=b"\x00nope", headers=headers)
    producer.close()
    lines = lines_of(run("consume", "clickstream", *ALL).stdout)
    assert [line.get("event_id") for line in lines] == ["e-1", None, "e-1"]
    assert lines[1]["error"].startswith("unknown_schema: schema id 99")
    assert base64.b64decode(lines[1]["value"]) == b"\x00\x00\x00\x00\x63nope"
    [letter] = lines_of(run("consume", "dead-letters", *ALL).stdout)
    assert (letter["reason"], letter["headers"]["topic"]) == ("unknown_schema", "clickstream")
    assert base64.b64decode(letter["value"]) == b"\x00nope"


@pytest.mark.parametrize("arguments", [("produce", "clickstream"), ("consume", "clickstream")])
def test_broker_away(arguments: tuple[str, ...], run: Any) -> None:
    """Without a broker there is one line within ten seconds that says what to do."""
    started = time.monotonic()
    done = run(*arguments, env={"SEGMENTS_BROKERS": "127.0.0.1:1"}, stdin=jsonl(click(1)))
    assert time.monotonic() - started < 20
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "segments broker start" in done.stderr


@pytest.mark.parametrize("arguments", [("produce", "clickstream"), ("consume", "clickstream")])
def test_topic_missing(arguments: tuple[str, ...], run: Any, kafka: Any) -> None:
    """A topic that is not there is not made by accident: one line says how to make it."""
    kafka.clear()
    done = run(*arguments, stdin=jsonl(click(1)))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "segments topics create" in done.stderr
    assert "clickstream" not in kafka.topics()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("produce", "clicks"), "identities, or profiles-NAME."),
        (("produce", "clickstream", "no-such-file"), "No such file"),
        (("consume",), "Missing argument"),
    ],
)
def test_wrong_calls(arguments: tuple[str, ...], words: str, run: Any) -> None:
    """A wrong call ends at once, with what was expected."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_what_is_not_there(run: Any, fresh_topics: Any) -> None:
    """A topic or partition that does not exist is an error that names those that do."""
    fresh_topics(partitions=2)
    for arguments, words in (
        (("clicks",), "there is no topic clicks: ours are clickstream"),
        (("clickstream", "--partition", "9"), "has no partition 9: it has 0 to 1"),
    ):
        done = run("consume", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
