"""Links around a deployment, over a real Kafka: what goes from one partition to another finds other rules there."""

import json
import time

import pytest

from segments.engine import DEPLOYMENTS, IDENTITIES, INPUTS, RuleSet, partition_of
from segments.language import Segment, page_view, purchase
from tests.integration.deploying import deploy
from tests.integration.worker_control import scrape, stop, wait_until, wait_until_ready
from tests.integration.worker_log import wait_until_caught_up

HOUR = 3_600_000
CROWD = 5_000
"""Others' clicks before the deployment, in one partition: it comes to the deployment after the other one."""
SLOW, FAST = 0, 1
ALL_INPUTS = (*sorted((*INPUTS, IDENTITIES)), DEPLOYMENTS)
SETTINGS = {"SEGMENTS_CLOCK": "event", "SEGMENTS_GRACE": "0"}


def _name(prefix, number):
    """An id of a partition."""
    return next(f"{prefix}{n}" for n in range(99) if partition_of(f"{prefix}{n}".encode(), 2) == number)


ANNA, BOB = _name("anna", SLOW), _name("bob", FAST)
PHONE, TABLET, LAPTOP = _name("phone", FAST), _name("tablet", FAST), _name("laptop", SLOW)


def _view(customer, at):
    return {"event_id": f"{customer}@{at}", "customer_id": customer, "occurred_at": at, "kind": "page_view"}


def _login(customer, into, at):
    return {
        "event_id": f"login {customer}", "customer_id": customer, "into": into, "occurred_at": at, "action": "link",
    }  # fmt: skip


def _lines(records):
    return "".join(json.dumps(each) + "\n" for each in sorted(records, key=lambda each: each["occurred_at"]))


def _seen(count):
    seen = Segment(id="seen", when=page_view.within(days=7).count() >= count)
    return RuleSet([seen, Segment(id=f"bought_{count}", when=purchase.within(days=7).count() >= 1)])


def _read(run, topic):
    answer = run("consume", topic, "--from-beginning", "--until-end")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def _inside(flips):
    """Who is in what at the end."""
    found = {}
    for flip in flips:
        key = flip["customer_id"], flip["segment"]
        found[key] = flip["transition"] == "enter"
    return {key for key, inside in found.items() if inside}


@pytest.mark.timeout(240)
def test_links_before_and_after_a_deployment(kafka, environment, fresh_topics, run, spawn, tmp_path):
    """A transfer of the rules before comes to a partition with the next ones, and one of the next ones waits for them."""
    fresh_topics(2)
    begin = int(time.time() * 1000) - 48 * HOUR
    changed = begin + 10 * HOUR
    crowd = [
        _view(f"crowd{n}", begin + n)
        for n in range(2 * CROWD)
        if partition_of(f"crowd{n}".encode(), 2) == SLOW
    ]
    own = [_view(name, begin + n * HOUR) for n, name in enumerate((ANNA, BOB, PHONE, LAPTOP), 1)]
    after = [_view(name, changed + n * HOUR) for n, name in enumerate((PHONE, TABLET, LAPTOP), 1)]
    logins = [
        _login(PHONE, ANNA, changed - HOUR),
        _login(LAPTOP, BOB, changed - HOUR),
        _login(TABLET, ANNA, changed + 5 * HOUR),
    ]
    run("produce", "clickstream", stdin=_lines([*crowd, *own, *after]))
    run("produce", "identities", stdin=_lines(logins))
    deploy(environment, "one", None, _seen(4), at=begin)
    deploy(environment, "two", "one", _seen(3), at=changed)
    worker = spawn("worker", "--no-deploy", env=SETTINGS)
    wait_until_ready(worker)
    wait_until("both entered", lambda: len(_inside(_read(run, "segment-events"))) == 2)
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
    metrics = scrape(worker)
    stop(worker)
    found = _inside(_read(run, "segment-events"))
    assert found == {(ANNA, "seen"), (BOB, "seen")}
    assert metrics['segments_transfers_total{kind="state"}'] == 3
    assert metrics['segments_transfers_total{kind="record"}'] == 2
    (tmp_path / "log.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for topic in ALL_INPUTS for line in _read(run, topic))
    )
    replayed = run("replay", str(tmp_path / "log.jsonl"), "--partitions", "2", env=SETTINGS)
    assert replayed.returncode == 0, replayed.stderr
    assert _inside(map(json.loads, replayed.stdout.splitlines())) == found
