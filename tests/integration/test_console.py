"""`segments console` over a real Kafka: what workers write comes to the page, goes on after a kill, and goes away."""

import json
import signal
import stat
import time
from pathlib import Path

import pytest

import schemas
from tests.kit.console import address, asked

pytestmark = pytest.mark.timeout(120)


def until(where, condition, seconds=15):
    """The segments of the API, once they are as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        body = json.loads(asked(where, "/api/segments")[1])
        found = {line["segment"]: line["members"] for line in body["segments"] if line["members"]}
        if condition(found, body):
            return body
        assert time.monotonic() < deadline, (found, body["state"], body.get("problem"))
        time.sleep(0.05)


def test_what_workers_write_is_on_the_page(spawn, book, environment):
    """Flips, a kill of the console, more flips, an erasure that leaves no byte within ten seconds, a topic anew."""
    console = spawn("console", "--port", "0")
    where = address(console)
    book.flips(
        *((f"customer-{number}", "enter", "big") for number in range(20)), ("ann-the-first", "enter", "new")
    )
    until(where, lambda found, _: found == {"big": 20, "new": 1})
    file = Path(environment["SEGMENTS_DATA_DIR"]) / "console.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"ann-the-first" in file.read_bytes()
    console.kill()
    book.flips(("ann-the-first", "enter", "big"), ("customer-3", "exit", "big"))
    console = spawn("console", "--port", "0")
    where = address(console)
    body = until(where, lambda found, body: found == {"big": 20, "new": 1} and body["state"] == "ready")
    assert body["in_none"] == 1
    assert [(each["first"], each["second"], each["customers"]) for each in body["overlap"]] == [
        ("big", "new", 1)
    ]
    entered = {line["segment"]: (line["entered"], line["left"]) for line in body["segments"]}
    assert (entered["big"], entered["new"]) == ((21, 1), (1, 0))
    book.erase("ann-the-first")
    until(where, lambda found, _: found == {"big": 19}, seconds=10)
    assert b"ann-the-first" not in b"".join(each.read_bytes() for each in file.parent.glob("console.db*"))
    assert asked(where, "/segments", Host="evil.example")[0] == 421
    console.signal(signal.SIGTERM)
    assert console.wait(10) == 0, console.stderr


def test_a_console_for_others_needs_a_token(run):
    """Off the loopback it refuses to start without one, and says what to set."""
    done = run("console", env={"SEGMENTS_HTTP_HOST": "0.0.0.0"})
    assert done.returncode == 1
    assert "SEGMENTS_HTTP_TOKEN" in done.stderr


def test_pages_ask_the_workers(spawn, run, fresh_topics):
    """Why and next come from the worker of the customer's partition, health from all; one that is gone is named."""
    fresh_topics(2)
    now = int(time.time() * 1000)
    lines = [
        {
            "event_id": f"v{day}",
            "customer_id": "ada",
            "kind": "page_view",
            "occurred_at": now - day * 86_400_000,
        }
        for day in (4, 3, 1)
    ]
    assert run("produce", "clickstream", stdin="\n".join(map(json.dumps, lines))).returncode == 0
    worker = spawn("worker")
    where = address(spawn("console", "--port", "0"))
    until(
        where, lambda found, body: "three_visits_without_conversion" in found and body["state"] == "ready", 40
    )
    body = json.loads(asked(where, "/api/customers/ada")[1])
    assert body["state"] == "ready"
    assert [each["kind"] for each in body["events"]] == ["page_view"] * 3
    (told,) = [each for each in body["why"] if each["segment"] == "three_visits_without_conversion"]
    assert (told["inside"], told["entered_at"]) == (True, schemas.to_iso(now - 86_400_000))
    assert [(leaf["value"], leaf["bound"], leaf["holds"]) for leaf in told["evidence"]] == [("3", "3", True)]
    leaves = {each["segment"]: each for each in body["next"]}["three_visits_without_conversion"]
    assert leaves["transition"] == "exit"
    assert leaves["at"] == schemas.to_iso(now - 4 * 86_400_000 + 7 * 86_400_000)
    health = json.loads(asked(where, "/api/health")[1])
    assert (health["state"], [each["partitions"] for each in health["workers"]]) == ("ready", [[0, 1]])
    assert {(each["topic"], each["records"]) for each in health["lag"]} >= {("clickstream", 0)}
    assert sum(each["customers"] for each in health["timers"]) == 1
    export = json.loads(asked(where, "/customers/ada/export")[1])
    assert len(export["topics"]["clickstream"]) == 3
    path = "/api/segments/three_visits_without_conversion?count=1"
    while (census := json.loads(asked(where, path)[1])["census"])["found"] is None:
        assert census["problem"] is None
        time.sleep(0.1)
    (leaf,) = census["found"]["leaves"]
    assert (leaf["reached"], [each["customers"] for each in leaf["groups"]][:5]) == (1, [0, 0, 0, 1, 0])
    assert [each["transition"] for each in census["found"]["ahead"]] == ["exit"]
    page = asked(where, "/segments/three_visits_without_conversion")[1].decode()
    assert 'data-leaf="visit.since(purchase).within(days=7).count()"' in page
    assert 'data-bound="true"' in page
    tried = json.loads(asked(where, "/api/try?segment=three_visits_without_conversion&n0=3")[1])
    (number,) = tried["numbers"]
    assert (number["leaf"], number["now"], tried["result"]) == (
        "visit.since(purchase).within(days=7).count()", "3", None,
    )  # fmt: skip
    for bound, told in (("2", (1, 0, 0)), ("4", (0, 0, 1))):
        path = f"/api/try?segment=three_visits_without_conversion&n0={bound}"
        while (tried := json.loads(asked(where, path)[1]))["state"] == "loading":
            time.sleep(0.1)
        found = tried["result"]
        assert (found["stay"], found["enter"], found["leave"]) == told
        assert (found["members_now"], found["customers"]) == (1, 1)
    page = asked(where, path.removeprefix("/api"))[1].decode()
    assert 'data-testid="leave" data-value="1"' in page
    assert json.loads(asked(where, f"{path}x")[1])["state"] == "error"
    worker.signal(signal.SIGTERM)
    until(where, lambda _, body: body["state"] == "partial" and body["partitions"] == [0, 1], 30)
    assert b'data-state="partial"' in asked(where, "/customers/ada")[1]
