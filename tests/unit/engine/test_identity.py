"""Two ids that are one customer: links, redirects, the union, and what is refused, over one partition and several."""

import pytest

import schemas
from segments.engine import (
    FILL,
    Partition,
    RuleSet,
    fill_at_once,
    partition_of,
)
from segments.language import Segment, any_event, consent, page_view, purchase
from segments.language.catalogue import IDENTITIES
from tests.properties.records import DAY, HOUR, START, Arrival, erase
from tests.properties.records import profile as profile_of
from tests.simulation.batches import fetched
from tests.simulation.kafka import COMMITTED, Entry
from tests.unit.driving import asked_for, deployed
from tests.unit.engine.shop import ANNA, ANON, THREE, Shop, linking, view

counts = pytest.mark.parametrize("count", [1, 7])
"""In one partition, and in seven, of which the ids have two."""


def test_the_ids_are_of_two_partitions() -> None:
    """Of seven partitions the ids of these tests have two, so that states and records are handed over."""
    assert partition_of(ANON.encode(), 7) != partition_of(ANNA.encode(), 7)


@counts
def test_two_visits_before_the_login_and_one_after_it_are_three(count: int) -> None:
    """What happened under the anonymous id counts, and so does what comes later under it."""
    shop = Shop(count).live(view(0, ANON), view(HOUR, ANON), linking(DAY, ANON, ANNA), view(2 * DAY, ANON))
    assert shop.told() == [(ANNA, "enter", "event")]
    assert shop.flips[0]["cause"]["partition"] == partition_of(ANON.encode(), count)
    assert (shop.of(ANON)["into"], shop.of(ANNA)["merged"][0]["customer_id"]) == (ANNA, ANON)


@counts
def test_both_halves_of_a_merge_have_the_link_as_their_cause(count: int) -> None:
    """A segment is left by the one id and entered by the other for the same link; no exit without its enter."""
    shop = Shop(count).live(*(view(each * HOUR, ANON) for each in range(3)), linking(DAY, ANON, ANNA))
    assert shop.told() == [
        (ANON, "enter", "event"),
        (ANON, "exit", "merged"),
        (ANNA, "enter", "merged"),
    ]
    exit_, enter = shop.flips[1:]
    assert exit_["cause"] == enter["cause"]
    assert exit_["cause"] | {"offset": 0} == {
        "topic": "identities",
        "partition": partition_of(ANON.encode(), count),
        "offset": 0,
        "event_id": "l1",
    }
    assert exit_["valid_until"] is None
    assert enter["occurred_at"] == START + DAY
    nulls = [key for each in shop.effects for key, members in each.memberships if members is None]
    assert nulls == [ANON.encode()]


@counts
def test_a_record_of_the_absorbed_id_is_counted_once(count: int) -> None:
    """Consumed is applied, duplicate, ignored, dead letters and forwarded; an event that came before is a duplicate."""
    shop = Shop(count).live(view(0, ANON), linking(HOUR, ANON, ANNA), view(2 * HOUR, ANON), view(0, ANON))
    total = sum((each.outcomes for each in shop.effects), start=type(shop.effects[0].outcomes)())
    if count == 1:
        assert (total["clickstream", "applied"], total["clickstream", "duplicate"]) == (2, 1)
    else:
        assert (total["clickstream", "applied"], total["clickstream", "forwarded"]) == (1, 2)
        # The state and the later view; the one that came again.
        assert (total["transfers", "applied"], total["transfers", "duplicate"]) == (2, 1)
    assert total["identities", "applied"] == 1


@counts
def test_a_shared_device_does_not_merge_two_people(count: int) -> None:
    """A second link of an id into somebody else is a dead letter with its own topic and partition; the first one stands."""
    shop = Shop(count).live(linking(0, ANON, ANNA), linking(HOUR, ANON, "berta", "l2"))
    assert [(each.reason, each.record.topic, each.record.key) for each in shop.letters] == [
        ("identity_conflict", "identities", ANON.encode())
    ]
    assert shop.links() == {"applied": 1, "conflict": 1}
    assert shop.of(ANON)["into"] == ANNA


@counts
def test_a_second_link_to_where_it_leads_already_is_a_duplicate(count: int) -> None:
    """The same way, another way to the same end, and the end itself: none of them is a conflict."""
    shop = Shop(count).live(
        linking(0, ANON, "phone", "l1"),
        linking(1, "phone", ANNA, "l2"),
        linking(2, "tablet", ANNA, "l3"),
        linking(3, ANON, "phone", "l4"),
        linking(4, ANON, ANNA, "l5"),
        linking(5, ANON, "tablet", "l6"),
    )
    assert shop.links() == {"applied": 3, "duplicate": 3}
    assert not shop.letters


@counts
def test_a_ring_is_opened_at_its_smallest_id(count: int) -> None:
    """Links that lead round end at the smallest id, which has all that happened under any of them."""
    shop = Shop(count).live(
        view(0, "c"), view(1, "b"), view(2, "a"),
        linking(HOUR, "b", "c", "l1"), linking(2 * HOUR, "c", "a", "l2"), linking(3 * HOUR, "a", "b", "l3"),
        view(4 * HOUR, "c"), view(5 * HOUR, "a"),
    )  # fmt: skip
    assert shop.inside("a") == {"three"}
    assert shop.links() == {"applied": 3, "cycle": 1}
    assert shop.of("a")["into"] is None
    assert shop.of("b")["into"] == "c"
    assert shop.of("c")["into"] == "a"


@pytest.mark.parametrize(
    ("into", "action", "reason"),
    [(ANON, "link", "identity_cycle"), ("", "link", "invalid_id"), (ANNA, "join", "unknown_kind")],
)
def test_what_no_link_can_say(into: str, action: str, reason: str) -> None:
    """An id into itself, into nobody, and another action are dead letters, whatever is remembered."""
    assert [each.reason for each in Shop(1).live(linking(0, ANON, into, action=action)).letters] == [reason]


@counts
def test_unlink_gives_an_id_back(count: int) -> None:
    """After it the id is itself, late records included; what was merged stays; an older link has no effect any more."""
    shop = Shop(count).live(
        view(0, ANON), view(1, ANON), linking(HOUR, ANON, ANNA), view(2 * HOUR, ANNA),
        linking(3 * HOUR, ANON, ANNA, "u1", "unlink"),
        view(4 * HOUR, ANON), view(HOUR + 1, ANON), view(HOUR + 2, ANON), linking(2 * HOUR, ANON, ANNA, "l2"),
    )  # fmt: skip
    assert shop.inside(ANNA) == shop.inside(ANON) == {"three"}
    assert shop.links() == {"applied": 1, "unlinked": 1, "ignored": 1}


@counts
def test_unlink_of_another_way_is_ignored(count: int) -> None:
    """Only where an id leads directly can be undone."""
    shop = Shop(count).live(linking(0, ANON, ANNA), linking(1, ANON, "berta", "u1", "unlink"))
    assert shop.links() == {"applied": 1, "ignored": 1}
    assert shop.of(ANON)["into"] == ANNA


@counts
@pytest.mark.parametrize("erased", [ANNA, ANON])
def test_an_erasure_of_any_of_the_ids_erases_all(count: int, erased: str) -> None:
    """Nothing is left of either, and what occurred before it has no effect under either id."""
    shop = Shop(count).live(
        *(view(each, ANON) for each in range(3)), linking(HOUR, ANON, ANNA), erase(DAY, erased),
        view(2 * HOUR, ANON), view(2 * HOUR + 1, ANNA),
    )  # fmt: skip
    assert shop.inside(ANNA) == set()
    assert shop.told()[-1] == (ANNA, "exit", "erasure")
    assert shop.of(ANON) is None
    assert shop.of(ANNA) is None
    shop.live(*(view(2 * DAY + each, ANON) for each in range(3)))
    assert (shop.inside(ANON), shop.inside(ANNA)) == ({"three"}, set())


@counts
def test_what_occurred_before_an_erasure_is_left_out_of_a_merge(count: int) -> None:
    """Of the state that arrives only what occurred after the erasure of the one who goes on."""
    before = [view(each, ANON) for each in range(3)]
    shop = Shop(count).live(*before, erase(HOUR, ANNA), view(2 * HOUR, ANON), linking(3 * HOUR, ANON, ANNA))
    assert shop.inside(ANNA) == set()
    assert shop.live(view(4 * HOUR, ANNA), view(5 * HOUR, ANNA)).inside(ANNA) == {"three"}


@counts
def test_the_later_profile_goes_on(count: int) -> None:
    """Attributes and consents are those of the later profile, of whichever id."""
    asked = Segment(en="A", nl="A", when=[page_view.within(days=7).count() >= 1, consent("mail")], id="asked")
    early, late = profile_of(0, ANNA, consents={"mail": False}), profile_of(1, ANON, consents={"mail": True})
    shop = Shop(count, [asked]).live(early, late, view(2, ANNA), linking(HOUR, ANON, ANNA))
    assert shop.inside(ANNA) == {"asked"}


@counts
def test_who_was_inside_stays_inside_a_rule_with_until(count: int) -> None:
    """The one who goes on counts as inside, since the other one was, though the rule would not let them in any more."""
    staying = Segment(
        en="B",
        nl="B",
        when=page_view.within(hours=2).count() >= 2,
        until=purchase.within(days=7).count() >= 1,
        id="staying",
    )
    shop = Shop(count, [staying]).live(view(0, ANON), view(1, ANON), linking(DAY, ANON, ANNA))
    assert shop.inside(ANNA) == {"staying"}
    assert shop.told()[-1] == (ANNA, "enter", "merged")


@counts
def test_a_state_that_is_too_much_is_a_dead_letter(count: int) -> None:
    """It is refused as a whole, and who looks at the customer sees it; a consent taken away takes effect nevertheless."""
    asked = Segment(en="A", nl="A", when=[any_event.within(days=7).count() >= 1, consent("mail")], id="asked")
    shop = Shop(count, [THREE, asked], limit=14).live(
        profile_of(0, ANNA, consents={"mail": True}), view(1, ANNA),
        profile_of(2, ANON, consents={"mail": False}), *(view(3 + each, ANON) for each in range(4)),
        linking(HOUR, ANON, ANNA),
    )  # fmt: skip
    assert [(each.reason, each.record.topic) for each in shop.letters] == [("customer_limit", "transfers")]
    assert shop.inside(ANNA) == set()
    assert shop.of(ANNA)["merged"][0]["refused"]


@counts
def test_at_most_a_hundred_ids_are_merged_into_one(count: int) -> None:
    """Of the 101st the state and every later record are dead letters."""
    arrivals = [
        each
        for number in range(101)
        for each in (view(number, f"id{number}"), linking(HOUR + number, f"id{number}", ANNA, f"l{number}"))
    ]
    shop = Shop(count).live(*arrivals, view(DAY, "id100"), view(DAY, "id99"))
    assert sorted(each.reason for each in shop.letters) == ["identity_limit"] * 2
    assert len(shop.of(ANNA)["merged"]) == 100
    assert shop.links() == {"applied": 101, "limit": 1}


@counts
def test_a_redirect_is_forgotten_after_the_longest_window(count: int) -> None:
    """Then the id is somebody new."""
    shop = Shop(count).live(view(0, ANON), linking(HOUR, ANON, ANNA), view(DAY, ANON))
    fresh = [view(8 * DAY + each * HOUR, ANON) for each in range(1, 4)]
    assert shop.live(*fresh).inside(ANON) == {"three"}
    assert shop.inside(ANNA) == set()


def test_a_null_link_is_passed_over() -> None:
    """A null in the topic of links has no effect, and is counted."""
    shop = Shop(1).live(Arrival(IDENTITIES.name, ANON, None, START))
    assert shop.links() == {"ignored": 1}
    assert not shop.letters


def test_filling_a_new_measure_keeps_what_was_merged() -> None:
    """Of a customer with merged ids what they brought stays, and an id that is redirected gets no memory of its own."""
    often = Segment(id="often", en="Often", nl="Vaak", when=page_view.within(days=20).count() >= 3)
    views = [view(0, ANON), view(HOUR, ANON), view(2 * HOUR, ANNA)]
    shop = Shop(1, [Segment(id="seen", en="Seen", nl="Gezien", when=page_view.within(days=7).count() >= 1)])
    shop.live(*views, linking(3 * HOUR, ANON, ANNA))
    states, rules = shop.replays[0].states, RuleSet([*shop.segments, often])
    asked = asked_for(rules, "often")
    running, filling = deployed(0, 0, RuleSet(shop.segments)), deployed(1, 0, asked, "d0", FILL, "d2-fill")
    for deployment, filled_by in ((running, None), (running, filling), (deployed(2, 0, rules), None)):
        partition = Partition.deployed(0, 1, deployment, states, "transfers", filling=filled_by)
        while partition.sweeping:
            partition.advance()
        if filled_by is not None:
            fill_at_once(partition, shop.logs[0])
        effects = partition.collect_effects()
        assert effects is not None
        effects.commit_to(states)
    assert [(key, event["segment"], event["transition"]) for key, event in effects.segment_events] == [
        (ANNA.encode(), "often", "enter")
    ]
    absorbed = partition.remembered(ANON.encode())
    assert absorbed is not None
    assert not any(absorbed["streams"].values())


def test_the_schema_of_a_record_that_is_passed_on_can_be_asked_for() -> None:
    """A partition learns from the transfer which schema id of which topic it must know; of a state there is none."""
    event = view(2 * DAY, ANON)
    value = schemas.encode(schemas.CLICK, event.event)
    shop = Shop(7)
    shop.values[2 * DAY + START] = value
    shop.live(view(0, ANON), linking(DAY, ANON, ANNA), event)
    sent = [each for effects in shop.effects for each in effects.transfers]
    assert [each.kind for each in sent] == ["state", "record"]
    entries = [Entry("t", place, 0, each.key, each.value, (), COMMITTED) for place, each in enumerate(sent)]
    assert fetched(entries, 0, 2).passed_on() == [(1, "clickstream", schemas.written_id(schemas.CLICK))]


def test_the_one_of_a_ring_that_goes_on_keeps_its_sequence() -> None:
    """It leaves and enters again by the link that closes the ring; the sequence goes on, so no id comes twice."""
    views = [view(each * HOUR, ANNA) for each in range(3)]
    shop = Shop(1).live(linking(0, ANON, ANNA, "l1"), *views, linking(DAY, ANNA, ANON, "l2"))
    assert [(each["customer_id"], each["sequence"], each["reason"]) for each in shop.flips] == [
        (ANNA, 1, "event"),
        (ANNA, 2, "merged"),
        (ANNA, 3, "merged"),
    ]
    assert shop.links() == {"applied": 2, "cycle": 1}
