"""`members`, `erase` and `export` over a real broker and a real worker."""

import csv
import io
import json
import time

import pytest

import schemas
from tests.integration.worker_control import stop, wait_until
from tests.integration.worker_log import produce, read, send, wait_until_caught_up
from tests.kit.records import SEEN, click, view

DAY = 86_400_000


@pytest.mark.timeout(180)
def test_a_segment_is_listed_and_a_customer_is_exported_and_erased(
    kafka, environment, fresh_topics, spawn, run, tmp_path
):
    """Two members by CSV, JSON and table; all of one of them by `export`; after `erase` nobody lists them any more."""
    fresh_topics(2)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "seen.py").write_text(SEEN)
    env = {"SEGMENTS_RULES": str(rules)}
    now = int(time.time() * 1000)
    produce(kafka.address, [view("ann", now - 3 * DAY), view("=bob,\n", now - DAY)])
    send(kafka.address, [("clickstream", click("ann", 7, now)[:-2], b"ann")])
    worker = spawn("worker", env=env)
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])

    listed = run("members", "seen", "--csv", env=env)
    assert listed.returncode == 0, listed.stderr
    rows = list(csv.DictReader(io.StringIO(listed.stdout)))
    assert list(rows[0]) == ["customer_id", "value", "entered_at", "valid_until", "details"]
    assert [each["customer_id"] for each in rows] == ["=bob,\n", "ann"]
    assert rows[1]["entered_at"] == schemas.to_iso(now - 3 * DAY)
    assert rows[1]["valid_until"] == schemas.to_iso(now + 6 * DAY)
    lines = [json.loads(line) for line in run("members", "seen", "--json", env=env).stdout.splitlines()]
    assert lines[1] == {
        "customer_id": "ann", "value": None, "entered_at": rows[1]["entered_at"],
        "valid_until": rows[1]["valid_until"], "details": {},
    }  # fmt: skip
    assert "ann" in run("members", "seen", env=env).stdout
    assert run("members", "seen", "--value", "shoes", "--csv", env=env).stdout.count("\n") == 1

    then = run("members", "seen", "--json", "--at", str(now - 2 * DAY), env=env)
    assert [json.loads(line)["customer_id"] for line in then.stdout.splitlines()] == ["ann"]
    assert "the segment events are there from the first one on" in then.stderr
    wrong = run("members", "sean", env=env)
    assert (wrong.returncode, "did you mean seen?" in wrong.stderr) == (1, True)
    assert run("members", "high_value", "--csv").stdout.count("\n") == 1

    known = json.loads(run("export", "ann", env=env).stdout)
    assert [len(known["topics"][each]) for each in ("clickstream", "transactions", "profiles")] == [2, 0, 0]
    assert [each["transition"] for each in known["topics"]["segment-events"]] == ["enter"]
    assert known["topics"]["segment-memberships"][-1]["segments"][0]["segment"] == "seen"
    assert [each["headers"]["reason"] for each in known["topics"]["dead-letters"]] == ["undecodable"]
    assert known["now"]["segments"][0]["inside"]
    assert "bob" not in json.dumps(known)

    assert run("erase", "").returncode == 2
    erased = run("erase", "ann", env=env)
    assert erased.returncode == 0, erased.stderr
    wait_until("ann left", lambda: len(read(kafka.address, "segment-events")) == 3)
    assert "ann" not in run("members", "seen", "--json", env=env).stdout
    past = run("members", "seen", "--json", "--at", str(now - 2 * DAY), env=env)
    assert past.stdout == ""
    assert "1 customer was erased since" in past.stderr
    stop(worker)
    after = run("export", "ann", "--json", env=env)
    assert "no worker tells" in after.stderr
    (line,) = after.stdout.splitlines()
    assert json.loads(line)["topics"]["segment-events"][-1]["reason"] == "erasure"


def test_members_of_a_file_need_no_kafka(run, tmp_path):
    """The engine of the workers, up to an instant: the list of a mailing tool from a CSV of orders alone."""
    (tmp_path / "seen.py").write_text(SEEN)
    lines = [
        {
            "topic": "clickstream",
            "event_id": name,
            "customer_id": name,
            "kind": "page_view",
            "occurred_at": at,
        }
        for name, at in (("ann", 0), ("bob", DAY))
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines)))
    env = {"SEGMENTS_RULES": str(tmp_path), "SEGMENTS_BROKERS": "127.0.0.1:1"}
    told = {
        at: run("members", "seen", "--csv", "--file", str(tmp_path / "events.jsonl"), *at, env=env).stdout
        for at in ((), ("--at", "1970-01-01T12:00:00Z"), ("--at", "1970-01-10T12:00:00Z"))
    }
    names = {at: [line.split(",")[0] for line in text.splitlines()[1:]] for at, text in told.items()}
    assert list(names.values()) == [["ann", "bob"], ["ann"], ["bob"]]
