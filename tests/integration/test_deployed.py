"""A worker without rule files: what it runs is in the log, and a kill amid a take-over changes nothing."""

import json
import time

import pytest

from segments.engine import DEPLOYMENTS, RuleSet
from segments.language import Segment, page_view
from tests.integration.deploying import deploy
from tests.integration.worker_control import address_of, scrape, wait_until, wait_until_ready

CUSTOMERS = 3_000
"""Each flips at the take-over, in more than one transaction."""


def _clicks(now):
    views = (
        {"event_id": f"e{each}", "customer_id": f"c{each}", "occurred_at": now, "kind": "page_view"}
        for each in range(CUSTOMERS)
    )
    return "".join(json.dumps(view) + "\n" for view in views)


def _flips(run):
    answer = run("consume", "segment-events", "--from-beginning", "--until-end")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def _seen(count):
    return RuleSet([Segment(id="seen", when=page_view.within(days=7).count() >= count)])


@pytest.mark.timeout(240)
def test_a_kill_amid_a_take_over_changes_nothing(environment, fresh_topics, run, spawn):
    """Unready until something is deployed; each customer flips once by the second one despite the kill; a newer format ends it."""
    fresh_topics(2)
    now = int(time.time() * 1000)
    run("produce", "clickstream", stdin=_clicks(now))
    worker = spawn("worker", "--no-deploy", env={"SEGMENTS_MAX_BATCH": "100"})
    state = 'segments_deployment_state{partition="0",state="waiting"}'
    address_of(worker)
    wait_until("waiting for a deployment", lambda: scrape(worker).get(state) == 1)
    deploy(environment, "one", None, _seen(1))
    wait_until("all enter", lambda: len(_flips(run)) == CUSTOMERS)
    deploy(environment, "two", "one", _seen(2))
    wait_until("some leave", lambda: len(_flips(run)) > CUSTOMERS)
    worker.kill()
    worker.wait()
    again = spawn("worker", "--no-deploy")
    wait_until_ready(again)
    wait_until("all leave", lambda: len(_flips(run)) >= 2 * CUSTOMERS)
    found = _flips(run)
    exits = [flip for flip in found if flip["transition"] == "exit"]
    assert len({flip["customer_id"] for flip in exits}) == len(exits) == CUSTOMERS
    assert {(flip["reason"], flip["cause"]["topic"], flip["cause"]["event_id"]) for flip in exits} == {
        ("rule_changed", DEPLOYMENTS, "two")
    }
    assert scrape(again)['segments_deployment_info{deployment_id="two",partition="0"}'] == 1
    answer = json.loads(run("why", "c1", "seen", "--json").stdout)
    assert answer["segments"][0]["would_change"] == ["page_view.within(days=7).count() >= 2"]
    deploy(environment, "newer", "two", b'{"format": 99}')
    assert again.wait() == 1
    assert "deployment newer can't be read: its plan" in again.stderr
    assert "Update the workers of this group" in again.stderr
