"""A topic that is deleted and made again under a running group: it is said, and its partitions stand still."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter

import pytest

import schemas
from streams.kafka.topics import TOPICS, make
from tests.integration.worker_control import address_of, scrape, stop, total, wait_until, wait_until_ready
from tests.integration.worker_log import send, wait_until_caught_up
from tests.kit.records import click, read_all

SEEN = '''"""Seen."""

from segments.language import Segment, page_view

seen = Segment(en="Seen", nl="Gezien", when=page_view.within(days=7).count() >= 1)
'''


@pytest.fixture
def settings(tmp_path) -> dict[str, str]:
    """The settings of a worker with one rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "seen.py").write_text(SEEN)
    return {"SEGMENTS_RULES": str(folder)}


def make_again(kafka, partitions: int) -> None:
    """Delete the clickstream, and make it again."""
    kafka.delete("clickstream")
    wanted = [topic for topic in TOPICS if topic.name == "clickstream"]
    with kafka.admin() as admin:
        make(admin, wanted, partitions, replication=1)


def produce(address: str, customers: range) -> None:
    """One page view of each customer."""
    at = int(time.time() * 1000)
    send(address, [("clickstream", click(f"c{n}", 1, at), f"c{n}".encode()) for n in customers])


def seen(address: str) -> Counter[str]:
    """How often each customer was seen to enter."""
    events = (schemas.decode("SegmentEvent", each.value()) for each in read_all(address, "segment-events", 2))
    return Counter(each["customer_id"] for each in events)


def page(worker, name: str) -> tuple[int, dict]:
    """Ask a page of a worker."""
    try:
        with urllib.request.urlopen(f"{address_of(worker)}/{name}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("records", [200, 10], ids=["more", "fewer"])
def test_a_topic_made_again_stops_its_partitions(
    kafka, environment, fresh_topics, spawn, run, settings, records
) -> None:
    """With more records than the position and with fewer; adopted, it is read from its beginning, nobody is forgotten."""
    fresh_topics(2)
    group = environment["SEGMENTS_GROUP"]
    produce(kafka.address, range(60))
    worker = spawn("worker", env=settings)
    wait_until_ready(worker)
    wait_until_caught_up(kafka.address, group)
    make_again(kafka, 2)
    produce(kafka.address, range(1_000, 1_000 + records))
    wait_until("it is said", lambda: worker.stderr.count("another topic than the one that was read") == 2, 60)
    assert page(worker, "healthz") == (200, {"alive": True, "stuck": []})
    status, body = page(worker, "readyz")
    assert (status, body["replaced"], body["restoring"]) == (503, ["clickstream"], [0, 1])
    assert total(scrape(worker), "segments_input_replaced") == 2
    assert set(seen(kafka.address)) == {f"c{n}" for n in range(60)}
    refused = run("topics", "adopt", "clickstream")
    assert (refused.returncode, "stop" in refused.stderr.lower()) == (1, True)
    stop(worker)
    done = run("topics", "adopt", "clickstream")
    assert (done.returncode, done.stderr) == (0, "")
    second = spawn("worker", env=settings)
    wait_until_ready(second)
    wait_until("all is read", lambda: len(seen(kafka.address)) == 60 + records, 60)
    assert set(seen(kafka.address).values()) == {1}
    assert total(scrape(second), "segments_lost_ranges_total") == 0
    stop(second)


@pytest.mark.timeout(240)
def test_a_topic_made_again_while_no_worker_runs_is_noticed_at_the_start(
    kafka, environment, fresh_topics, spawn, settings
) -> None:
    """The id is beside the position that was committed; a new group reads the topic as any other."""
    fresh_topics(2)
    produce(kafka.address, range(20))
    worker = spawn("worker", env=settings)
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
    stop(worker)
    make_again(kafka, 2)
    produce(kafka.address, range(1_000, 1_100))
    second = spawn("worker", env=settings)
    wait_until("it is said", lambda: second.stderr.count("another topic than the one that was read") == 2, 60)
    assert len(seen(kafka.address)) == 20
    stop(second)
