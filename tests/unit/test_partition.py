"""What a partition promises, one sentence of the contract at a time."""

import pytest
from tests.unit.driving import DAY, HOUR, START, Driver

from segments.engine import EngineSettings, Partition, Record, Refusal, RuleSet
from segments.engine.records import INPUTS
from segments.language import Segment, any_event, cart_add, consent, days, hours, not_, page_view, profile, purchase

THREE = Segment(id="three", when=page_view.since(purchase).within(days=7).count() >= 3)
IDLE = Segment(id="idle", when=any_event.within(days=30).idle >= days(10))
CART = Segment(id="cart", when=cart_add.since(purchase).within(days=30).idle >= hours(1))


def _record(topic, offset, at, customer=b"c", timestamp=None, **fields):
    event = {"event_id": f"{topic}{offset}", "customer_id": customer.decode(), "occurred_at": START + at}
    event |= {"session_id": None, "page": None, "product_id": None, "category": None, "channel": None}
    event |= {"attributes": {}, "kind": "page_view", "order_id": "o", "amount": 100, "currency": "EUR", "items": []}
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
    partition.confirm({"clickstream": 3, "transactions": 1, "profiles": 0}, partition.stamp, None)
    while partition.advance():
        pass
    assert partition.take().segment_events == []


def test_a_topic_that_may_have_records_is_waited_for():
    """A record waits until every other input is confirmed by an answer asked for after it was fetched."""
    partition = _bare(THREE)
    partition.take()
    early = partition.stamp
    partition.offer("clickstream", 0, [_record("clickstream", 0, 0)], 1)
    ends = {"clickstream": 1, "transactions": 0, "profiles": 0}
    partition.confirm(ends, early, None)
    assert not partition.advance()
    assert partition.waiting
    assert partition.take() is None
    partition.confirm(ends, partition.stamp, None)
    partition.advance()
    assert partition.take().outcomes == {("clickstream", "applied"): 1}


def test_a_refused_head_does_not_wait():
    """A record refused without looking at the customer takes no part in the order."""
    partition = _bare(THREE)
    partition.offer("clickstream", 0, [Record("clickstream", 0, START, b"c", b"?", Refusal("undecodable", "x"))], 1)
    partition.advance()
    effects = partition.take()
    assert [each.reason for each in effects.dead_letters] == ["undecodable"]
    assert effects.offsets["clickstream"] == 1


def test_what_was_skipped_is_fetched_again():
    """A run that begins beyond the expected offset is refused with the offset to go back to, and counted."""
    partition = _bare(THREE)
    assert partition.offer("clickstream", 5, [_record("clickstream", 5, 0)], 6) == 0
    assert partition.take().gaps == 1


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
    assert partition.take().offsets["clickstream"] == 3


def test_the_wall_clock_counts_only_when_every_input_is_caught_up():
    """With records left in one input nothing fires by the wall clock; less the grace once it is caught up."""
    partition = _bare(CART, grace=2_000)
    partition.offer("clickstream", 0, [_record("clickstream", 0, 0, kind="cart_add")], 1)
    ends = {"clickstream": 1, "transactions": 0, "profiles": 0}
    partition.confirm(ends, partition.stamp, None)
    partition.advance()
    partition.take()
    late = START + HOUR + 2_001
    partition.confirm(ends | {"profiles": 1}, partition.stamp, late)
    assert not partition.advance()
    assert partition.take() is None
    partition.confirm(ends, partition.stamp, late - 1)
    partition.advance()
    assert partition.take() is None, "due at the clock is not due before it"
    partition.confirm(ends, partition.stamp, late)
    partition.advance()
    (_, flip), = partition.take().segment_events
    assert (flip["occurred_at"], flip["reason"], flip["cause"]) == (START + HOUR, "timer", None)


def test_a_key_of_another_partition_is_refused():
    """A record whose key belongs to another partition becomes a dead letter, its neighbour does not."""
    partitions = [_bare(THREE, count=2, number=number) for number in (0, 1)]
    reasons = []
    for partition in partitions:
        partition.offer("clickstream", 0, [_record("clickstream", 0, 0)], 1)
        partition.confirm({"clickstream": 1, "transactions": 0, "profiles": 0}, partition.stamp, None)
        partition.advance()
        reasons.append([each.reason for each in partition.take().dead_letters])
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
    letter, = partition.take().dead_letters
    assert letter.reason == reason
    assert letter.record.value == b"raw"


def test_five_minutes_ahead_is_not_the_future():
    """An event exactly five minutes after its Kafka timestamp is applied."""
    partition = _bare(THREE)
    partition.offer("clickstream", 0, [_record("clickstream", 0, 300_000, timestamp=0)], 1)
    partition.confirm({"clickstream": 1, "transactions": 0, "profiles": 0}, partition.stamp, None)
    partition.advance()
    assert partition.take().outcomes == {("clickstream", "applied"): 1}


def test_a_duplicate_has_no_effect_for_24_hours():
    """The same id in the same topic counts once, until a day after the first was applied."""
    driver = Driver(THREE)
    driver.click(0, id="x")
    driver.click(HOUR, id="x")
    driver.purchase(HOUR, id="x")
    driver.click(DAY - 1, id="x")
    assert driver.outcomes == {
        ("clickstream", "applied"): 1,
        ("clickstream", "duplicate"): 2,
        ("transactions", "applied"): 1,
    }
    driver.click(DAY, id="x")
    assert driver.outcomes["clickstream", "applied"] == 2


def test_what_is_too_old_is_ignored():
    """An event older than the longest window before the clock is ignored, and counted."""
    driver = Driver(THREE)
    driver.click(10 * DAY)
    driver.click(3 * DAY)
    driver.click(3 * DAY - 1)
    assert driver.outcomes == {("clickstream", "applied"): 2, ("clickstream", "ignored"): 1}


def test_a_late_event_flips_now():
    """A late event counts where it belongs and flips at the customer's instant, with the reason late_event."""
    driver = Driver(THREE)
    driver.click(DAY)
    driver.click(2 * DAY)
    driver.click(0)
    assert driver.flips("reason", "sequence") == [("three", "enter", 2 * DAY, "late_event", 1)]


def test_flips_at_one_instant_come_in_the_order_of_segment_ids():
    """One evaluation flips several segments in ascending order of id, and one memberships record follows."""
    driver = Driver(
        Segment(id="b", when=page_view.within(days=1).count() >= 1),
        Segment(id="a", when=page_view.within(days=1).count() >= 1),
    )
    driver.click(0)
    assert driver.flips("sequence", "episode") == [("a", "enter", 0, 1, 1), ("b", "enter", 0, 2, 2)]
    assert [each["segment"] for each in driver.memberships[0][1]["segments"]] == ["a", "b"]
    driver.until(DAY)
    assert driver.flips("sequence", "episode")[2:] == [("a", "exit", DAY, 3, 1), ("b", "exit", DAY, 4, 2)]
    assert len(driver.memberships) == 2 + 1, "and a null as the customer is forgotten"


def test_a_segment_read_by_another_flips_with_it():
    """A segment that is a condition of another is evaluated first, in the same evaluation."""
    base = Segment(id="z_base", when=page_view.within(days=1).count() >= 1)
    reader = Segment(id="a_reader", when=[base, purchase.within(days=3).count() >= 1])
    driver = Driver(base, reader)
    driver.purchase(0)
    driver.click(HOUR)
    assert driver.flips("reason") == [("a_reader", "enter", HOUR, "event"), ("z_base", "enter", HOUR, "event")]
    driver.until(HOUR + DAY)
    assert driver.flips("reason")[2:] == [
        ("a_reader", "exit", HOUR + DAY, "timer"),
        ("z_base", "exit", HOUR + DAY, "timer"),
    ]


def test_a_changed_consent_is_a_reason_of_its_own():
    """A flip by a consent that the rule reads says consent; by another part of the profile, profile."""
    agreed = Segment(id="agreed", when=consent("marketing"))
    dutch = Segment(id="dutch", when=[profile("country") == "NL", page_view.within(days=9).count() >= 0])
    driver = Driver(agreed, dutch)
    driver.profile(0, consents={"marketing": True}, country="NL")
    assert driver.flips("reason") == [("agreed", "enter", 0, "consent"), ("dutch", "enter", 0, "profile")]


def test_an_older_profile_is_ignored():
    """A profile older than the one held has no effect."""
    driver = Driver(Segment(id="dutch", when=profile("country") == "NL"))
    driver.profile(DAY, country="BE")
    driver.profile(0, country="NL")
    assert driver.flips() == []
    assert driver.outcomes["profiles", "ignored"] == 1


def test_an_erasure_leaves_every_segment_and_begins_anew():
    """After an erasure exits follow, then a null alone; what is at or before it is ignored; sequence begins again."""
    driver = Driver(Segment(id="seen", when=page_view.within(days=1).count() >= 1))
    driver.click(0)
    driver.erase(HOUR)
    assert driver.flips("reason", "sequence", "episode")[1:] == [("seen", "exit", HOUR, "erasure", 2, 1)]
    assert driver.events[1]["cause"] == {"topic": "profiles", "partition": 0, "offset": 0, "event_id": None}
    assert driver.events[1]["evidence"][0]["value"] == "0"
    assert driver.memberships[1:] == [(b"c", None)]
    driver.click(HOUR)
    driver.profile(HOUR - 1)
    assert driver.outcomes["clickstream", "ignored"] == driver.outcomes["profiles", "ignored"] == 1
    driver.click(HOUR + 1)
    assert driver.flips("sequence")[2:] == [("seen", "enter", HOUR + 1, 1)]


def test_a_customer_is_forgotten_after_the_longest_window():
    """Nothing is left of a customer R after their latest event; the state goes, and a null tells subscribers."""
    driver = Driver(THREE)
    for day in (0, 1, 2):
        driver.click(day * DAY)
    driver.until(9 * DAY - 1)
    assert b"c" in driver.states
    driver.until(9 * DAY)
    assert b"c" not in driver.states
    assert driver.memberships[-1] == (b"c", None)


def test_a_profile_keeps_a_customer():
    """A customer with a profile is not forgotten, and their sequence goes on."""
    driver = Driver(Segment(id="seen", when=page_view.within(days=1).count() >= 1))
    driver.profile(0)
    driver.click(0)
    driver.until(100 * DAY)
    driver.click(100 * DAY)
    assert [each["sequence"] for each in driver.events] == [1, 2, 3]


def test_a_bot_is_bounded_and_neighbours_are_not():
    """Beyond the limit of entries a customer's events are dead letters; when the old ones are over they are not."""
    driver = Driver(THREE, limit=20)
    for second in range(50):
        driver.click(second * 1000)
        driver.click(second * 1000, customer="neighbour") if second < 5 else None
    refused = {reason for *_, reason in driver.letters}
    assert refused == {"customer_limit"}
    assert len(driver.letters) == 40
    driver.click(8 * DAY)
    assert len(driver.letters) == 40


def test_a_bug_undoes_one_record(monkeypatch):
    """An event that raises a bug becomes a dead letter, with the customer as before, and the next one is applied."""
    driver = Driver(THREE)
    driver.click(0)
    driver.click(HOUR)
    compiled = driver.partition.rules.compiled
    sound = compiled.rules[0]

    def broken(customer, now):
        if now == START + 2 * HOUR:
            raise ZeroDivisionError("seeded")
        return sound(customer, now)

    monkeypatch.setattr(compiled, "rules", [broken])
    driver.click(2 * HOUR)
    assert driver.letters == [("clickstream", 2, "engine_error")]
    assert driver.flips() == []
    driver.click(3 * HOUR)
    assert driver.flips("sequence") == [("three", "enter", 3 * HOUR, 1)]
    assert driver.events[0]["evidence"][0]["value"] == "3", "the refused event doesn't count"


def test_a_bug_in_a_flip_by_time_is_counted(monkeypatch):
    """A bug in a flip by time leaves the customer as they are until their next record."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    monkeypatch.setattr(driver.partition.rules.compiled, "rules", [lambda customer, now: 1 // 0])
    driver.until(2 * HOUR)
    assert driver.errors == 1
    monkeypatch.undo()
    driver.until(2 * HOUR)
    assert driver.flips() == []
    driver.click(3 * HOUR)
    assert driver.flips("reason") == [("cart", "enter", HOUR, "timer")]


def test_a_restart_changes_nothing():
    """A partition made anew from the committed states fires what came due, once, each at its own instant."""
    driver = Driver(CART, IDLE)
    driver.click(0, kind="cart_add")
    driver.open([CART, IDLE])
    driver.until(20 * DAY)
    driver.open([CART, IDLE])
    driver.until(40 * DAY)
    assert driver.flips() == [
        ("cart", "enter", HOUR),
        ("idle", "enter", 10 * DAY),
        ("cart", "exit", 30 * DAY),
        ("idle", "exit", 30 * DAY),
    ]


def test_no_rule_may_see_the_unknown():
    """The measure of what did not happen is no reason to be in a segment together with an event."""
    driver = Driver(Segment(id="quiet", when=[not_(purchase.within(days=2).count() >= 1), page_view.within(days=2).count() >= 1]))
    driver.click(0)
    driver.purchase(HOUR)
    driver.until(3 * DAY)
    assert driver.flips() == [("quiet", "enter", 0), ("quiet", "exit", HOUR)]
