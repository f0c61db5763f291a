"""Who is in a segment, by memberships and by events: values, arms, erasures, and what the topic no longer holds."""

import schemas
from streams.delivery.members import Now, Then, chosen, reach


def event(customer, transition, at, **more):
    """A segment event, with what a fold of it looks at."""
    base = {"customer_id": customer, "segment": "big", "transition": transition, "occurred_at": at}
    return base | {"reason": "event", "valid_until": None, "value": None, "details": {}, "arm": None} | more


def then(at, *events):
    """The members at an instant."""
    found = Then("big", at)
    for each in events:
        found.add(each)
    return [(each.customer, each.value, each.entered_at) for each in found.members()]


def test_members_at_an_instant_are_those_who_entered_and_had_not_left():
    """An enter at that very instant counts, an exit too."""
    events = [event("ann", "enter", 10), event("bob", "enter", 20), event("ann", "exit", 30)]
    assert then(9, *events) == []
    assert then(20, *events) == [("ann", None, 10), ("bob", None, 20)]
    assert then(30, *events) == [("bob", None, 20)]


def test_an_exit_whose_enter_is_gone_tells_that_the_customer_was_in():
    """Kafka has deleted the enter; its instant is not known. A first enter after the instant tells nothing."""
    assert then(20, event("ann", "exit", 30), event("bob", "enter", 40), event("bob", "exit", 50)) == [
        ("ann", None, None)
    ]


def test_who_was_erased_since_is_none():
    """Also if the events of before are still in the topic; who came back later was not in before either."""
    events = [
        event("ann", "enter", 10),
        event("ann", "exit", 30, reason="erasure"),
        event("ann", "enter", 40),
    ]
    assert then(20, *events) == []
    assert then(50, *events) == [("ann", None, 40)]


def test_values_are_members_of_their_own():
    """Each value has its own enter and exit."""
    events = [event("ann", "enter", 10, value="shoes"), event("ann", "enter", 11, value="hats")]
    assert then(20, *events, event("ann", "exit", 15, value="shoes")) == [("ann", "hats", 11)]


def test_control_is_left_out_unless_asked_for():
    """`treated` is all but control, whether or not there is an experiment; a value narrows it."""
    found = Then("big", 99)
    for customer, arm, value in (("ann", "control", "a"), ("bob", "treated", "a"), ("cat", None, "b")):
        found.add(event(customer, "enter", 1, arm=arm, value=value))
    told = {
        arm: [each.customer for each in chosen(found.members(), None, arm)]
        for arm in ("treated", "control", "all")
    }
    assert told == {"treated": ["bob", "cat"], "control": ["ann"], "all": ["ann", "bob", "cat"]}
    assert [each.customer for each in chosen(found.members(), "a", "treated")] == ["bob"]


def now_of(**entered_at):
    """The memberships as they are: who is in, since when."""
    found = Now("big")
    for customer, at in entered_at.items():
        entry = {
            "segment": "big", "segment_version": "1", "entered_at": at, "episode": 1, "valid_until": None, "value": None,
            "details": {}, "arm": None,
        }  # fmt: skip
        record = {"customer_id": customer, "sequence": 1, "segments": [entry]}
        found.add(customer.encode(), schemas.encode(schemas.SEGMENT_MEMBERSHIPS, record))
    return found


def test_who_has_been_in_since_before_the_events_reach_back_was_in():
    """By the memberships, if they had entered by then; of whom there are events, those tell."""
    found = Then("big", 20, now_of(ann=5, bob=25, cat=20, dan=18))
    for each in (event("dan", "exit", 19), event("dan", "enter", 21), event("eve", "exit", 30)):
        found.add(each)
    assert [(each.customer, each.entered_at) for each in found.members()] == [
        ("ann", 5), ("cat", 20), ("eve", None),
    ]  # fmt: skip


def test_who_was_erased_after_leaving_is_none():
    """No exit tells of it; of a life after an erasure the events count."""
    erasures = {"ann": 50, "bob": 5, "cat": 15}
    found = Then("big", 20, now_of(cat=10), erasures.get)
    for each in (
        event("ann", "enter", 10), event("ann", "exit", 30), event("bob", "enter", 10), event("dan", "enter", 10)
    ):  # fmt: skip
        found.add(each)
    assert [each.customer for each in found.members()] == ["bob", "dan"]
    assert found.erased == {"ann", "cat"}


def test_how_far_events_reach_back_is_that_of_the_partition_that_lost_most():
    """Of one that lost all it is said; those of which nothing was deleted reach back to the first."""
    assert reach({0: 0, 1: 0}, {0: 5}) == "the segment events are there from the first one on"
    assert "reach back to 1970-01-01T00:00:00.009Z; who is" in reach({0: 3, 1: 1, 2: 0}, {0: 9, 1: 7, 2: 99})
    assert "the segment events of partition 1 are all deleted" in reach({0: 3, 1: 4}, {0: 9})


def test_a_membership_record_replaces_the_one_before():
    """As in a compacted topic: the last record of a customer counts, and a null is nobody."""
    found = Now("big")
    entry = {
        "segment": "big",
        "segment_version": "1",
        "entered_at": 7,
        "episode": 1,
        "valid_until": None,
        "value": None,
        "details": {},
        "arm": None,
    }

    def add(customer, *entries):
        record = {"customer_id": customer, "sequence": 1, "segments": list(entries)}
        found.add(customer.encode(), schemas.encode(schemas.SEGMENT_MEMBERSHIPS, record))

    for customer in ("cat", "bob", "ann"):
        add(customer, entry)
    add("bob", entry | {"segment": "other"})
    found.add(b"cat", None)
    assert [each.line() for each in found.members()] == [
        {
            "customer_id": "ann", "value": None, "entered_at": "1970-01-01T00:00:00.007Z", "valid_until": None,
            "details": {},
        }
    ]  # fmt: skip
    assert found.known == {"big", "other"}
