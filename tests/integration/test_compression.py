"""What producers and topics compress with: the commands read all of it, as the worker does."""

import json
import time

import confluent_kafka
import pytest
from kafka.admin import ConfigResource

import schemas
from streams.kafka.topics import changelog
from tests.integration.worker_control import stop, wait_until_behind, wait_until_ready

pytestmark = pytest.mark.timeout(240)

DAY = 86_400_000
RULE = '''"""A rule."""

from segments.language import Segment, page_view

{name} = Segment(en="{name}", nl="{name}", when=page_view.within(days={days}).count() >= {count})
'''
COMPRESSED = {
    "clickstream": "zstd",
    "transactions": "snappy",
    "profiles": "lz4",
    "segment-events": "snappy",
    "segment-memberships": "zstd",
    "dead-letters": "snappy",
}


def sent(kafka, compression, events):
    """Send clicks as librdkafka compresses them, many in one batch."""
    producer = confluent_kafka.Producer({
        "bootstrap.servers": kafka.address, "partitioner": "murmur2_random", "compression.type": compression,
        "linger.ms": 100,
    })  # fmt: skip
    for event in events:
        value = schemas.encode("Click", schemas.from_json("Click", event))
        producer.produce("clickstream", key=event["customer_id"], value=value)
    assert producer.flush(20) == 0


def views(customer, count, at):
    """Page views of a customer."""
    return [
        {"event_id": f"{customer}-{number}", "customer_id": customer, "occurred_at": at, "kind": "page_view"}
        for number in range(count)
    ]


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_consume_reads_what_producers_compress(kafka, fresh_topics, run, compression):
    """A thousand events in few batches come out as they went in, whatever the producer's compression."""
    fresh_topics(1)
    sent(kafka, compression, views("ann", 1_000, int(time.time() * 1000)))
    seen = run("consume", "clickstream", "--from-beginning", "--until-end")
    assert (seen.returncode, seen.stderr) == (0, "")
    assert [json.loads(line)["event_id"] for line in seen.stdout.splitlines()] == [
        f"ann-{number}" for number in range(1_000)
    ]


def test_every_command_reads_topics_that_kafka_compresses(
    kafka, environment, fresh_topics, run, spawn, tmp_path
):
    """With `compression.type` set on all topics: try, consume, dead-letters, deploy and reset do their work."""
    fresh_topics(2)
    group = environment["SEGMENTS_GROUP"]
    compressed = COMPRESSED | {changelog(group).name: "snappy"}
    with kafka.admin() as admin:
        admin.alter_configs([
            ConfigResource("TOPIC", name, configs={"compression.type": value})
            for name, value in compressed.items()
        ])  # fmt: skip
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "two.py").write_text(RULE.format(name="two", days=9, count=2))
    env = {"SEGMENTS_RULES": str(rules), "SEGMENTS_SESSION_TIMEOUT": "6000"}
    now = int(time.time() * 1000)
    early = views("early", 1, now + 3_600_000)
    events = [event for number in range(200) for event in views(f"c{number}", 2, now - DAY)]
    sent(kafka, "none", events + early)

    def called(*arguments):
        done = run(*arguments, env=env)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    assert json.loads(called("try", "two", "--json"))["members"] == 200
    worker = spawn("worker", env=env)
    wait_until_ready(worker)
    wait_until_behind(kafka.address, group, 0)
    stop(worker)
    for topic in ("segment-events", "segment-memberships"):
        assert len(called("consume", topic, "--from-beginning", "--until-end").splitlines()) == 200
    assert "1  from_the_future" in called("dead-letters", "show")
    assert "1 sent again" in called("dead-letters", "retry", "--yes")
    (rules / "one.py").write_text(RULE.format(name="one", days=5, count=1))
    assert json.loads(called("deploy", "--dry-run", "--json"))["would_move"]["enters"] == {"one": 200}
    assert "200 memberships forgotten" in called("reset", "--yes")


def test_produce_writes_what_every_client_reads(kafka, fresh_topics, run):
    """Batches of `segments produce` are gzip: kafkajs reads neither snappy nor lz4 nor zstd without a plug-in."""
    fresh_topics(1)
    lines = "".join(json.dumps(event) + "\n" for event in views("ann", 500, int(time.time() * 1000)))
    assert run("produce", "clickstream", stdin=lines).returncode == 0
    assert codecs(kafka, "clickstream") == {GZIP}


GZIP = 1


def codecs(kafka, topic):
    """The codecs of the batches in a topic's log, by the attributes in their headers."""
    found = set()
    # Not those of the topic as it was before: deleted, they are renamed and stay for a minute.
    for file in (kafka.broker.data_dir / "topics").glob(f"{topic}-0/*.log"):
        log, at = file.read_bytes(), 0
        while at + 61 <= len(log) and (length := int.from_bytes(log[at + 8 : at + 12], "big")):
            found.add(int.from_bytes(log[at + 21 : at + 23], "big") & 7)
            at += 12 + length
    return found
