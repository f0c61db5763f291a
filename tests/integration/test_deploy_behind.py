"""Deployments come to a group that is an hour behind while its partitions move: each customer flips as in a replay."""

import signal
import time
from collections import defaultdict

import pytest

from segments.engine import DEPLOYMENTS, INPUTS, EngineSettings, RuleSet
from segments.insight.replay import Replay
from segments.language import Segment, any_event, minutes, page_view, purchase
from streams.worker.decode import decode
from streams.worker.deployments import decode as deployment_of
from tests.integration.deploying import deploy
from tests.integration.worker_control import scrape, total, wait_until
from tests.integration.worker_log import (
    EVENT_CLOCK,
    Shop,
    actual,
    assert_same,
    behind,
    produce,
    read,
    wait_until_caught_up,
)

HOUR = 3_600_000
PARTITIONS = 4
RECORDS = 20_000
"""Of an hour: one every 180 ms."""
SLOW = EVENT_CLOCK | {"SEGMENTS_MAX_BATCH": "25", "SEGMENTS_SESSION_TIMEOUT": "30000"}
"""Small transactions, so that much is left when the deployment comes; a worker that is paused stays a member."""


def _rules(count):
    return RuleSet([
        Segment(id="spender", when=purchase.within(minutes=30).sum(purchase.amount) >= 200 * count),
        Segment(id="away", when=any_event.within(days=1).idle >= minutes(count)),
        Segment(id=f"looked_{count}", when=page_view.within(days=1).count() >= 5 * count),
    ])  # fmt: skip


def _replayed(address, group):
    """What a replay of the log gives, by customer."""
    found, parts = defaultdict(list), defaultdict(lambda: defaultdict(list))
    for topic in (*INPUTS, DEPLOYMENTS):
        for each in read(address, topic):
            parts[each.partition][topic].append(each)
    for number, topics in parts.items():
        records = [(each.offset, each.timestamp, each.key, each.value) for each in topics.pop(DEPLOYMENTS)]
        deployments = [deployment_of(group, record) for record in records]
        log = {topic: decode(topic, reads) for topic, reads in topics.items()}
        for effects in Replay(number, PARTITIONS, log, None, EngineSettings(), deployments).run():
            for key, flip in effects.segment_events:
                found[key.decode()].append(flip)
    return dict(found)


def _rebalances(kafka, group):
    with kafka.admin() as admin:
        found = admin.describe_groups([group])[group]
    return found.get("state", found.get("group_state")) == "PreparingRebalance"


def _run_it(id, *workers):
    """Whether all partitions run a deployment, and have taken everybody over."""
    told = [scrape(worker) for worker in workers]
    return all(
        any(
            each.get(f'segments_deployment_info{{deployment_id="{id}",partition="{number}"}}') == 1
            and each.get(f'segments_deployment_state{{partition="{number}",state="running"}}') == 1
            for each in told
        )
        for number in range(PARTITIONS)
    )


@pytest.mark.timeout(180)
def test_a_deployment_amid_a_backlog_and_a_rebalance(kafka, environment, fresh_topics, spawn):
    """One lies amid the hour that waits, one comes while a second worker joins: no flip is lost, doubled or misplaced."""
    fresh_topics(PARTITIONS)
    group, begin = environment["SEGMENTS_GROUP"], int(time.time() * 1000) - HOUR
    deploy(environment, "one", None, _rules(1), begin - 1, PARTITIONS)
    first = spawn("worker", "--no-deploy", env=SLOW)
    wait_until("all run the first one", lambda: _run_it("one", first))
    first.signal(signal.SIGSTOP)
    produce(kafka.address, Shop(customers=200).events(RECORDS, begin, HOUR // RECORDS))
    deploy(environment, "two", "one", _rules(2), begin + HOUR // 2, PARTITIONS)
    first.signal(signal.SIGCONT)
    wait_until("it is amid the hour", lambda: total(scrape(first), "segments_records_consumed_total") > 0)
    first.signal(signal.SIGSTOP)
    assert behind(kafka.address, group) > RECORDS // 10
    second = spawn("worker", "--no-deploy", env=EVENT_CLOCK)
    wait_until("the second one joins", lambda: _rebalances(kafka, group))
    deploy(environment, "three", "two", _rules(3), partitions=PARTITIONS)
    first.signal(signal.SIGCONT)
    wait_until_caught_up(kafka.address, group)
    wait_until("all run the last one", lambda: _run_it("three", first, second))
    assert all(scrape(each)["segments_partitions_owned"] == 2 for each in (first, second))
    flips = actual(kafka.address)
    reasons = {flip["reason"] for own in flips.values() for flip in own}
    assert reasons == {"event", "timer", "rule_added", "rule_changed", "rule_removed"}
    assert_same(_replayed(kafka.address, group), flips)
