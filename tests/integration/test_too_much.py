"""What Kafka refuses for its size stops no partition: through a real broker, neighbours go on."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer
from kafka.admin import ConfigResource

import schemas
from tests.integration.worker_control import scrape, stop, total, wait_until
from tests.integration.worker_log import wait_until_caught_up
from tests.kit.records import click, read_all

MEGABYTE = 1_048_576
RULES = {
    "same": "product_view.by(product_view.product_id).within(days=7).count() >= 2",
    "seen": "page_view.within(days=7).count() >= 1",
    "marketing": 'consent("marketing")',
    "dutch": 'profile("country") == "NL"',
}


@pytest.fixture
def group(environment) -> str:
    """The group of the workers of a test."""
    return environment["SEGMENTS_GROUP"]


@pytest.fixture
def rules(tmp_path) -> str:
    """A folder of four small rules."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, when in RULES.items():
        lines = [
            f'"""{name}."""',
            "from segments.language import Segment, consent, page_view, product_view, profile",
            f'{name} = Segment(en="{name}", nl="{name}", when={when})',
        ]
        (folder / f"{name}.py").write_text("\n\n".join(lines) + "\n")
    return str(folder)


@pytest.fixture
def worker(spawn, rules) -> Callable[..., object]:
    """Starts a worker with these rules."""
    return lambda **env: spawn("worker", env={"SEGMENTS_RULES": rules, **env})


def send(address: str, records: list[tuple[str, bytes, bytes | None]]) -> None:
    """Send raw records as gzip, as large as they are: topic, key and value."""
    settings = {
        "partitioner": "murmur2_random",
        "compression.type": "gzip",
        "message.max.bytes": 20 * MEGABYTE,
    }
    producer = Producer({"bootstrap.servers": address, **settings})
    for topic, key, value in records:
        producer.produce(topic, value, key)
    assert producer.flush(60) == 0


def profile(customer: str, number: int, at: int, consents: dict[str, bool], **attributes: object) -> bytes:
    """A profile as bytes."""
    event = {"event_id": f"{customer}-{number}", "customer_id": customer, "occurred_at": at}
    return schemas.encode("Profile", event | {"attributes": attributes, "consents": consents})


def letters(address: str) -> Iterator[tuple[dict[str, str], bytes | None, bytes | None]]:
    """The dead letters: headers, key and value."""
    for letter in read_all(address, "dead-letters", 1):
        yield {name: value.decode() for name, value in letter.headers()}, letter.key(), letter.value()


def flips(address: str) -> list[tuple[str, str, str]]:
    """Who entered and left what."""
    events = (schemas.decode("SegmentEvent", each.value()) for each in read_all(address, "segment-events", 1))
    return [(each["customer_id"], each["segment"], each["transition"]) for each in events]


def limit(kafka, topic: str, size: int) -> None:
    """Let a topic take records, and batches, of so many bytes at most."""
    with kafka.admin() as admin:
        admin.alter_configs([ConfigResource("TOPIC", topic, configs={"max.message.bytes": str(size)})])


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


@pytest.mark.timeout(240)
def test_a_long_record_is_a_dead_letter_and_a_longer_one_is_cut(
    kafka, fresh_topics, worker, group, run
) -> None:
    """3 MB that came as gzip are refused byte for byte; of 9 MB the beginning is kept, a digest, and no retry."""
    fresh_topics(1)
    at = now()
    whole = click("long", 1, at, attributes={"text": "x" * 3 * MEGABYTE})
    cut = click("longer", 1, at, attributes={"text": "y" * 9 * MEGABYTE})
    send(
        kafka.address,
        [
            ("clickstream", b"before", click("before", 1, at)),
            ("clickstream", b"long", whole),
            ("clickstream", b"longer", cut),
            ("clickstream", b"k" * 5_000, None),
            ("clickstream", b"after", click("after", 1, at)),
        ],
    )
    started = worker()
    wait_until_caught_up(kafka.address, group)
    assert flips(kafka.address) == [("before", "seen", "enter"), ("after", "seen", "enter")]
    found = {key: (headers, value) for headers, key, value in letters(kafka.address)}
    assert {key[:6]: headers["reason"] for key, (headers, _) in found.items()} == {
        b"long": "too_long",
        b"longer": "too_long",
        b"kkkkkk": "undecodable",
    }
    headers, value = found[b"long"]
    assert value == whole
    assert "truncated" not in headers
    headers, value = found[b"longer"]
    assert value == cut[: 64 * 1024]
    assert headers["truncated"] == "true"
    assert headers["sha256"] == hashlib.sha256(cut).hexdigest()
    told = run("dead-letters", "retry", "--reason", "too_long", "--yes")
    assert told.returncode == 1
    assert "is not sent again: the record was too long" in told.stderr
    assert "1 sent again" in told.stdout
    wait_until("it is refused once more", lambda: len(list(letters(kafka.address))) == 4)
    stop(started)


@pytest.mark.timeout(240)
def test_a_customer_with_long_ids_stops_nobody(kafka, fresh_topics, worker, group) -> None:
    """4,500 views with ids of 2,000 bytes, an id of 430 kB, a category of 1 MB: refused each by itself, the rest goes on."""
    fresh_topics(1)
    at = now() - 3_600_000
    views = [
        ("clickstream", b"c", click("c", n, at + n, kind="product_view", product_id=f"{n:02000d}"))
        for n in range(4_500)
    ]
    odd = [
        ("clickstream", b"d", click("d", 1, at, event_id="\x01" * 430_000)),
        ("clickstream", b"d", click("\x01" * 430_000, 2, at)),
        ("clickstream", b"d", click("d", 3, at, category="s" * (MEGABYTE - 1_000))),
        ("clickstream", b"after", click("after", 1, at + 5_000)),
    ]
    send(kafka.address, views + odd)
    started = worker()
    wait_until_caught_up(kafka.address, group)
    assert flips(kafka.address) == [("after", "seen", "enter")]
    reasons = [headers["reason"] for headers, _, _ in letters(kafka.address)]
    assert {each: reasons.count(each) for each in set(reasons) - {"customer_limit"}} == {
        "invalid_id": 1,
        "key_mismatch": 1,
        "too_long": 1,
    }
    assert 3_800 < reasons.count("customer_limit") < 4_200
    assert all(len(headers["error"]) <= 1_000 for headers, _, _ in letters(kafka.address))
    assert total(scrape(started), 'segments_commits_total{result="refused"}') == 0
    stop(started)


@pytest.mark.timeout(240)
def test_a_transaction_refused_for_its_size_is_bisected(
    kafka, environment, fresh_topics, worker, group, run
) -> None:
    """The record is found among 400, becomes a dead letter `too_large`, is named in the log, and the others go on."""
    fresh_topics(1)
    limit(kafka, f"{environment['SEGMENTS_GROUP']}-customers-changelog", 60_000)
    at = now() - 3_600_000
    records = [("clickstream", b"n%d" % n, click(f"n{n}", 1, at + n)) for n in range(400)]
    # Each time ten products of 4,000 bytes fit into 60,000, eighteen don't.
    records[200:200] = [
        ("clickstream", b"big", click("big", n, at + 200 + n, kind="product_view", product_id=f"{n:04000d}"))
        for n in range(18)
    ]
    send(kafka.address, records)
    started = worker()
    wait_until_caught_up(kafka.address, group)
    assert "changelog: expected max.message.bytes=8388608, came 60000" in started.stderr
    found = list(letters(kafka.address))
    assert {headers["reason"] for headers, _, _ in found} == {"too_large"}
    assert {key for _, key, _ in found} == {b"big"}
    assert 1 <= len(found) <= 6
    values = [value for _, _, value in records]
    for headers, _, value in found:
        assert value == values[int(headers["offset"])]
        assert headers["sha256"] == hashlib.sha256(value).hexdigest()
        assert "truncated" not in headers
    assert sorted(flips(kafka.address)) == sorted((f"n{n}", "seen", "enter") for n in range(400))
    lines = re.findall(r"clickstream-0: offset (\d+).*?takes no ([\d,]+) bytes", started.stderr)
    assert [int(offset) for offset, _ in lines] == [int(headers["offset"]) for headers, _, _ in found]
    assert all(int(size.replace(",", "")) > 60_000 for _, size in lines)
    told = scrape(started)
    assert total(told, 'segments_dead_letters_total{reason="too_large"}') == len(found)
    assert total(told, 'segments_commits_total{result="refused"}') >= len(found)
    assert total(told, "segments_records_consumed_total") == 418
    limit(kafka, f"{environment['SEGMENTS_GROUP']}-customers-changelog", 8 * MEGABYTE)
    assert f"{len(found)} sent again" in run("dead-letters", "retry", "--reason", "too_large", "--yes").stdout
    wait_until_caught_up(kafka.address, group)
    assert len(list(letters(kafka.address))) == len(found)
    stop(started)


@pytest.mark.timeout(240)
def test_a_profile_that_kafka_refuses_takes_a_consent_away_all_the_same(
    kafka, environment, fresh_topics, worker, group
) -> None:
    """Found by bisection, its consents take effect alone; one that takes nothing away is a dead letter `too_large`."""
    fresh_topics(1)
    limit(kafka, f"{environment['SEGMENTS_GROUP']}-customers-changelog", 60_000)
    at = now() - 3_600_000
    large = {f"a{number}": "x" * 4_000 for number in range(20)}
    send(
        kafka.address,
        [
            ("profiles", b"a", profile("a", 1, at, {"marketing": True}, country="NL")),
            ("profiles", b"b", profile("b", 1, at, {"marketing": True}, country="NL")),
            ("profiles", b"a", profile("a", 2, at + 1, {"marketing": False}, country="BE", **large)),
            ("profiles", b"b", profile("b", 2, at + 1, {"marketing": True}, country="BE", **large)),
            ("profiles", b"c", profile("c", 1, at + 2, {}, country="NL")),
        ],
    )
    started = worker()
    wait_until_caught_up(kafka.address, group)
    assert [(headers["reason"], headers["offset"]) for headers, _, _ in letters(kafka.address)] == [
        ("too_large", "3")
    ]
    assert flips(kafka.address)[4:] == [("a", "marketing", "exit"), ("c", "dutch", "enter")]
    assert total(scrape(started), 'segments_notices_total{notice="consents_alone"}') == 1
    stop(started)
