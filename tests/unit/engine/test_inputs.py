"""What a partition promises about its inputs: their order, their ends, what is refused as it comes."""

import pytest

from segments.engine import INPUTS, EngineSettings, Partition, Record, Refusal, RuleSet
from tests.kit.rules import CART, THREE
from tests.unit.driving import CLICK, HOUR, START, TRANSACTION

ENDS = dict.fromkeys(INPUTS, 0)


def _record(topic, offset, at, customer=b"c", timestamp=None, **fields):
    event = {"event_id": f"{topic}{offset}", "customer_id": customer.decode(), "occurred_at": START + at}
    event |= CLICK | TRANSACTION | {"kind": "page_view"}
    stamp = START + at if timestamp is None else START + timestamp
    return Record(topic, offset, stamp, customer, b"raw", event | fields)


def _bare(*segments, count=1, number=0, grace=0):
    partition = Partition(number, count, RuleSet(segments), EngineSettings(grace=grace), {})
    for topic in INPUTS:
        partition.begin(topic, 0)
    return partition


def test_the_earliest_head_goes_first_across_topics():
    """A purchase between two views goes between them, whatever was offered first."""
    partition = _bare(THREE)
    views = [_record("clickstream", n, at) for n, at in enumerate((0, HOUR, 3 * HOUR))]
    partition.offer("clickstream", 0, views, 3)
    partition.offer("transactions", 0, [_record("transactions", 0, 2 * HOUR, kind="purchase")], 1)
    partition.confirm(ENDS | {"clickstream": 3, "transactions": 1}, partition.stamp, None)
    while partition.advance():
        pass
    assert partition.collect_effects().segment_events == []


def test_a_topic_that_may_have_records_is_waited_for():
    """A record waits until every other input is confirmed by an answer asked for after it was fetched."""
    partition = _bare(THREE)
    partition.collect_effects()
    early = partition.stamp
    partition.offer("clickstream", 0, [_record("clickstream", 0, 0)], 1)
    ends = ENDS | {"clickstream": 1}
    partition.confirm(ends, early, None)
    assert not partition.advance()
    assert partition.waiting
    assert partition.collect_effects() is None
    partition.confirm(ends, partition.stamp, None)
    partition.advance()
    assert partition.collect_effects().outcomes == {("clickstream", "applied"): 1}


def test_a_refused_head_does_not_wait():
    """A record refused without looking at the customer takes no part in the order."""
    partition = _bare(THREE)
    partition.offer(
        "clickstream", 0, [Record("clickstream", 0, START, b"c", b"?", Refusal("undecodable", "x"))], 1
    )
    partition.advance()
    effects = partition.collect_effects()
    assert [each.reason for each in effects.dead_letters] == ["undecodable"]
    assert effects.offsets["clickstream"] == 1


def test_what_was_skipped_is_fetched_again():
    """A run that begins beyond the expected offset is refused with the offset to go back to, and counted."""
    partition = _bare(THREE)
    assert partition.offer("clickstream", 5, [_record("clickstream", 5, 0)], 6) == 0
    assert partition.collect_effects().gaps == 1


def test_a_run_seen_before_is_cut_to_what_is_new():
    """Of an overlapping run only the records from the expected offset on are taken."""
    partition = _bare(THREE)
    records = [_record("clickstream", n, n) for n in range(4)]
    partition.offer("clickstream", 0, records[:2], 2)
    assert partition.offer("clickstream", 0, records, 4) is None
    assert partition.buffered("clickstream") == 4


def test_markers_move_the_offset():
    """A run of transaction markers alone moves the position, so that its end can be reached."""
    partition = _bare(THREE)
    partition.offer("clickstream", 0, [], 3)
    assert partition.offsets["clickstream"] == 3
    assert partition.collect_effects().offsets["clickstream"] == 3


def test_the_wall_clock_counts_only_when_every_input_is_caught_up():
    """With records left in one input nothing fires by the wall clock; less the grace once it is caught up."""
    partition = _bare(CART, grace=2_000)
    partition.offer("clickstream", 0, [_record("clickstream", 0, 0, kind="cart_add")], 1)
    ends = ENDS | {"clickstream": 1}
    partition.confirm(ends, partition.stamp, None)
    partition.advance()
    partition.collect_effects()
    late = START + HOUR + 2_001
    partition.confirm(ends | {"profiles": 1}, partition.stamp, late)
    assert not partition.advance()
    assert partition.collect_effects() is None
    partition.confirm(ends, partition.stamp, late - 1)
    partition.advance()
    assert partition.collect_effects() is None, "due at the clock is not due before it"
    partition.confirm(ends, partition.stamp, late)
    partition.advance()
    ((_, flip),) = partition.collect_effects().segment_events
    assert (flip["occurred_at"], flip["reason"], flip["cause"]) == (START + HOUR, "timer", None)


def test_a_key_of_another_partition_is_refused():
    """A record whose key belongs to another partition becomes a dead letter, its neighbour does not."""
    partitions = [_bare(THREE, count=2, number=number) for number in (0, 1)]
    reasons = []
    for partition in partitions:
        partition.offer("clickstream", 0, [_record("clickstream", 0, 0)], 1)
        partition.confirm(ENDS | {"clickstream": 1}, partition.stamp, None)
        partition.advance()
        reasons.append([each.reason for each in partition.collect_effects().dead_letters])
    assert sorted(reasons) == [[], ["wrong_partition"]]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"customer_id": "other"}, "key_mismatch"),
        ({"event_id": ""}, "invalid_id"),
        ({"event_id": "é" * 65}, "invalid_id"),
        ({"occurred_at": START + 300_001, "timestamp": 0}, "from_the_future"),
        ({"amount": -1}, "invalid_amount"),
        ({"amount": 10**12}, "invalid_amount"),
        ({"kind": "gift"}, "unknown_kind"),
    ],
)
def test_bad_records_are_refused(fields, reason):
    """Each kind of bad record has its reason."""
    partition = _bare(THREE)
    partition.offer("transactions", 0, [_record("transactions", 0, 0, **{"kind": "purchase"} | fields)], 1)
    partition.advance()
    (letter,) = partition.collect_effects().dead_letters
    assert letter.reason == reason
    assert letter.record.value == b"raw"


def test_five_minutes_ahead_is_not_the_future():
    """An event exactly five minutes after its Kafka timestamp is applied."""
    partition = _bare(THREE)
    partition.offer("clickstream", 0, [_record("clickstream", 0, 300_000, timestamp=0)], 1)
    partition.confirm(ENDS | {"clickstream": 1}, partition.stamp, None)
    partition.advance()
    assert partition.collect_effects().outcomes == {("clickstream", "applied"): 1}
