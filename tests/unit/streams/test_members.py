"""Who is in a segment, by memberships and by events: values, arms, erasures, and what the topic no longer holds."""

import schemas
from streams.delivery.members import Now, Then, chosen


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
