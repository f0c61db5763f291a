"""What becomes of a transaction that Kafka refuses for its size."""

import pytest

import schemas
from segments.engine import INPUTS, EngineSettings, Partition, Record, RuleSet, States
from segments.language import Segment, consent, page_view
from streams.transport.errors import TooLarge
from streams.worker.caution import ENOUGH, Caution
from streams.worker.ledger import OpenRecord
from tests.unit.driving import CLICK, START
from tests.unit.wire_batches import batch, known, runs

MARKETING = Segment(id="marketing", when=consent("marketing"))
SEEN = Segment(id="seen", when=page_view.within(days=7).count() >= 1)


def record(topic: str, offset: int, **fields: object) -> Record:
    """A record of one customer, one a second."""
    at = START + offset * 1000
    event = {"event_id": f"e{offset}", "customer_id": "c", "occurred_at": at} | fields
    return Record(topic, offset, at, b"c", b"raw", event)


def views(count: int) -> list[Record]:
    """So many page views."""
    return [record("clickstream", offset, **CLICK, kind="page_view") for offset in range(count)]


def held(records: list[Record]) -> list[OpenRecord]:
    """The same as a ledger tells them."""
    return [OpenRecord(each.topic, each.offset, isinstance(each.event, dict)) for each in records]


def find(caution: Caution, records: list[Record], bad: set[int]) -> list[int]:
    """Commit records as a worker would, against a broker that refuses every transaction with one of `bad`."""
    refused: list[int] = []
    done = 0
    for _ in range(1_000):
        if done == len(records):
            return refused
        batch = records[done : done + (caution.most or len(records))]
        if bad & {each.offset for each in batch}:
            alone = len(batch) == 1 and caution.most == 1
            assert caution.learn(held(batch), TooLarge("changelog", 9_000_000))
            if alone:
                # It comes again, and the engine makes a dead letter of it.
                bad -= {batch[0].offset}
                refused.append(batch[0].offset)
        else:
            done += len(batch)
            caution.committed({"clickstream": done})
    raise AssertionError("it never ends")


@pytest.mark.parametrize("bad", [{0}, {999}, {500}, {3, 4}, {0, 499, 998}, set(range(40, 60))])
def test_each_bad_record_is_found_and_no_other(bad: set[int]) -> None:
    """By halving, wherever they lie; and transactions are as large as ever afterwards."""
    caution = Caution(0)
    assert find(caution, views(1_000), set(bad)) == sorted(bad)
    for _ in range(20):
        caution.committed({})
    assert caution.most is None


def test_what_time_does_alone_is_halved_and_then_given_up() -> None:
    """Without a record to refuse the partition can't be helped here; the log says which topic to raise."""
    caution = Caution(0)
    seen = []
    while caution.learn([], TooLarge("segment-events", 2_000_000)):
        seen.append(caution.most)
    assert seen == [ENOUGH >> shift for shift in range(1, 16)]


def machine() -> Partition:
    """The machine of a take-over."""
    partition = Partition(0, 1, RuleSet([MARKETING, SEEN]), EngineSettings(grace=0), States())
    for topic in INPUTS:
        partition.begin(topic, 0)
    return partition


def apply(caution: Caution, topic: str, records: list[Record]) -> tuple[list[str], list[tuple[int, str]]]:
    """What flips, and which offsets are refused why."""
    partition, name = machine(), schemas.RECORD_OF_TOPIC[topic]
    pairs = [(b"c", schemas.encode(name, each.event)) for each in records if isinstance(each.event, dict)]
    (run,) = runs(batch(pairs, timestamps=[each.timestamp for each in records]))
    ends = partition.offsets | {topic: records[-1].offset + 1}
    partition.offer_fetched(topic, run, known(), caution.refused(topic))
    partition.confirm(ends, partition.stamp, None)
    while partition.advance():
        pass
    effects = partition.collect_effects()
    assert effects is not None
    flips = [f"{event['segment']} {event['transition']}" for _, event in effects.segment_events]
    return flips, [(letter.record.offset, letter.reason) for letter in effects.dead_letters]


def test_a_record_that_was_found_is_refused_when_it_comes_again() -> None:
    """As `too_large`, by the machine of the next take-over; its neighbours are applied."""
    caution, records = Caution(0), views(3)
    caution.most = 1
    assert caution.learn(held(records[:1]), TooLarge("changelog", 9_000_000))
    assert apply(caution, "clickstream", records) == (["seen enter"], [(0, "too_large")])


def test_a_profile_that_was_found_takes_a_consent_away_at_first() -> None:
    """Its consents are taken in alone; if Kafka refuses that, too, it is a dead letter."""
    caution = Caution(0)
    caution.most = 1
    given = record("profiles", 0, attributes={}, consents={"marketing": True})
    taken = record("profiles", 1, attributes={}, consents={})
    kept = record("profiles", 2, attributes={}, consents={})
    for each in (taken, kept):
        assert caution.learn(held([each]), TooLarge("changelog", 9_000_000))
    flips, refused = apply(caution, "profiles", [given, taken, kept])
    assert flips == ["marketing enter", "marketing exit"]
    assert refused == [(2, "too_large")]
    assert caution.learn(held([taken]), TooLarge("changelog", 9_000_000))
    flips, refused = apply(caution, "profiles", [given, taken, kept])
    # Now it is the other one that takes it away.
    assert (flips, refused) == (["marketing enter", "marketing exit"], [(1, "too_large")])
    assert not caution.learn(held([taken]), TooLarge("dead-letters", 70_000))
