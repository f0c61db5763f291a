"""What the metrics tell beside the hot path: costs of rules, their inputs, the size of states; and how many they are."""

import random
from typing import Any

import pytest

import schemas
from segments.engine import INPUTS, Effects, Record, RuleSet, load
from segments.language import Segment, page_view
from streams.store.stores import MemoryStore, RocksStore
from streams.telemetry.gauges import PartitionState, RuleGauges
from streams.telemetry.metrics import Metrics
from streams.telemetry.rule_costs import EVERY, RuleCosts
from streams.transport import Run
from streams.worker.ledger import Ledger
from tests.unit.driving import CLICK
from tests.unit.repository import ROOT
from tests.unit.wire_batches import EXAMPLES, accepted, batch, click, known, made, runs

RULES = load([ROOT / "segments"])


def record(topic, offset, kind, timestamp=1_000):
    """A record of a customer; a profile if it has no kind."""
    event = {"event_id": f"e{offset}", "customer_id": "c", "occurred_at": timestamp, "kind": kind}
    return Record(topic, offset, timestamp, b"c", b"", CLICK | event)


def test_rules_are_timed_in_one_advance_of_many():
    """What is evaluated in a sampled advance counts for those that are not."""
    costs = RuleCosts(RULES)
    partition = made()
    ends = dict.fromkeys(INPUTS, 0)
    for number in range(2 * EVERY):
        at = 3_600_000 * number
        pair = b"anna", schemas.encode("Click", click("page_view", at)[1] | {"customer_id": "anna"})
        (run,) = runs(batch([pair], base=number, timestamps=[at]), number)
        partition.offer_fetched("clickstream", run, known(), [])
        partition.confirm(ends | {"clickstream": number + 1}, partition.stamp, None)
        with costs.sampling(partition):
            partition.advance()
    found = {each.segment: each for each in costs.states()}
    assert found["three_visits_without_conversion"].evaluations == 2 * EVERY
    assert 0 < found["three_visits_without_conversion"].seconds < 1
    assert found["returner"].evaluations == 0


def test_the_quietest_input_of_a_rule_is_told():
    """The latest of the events that count together, the earliest of those sets; unknown kinds are not remembered."""
    costs = RuleCosts(RULES)
    costs.received("clickstream", accepted("clickstream", [click("cart_add", 5_000), click("odd", 9_000)]))
    purchase = EXAMPLES["Transaction"] | {"kind": "purchase", "occurred_at": 7_000}
    costs.received("transactions", accepted("transactions", [(7_000, purchase)]))
    found = {each.segment: each.input_at for each in costs.states()}
    assert found["cart_abandoned"] == 5_000
    assert found["high_value"] == 7_000
    assert found["inactive_90_days"] == 9_000
    assert found["returner"] is None or found["returner"] == 7_000
    assert "odd" not in str(costs._seen)


@pytest.mark.parametrize("kind", ["memory", "rocksdb"])
def test_the_size_of_a_state_is_told(kind, tmp_path):
    """Exactly by the store in memory, by RocksDB about; rewritten and deleted states don't count twice in memory."""
    store = MemoryStore() if kind == "memory" else RocksStore(tmp_path, "states")
    store.apply({b"a": b"1234", b"b": b"12345678"}, 1)
    store.apply({b"a": b"12", b"b": None}, 2)
    entries, size = store.size()
    store.close()
    if kind == "memory":
        assert (entries, size) == (1, 3)
        assert store.size() == (0, 0)
    else:
        assert 0 <= entries <= 4
        assert size > 0


def test_a_state_in_two_records_is_one():
    """The record of what is older is a part of its customer's state: its bytes count, it does not."""
    store = MemoryStore()
    store.apply({b"a": b"12", b"a\xff": b"123456"}, 1)
    store.apply({b"a\xff": b"1234"}, 2)
    assert store.size() == (1, 9)
    store.apply({b"a\xff": None}, 3)
    assert store.size() == (1, 3)


def test_what_was_restored_is_held_once_on_disk(tmp_path):
    """A changelog has each state several times; closing waits until RocksDB has merged them."""
    store, chance = RocksStore(tmp_path, "states"), random.Random(1)
    for written in range(3):
        store.apply(
            {b"%d" % number: b"%d" % written + chance.randbytes(999) for number in range(2_000)}, written
        )
        store._db.flush()
    before = sum(file.stat().st_size for file in tmp_path.glob("*.sst"))
    store.restored()
    store.close()
    assert sum(file.stat().st_size for file in tmp_path.glob("*.sst")) < before / 2
    again = RocksStore(tmp_path, "states")
    assert {value[:1] for key, value in again.items()} == {b"2"}
    again.close()


def test_the_oldest_record_not_committed_is_told():
    """After a commit in the middle of a run, the record behind it; nothing when all is committed."""
    ledger = Ledger({"clickstream": 0})
    held = accepted("clickstream", [click("page_view", 1_000 * offset) for offset in range(5)])
    ledger.accept(Run("clickstream", 0, 0, None, 5), held)
    assert ledger.oldest("clickstream") == 0
    ledger.settle({"clickstream": 3})
    assert ledger.oldest("clickstream") == 3_000
    ledger.settle({"clickstream": 5})
    assert ledger.oldest("clickstream") is None


def test_what_is_not_known_is_not_told():
    """A partition that is being restored has no clock, no members and no lag, but what remains."""
    metrics = Metrics()
    metrics.watch(lambda: [PartitionState(3, remaining=7)])
    told = [line for line in metrics.text().decode().splitlines() if 'partition="3"' in line]
    assert told == [
        'segments_partition_ready{partition="3"} 0.0',
        'segments_recovery_remaining_records{partition="3"} 7.0',
    ]


def test_what_a_partition_runs_is_told_and_since_when():
    """The deployment, when it was written, and which one of the four states the partition is in."""
    metrics = Metrics()
    metrics.watch(
        lambda: [PartitionState(3, deployment="d", deployed_at=1_800_000_000_500, deployment_state="filling")]
    )
    lines = metrics.text().decode().splitlines()
    told = [
        line.removeprefix("segments_deployment_") for line in lines if line.startswith("segments_deployment_")
    ]
    assert told == [
        'info{deployment_id="d",partition="3"} 1.0',
        'timestamp_seconds{partition="3"} 1.8000000005e+09',
        'state{partition="3",state="waiting"} 0.0',
        'state{partition="3",state="filling"} 1.0',
        'state{partition="3",state="taking_over"} 0.0',
        'state{partition="3",state="running"} 0.0',
    ]


def many(count):
    """So many rules that differ."""
    return RuleSet(
        [
            Segment(
                en="Many", nl="Veel", when=page_view.within(days=1 + number).count() >= 3, id=f"rule_{number}"
            )
            for number in range(count)
        ]
    )


def test_many_rules_give_a_bounded_scrape():
    """Only five metrics have series for each rule, nine in all: a scrape of a thousand rules is what deploy/metrics.md says."""
    rules = many(200)
    metrics = Metrics("1", rules, 4)
    members = dict.fromkeys(rules.ids, 1)
    state = {"serving": True, "members": members, "clock": 1, "lag": dict.fromkeys(INPUTS, 1)}
    metrics.watch(lambda: [PartitionState(number, **state) for number in range(4)])
    metrics.costs.received("clickstream", accepted("clickstream", [click("page_view", 1_000)]))
    flips = [
        {"segment": each, "transition": way, "reason": "event"}
        for each in rules.ids
        for way in ("enter", "exit")
    ]
    effects: Any = Effects(segment_events=[(b"", each) for each in flips])
    effects.transfers = {}  # a transaction of the engine counts them
    metrics.committed(effects, {}, 0.1)
    lines = [line for line in metrics.text().decode().splitlines() if line[0] != "#"]
    of_rules = [line for line in lines if "rule_" in line and 'segment="' in line]
    assert len(of_rules) == 200 * (2 + 1 + 4 + 2)
    assert len(lines) - len(of_rules) < 500
    assert {line.partition("{")[0] for line in of_rules} == {
        "segments_rule_evaluation_seconds_total",
        "segments_rule_evaluations_total",
        "segments_rule_input_timestamp_seconds",
        "segments_members",
        "segments_flips_total",
    }


def test_the_share_that_is_held_out_is_told():
    """Of rules with a control group, as it was deployed; of others there is no such series."""
    seen = page_view.within(days=7).count() >= 1
    rules = RuleSet([Segment(id="held", when=seen, control=12.5), Segment(id="plain", when=seen)])
    assert {each.segment: each.control for each in RuleCosts(rules).states()} == {
        "held": 0.125,
        "plain": None,
    }
    metrics = Metrics()
    metrics.registry.register(RuleGauges(RuleCosts(rules).states))
    samples = {
        sample.labels["segment"]: sample.value
        for family in metrics.registry.collect()
        if family.name == "segments_control_ratio"
        for sample in family.samples
    }
    assert samples == {"held": 0.125}
