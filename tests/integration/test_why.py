"""`segments why`, `segments replay` and a change of rules, as their users call them."""

import json
import time

import pytest

from segments.engine import partition_of
from tests.integration.worker_control import scrape, stop, total, wait_until_ready

DAY = 86_400_000
RULE = '''"""Seen: {count}."""

from segments.language import Segment, page_view

seen = Segment(en="Seen", nl="Gezien", when=page_view.within(days=7).count() >= {count})
'''


def lines(*events):
    """Events as JSON lines."""
    return "".join(json.dumps(event) + "\n" for event in events)


def view(customer, number, at):
    """A page view."""
    return {
        "event_id": f"{customer}{number}",
        "customer_id": customer,
        "occurred_at": at,
        "kind": "page_view",
    }


def flips(run):
    """The segment events so far."""
    answer = run("consume", "segment-events", "--from-beginning", "--until-end")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def wait_for_flips(run, count):
    """Wait until there are so many segment events."""
    deadline = time.monotonic() + 60
    while len(found := flips(run)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} flips"
        time.sleep(0.3)
    return found


def wait_for(done):
    """Wait for something to be true."""
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.timeout(240)
def test_workers_are_asked_and_rules_are_changed(fresh_topics, run, spawn, tmp_path):
    """The owner of the customer answers; a worker with other rules runs what is deployed, one with --deploy deploys them."""
    fresh_topics(2)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "seen.py").write_text(RULE.format(count=1))
    env = {"SEGMENTS_RULES": str(rules), "SEGMENTS_SESSION_TIMEOUT": "6000"}
    now = int(time.time() * 1000)
    run(
        "produce",
        "clickstream",
        stdin=lines(view("ann", 1, now - 1000), view("ann", 2, now), view("bob", 1, now)),
    )
    spawn("worker", env=env)
    assert {event["transition"] for event in wait_for_flips(run, 2)} == {"enter"}
    answer = json.loads(run("why", "ann", "seen", "--json", env=env).stdout)
    assert answer["segments"][0]["inside"] is True
    assert answer["segments"][0]["evidence"][0]["value"] == "2"
    told = run("why", "bob", env=env)
    assert "in   seen" in told.stdout
    assert run("why", "stranger", env=env).stdout.count("out  seen") == 1
    assert "no segment nosuch" in run("why", "ann", "nosuch", env=env).stderr
    (rules / "seen.py").write_text(RULE.format(count=2))
    second = spawn("worker", env=env)
    wait_for(lambda: "the files of SEGMENTS_RULES differ" in second.stderr)
    wait_until_ready(second)
    assert len(flips(run)) == 2
    marked = json.loads(run("why", "ann", "seen", "--json", env=env).stdout)
    assert marked["segments"][0]["undeployed_version"] is not None
    spawn("worker", "--deploy", env=env)
    found = wait_for_flips(run, 3)
    assert [
        (each["customer_id"], each["transition"], each["reason"]) for each in found if each["sequence"] == 2
    ] == [("bob", "exit", "rule_changed")]


@pytest.mark.timeout(120)
def test_why_without_workers(fresh_topics, run):
    """Without a worker one line says what to start; without a broker too."""
    fresh_topics(2)
    answer = run("why", "ann")
    assert answer.returncode == 1
    assert "segments worker" in answer.stderr
    away = run("why", "ann", env={"SEGMENTS_BROKERS": "127.0.0.1:1"})
    assert away.returncode == 1
    assert "no Kafka broker answers" in away.stderr
    assert run("why").returncode == 2


def test_replay_as_a_command(run, tmp_path):
    """Events in, segment events out; until, partitions and bad lines as the help says."""
    rules = tmp_path / "seen.py"
    rules.write_text(RULE.format(count=1))
    log = tmp_path / "log.jsonl"
    start = 1_767_225_600_000
    log.write_text(
        lines(
            {"topic": "clickstream"} | view("ann", 1, "2026-01-01T00:00:00.000Z"),
            {"topic": "clickstream"} | view("bob", 1, start + 1) | {"kind": 7},
            {"topic": "clickstream"} | view("bob", 2, start + 2),
            {"topic": "profiles", "customer_id": "bob", "erase": True, "timestamp": start + 5},
            {"topic": "clickstream"} | view("late", 3, "2026-03-01T00:00:00.000Z"),
        )
    )
    answer = run(
        "replay", str(log), "--rules", str(rules), "--until", "2026-01-08T00:00:00.000Z", "--partitions", "3"
    )
    assert answer.returncode == 0, answer.stderr
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    by_customer = {name: [each for each in found if each["customer_id"] == name] for name in ("ann", "bob")}
    assert len(found) == 4
    assert [(each["transition"], each["reason"]) for each in by_customer["bob"]] == [
        ("enter", "event"),
        ("exit", "erasure"),
    ]
    assert [each["occurred_at"] for each in by_customer["ann"]] == [
        "2026-01-01T00:00:00.000Z",
        "2026-01-08T00:00:00.000Z",
    ]
    assert by_customer["ann"][0]["valid_until"] == "2026-01-08T00:00:00.000Z"
    assert "undecodable" in answer.stderr
    assert run("replay", str(tmp_path / "missing.jsonl")).returncode == 2
    log.write_text('{"topic": "clicks"}\n')
    wrong = run("replay", str(log))
    assert wrong.returncode == 1
    assert "log.jsonl:1" in wrong.stderr


def test_why_of_what_consume_printed(run, tmp_path):
    """Lines that tell their partition need to know how many there are, and the customer's own is asked."""
    rules = tmp_path / "seen.py"
    rules.write_text(RULE.format(count=1))
    log = tmp_path / "log.jsonl"
    printed = {"topic": "clickstream", "partition": partition_of(b"ann", 3), "offset": 7}
    log.write_text(lines(printed | view("ann", 1, "2026-01-01T00:00:00.000Z")))
    asked = ("why", "ann", "seen", "--file", str(log), "--rules", str(rules))
    assert "--partitions" in run(*asked).stderr
    assert "in   seen since 2026-01-01" in run(*asked, "--partitions", "3").stdout


@pytest.mark.timeout(240)
def test_records_that_do_nothing_are_said(fresh_topics, run, spawn, tmp_path):
    """Events too old for every rule, an erasure of nobody, a currency in lower case: by `produce`, log, metrics and `why`."""
    fresh_topics(2)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "seen.py").write_text(RULE.format(count=1))
    env = {"SEGMENTS_RULES": str(rules)}
    worker = spawn("worker", env=env)
    wait_until_ready(worker)
    now = int(time.time() * 1000)
    run("produce", "clickstream", stdin=lines(view("bob", 1, now - 1000)), env=env)
    wait_for_flips(run, 1)
    old = lines(view("anna", 1, now - 8 * DAY), view("anna", 2, now - 9 * DAY))
    assert "too old for every rule: 2 records" in run("produce", "clickstream", stdin=old, env=env).stderr
    order = {"event_id": "t", "customer_id": "bob", "occurred_at": now, "kind": "purchase", "order_id": "o"}
    paid = run("produce", "transactions", stdin=lines(order | {"amount": "5.00", "currency": "eur"}), env=env)
    assert "write EUR" in paid.stderr
    run("produce", "profiles", stdin=lines({"erase": True, "customer_id": '"bob"'}), env=env)
    counted = {"too_old": 2, "currency_case": 1, "erased_nobody": 1, "consents_alone": 0}
    wait_for(
        lambda: (
            {kind: total(scrape(worker), f'segments_notices_total{{notice="{kind}"}}') for kind in counted}
            == counted
        )
    )
    assert "too old for every rule: 2 records, since the worker took" in run("why", "anna", env=env).stdout
    assert json.loads(run("why", "anna", "--json", env=env).stdout)["too_old"] == 2
    assert "too old" not in run("why", "bob", env=env).stdout
    for words in (
        "too old for every rule",
        "not in capital letters",
        "erasures of customers of whom nothing",
    ):
        assert words in worker.stderr
    stop(worker)
