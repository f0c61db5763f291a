"""Segments with values in delivery and lists: a customer is in one segment several times, and each time counts alone."""

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest

import schemas
from streams.delivery.config import Destination
from streams.delivery.customers import Customers
from streams.delivery.flip import Flip, Place
from streams.delivery.lanes import Lanes, Waiting
from streams.delivery.ledger import Ledger
from streams.delivery.members import Now, chosen
from streams.delivery.policy import Membership, verdict
from streams.delivery.repair import differences, everybody
from streams.delivery.view import MEMBERSHIPS, TABLES, View

NOW = 1_795_945_203_000
PLACES = (Place("segment-events", 0, 1),) * 2
CRM = Destination("crm", "https://crm.example.org", ("s",))


def entry(value: str | None, episode: int, arm: str | None = None) -> dict[str, Any]:
    """A membership of the segment likes."""
    return {
        "segment": "likes", "segment_version": "v", "value": value, "episode": episode, "entered_at": episode,
        "valid_until": None, "details": {}, "arm": arm,
    }  # fmt: skip


def memberships(customer: str, *entries: dict[str, Any]) -> bytes:
    """The record of a customer."""
    record = {"customer_id": customer, "sequence": 9, "segments": list(entries)}
    return schemas.encode(schemas.SEGMENT_MEMBERSHIPS, record)


@pytest.fixture
def view() -> View:
    """Of ann, who likes hats and shoes, and bob, who likes hats, without Kafka."""
    made = View.__new__(View)
    made._db = sqlite3.connect("", isolation_level=None)
    made._db.executescript(TABLES)
    made._wanted, made._customers, made.forgotten = (lambda _: True), Customers(made._db), []
    for customer, entries in (("ann", [entry("hats", 1), entry("shoes", 2)]), ("bob", [entry("hats", 1)])):
        record = SimpleNamespace(key=customer.encode(), value=memberships(customer, *entries), timestamp=NOW)
        made._take_in(MEMBERSHIPS, [record])
    return made


def flip(transition: str, value: str, offset: int) -> Flip:
    """A flip of ann."""
    event = {
        "event_id": f"ann-{offset}", "customer_id": "ann", "segment": "likes", "transition": transition,
        "reason": "event", "episode": 1, "occurred_at": 1, "value": value,
    }  # fmt: skip
    place = Place("segment-events", 0, offset)
    return Flip(event, place, place, NOW)


def test_the_list_has_a_row_for_each_value():
    """By customer and value; `--value` narrows, and the control group is left out unless asked for."""
    now = Now("likes")
    now.add(b"ann", memberships("ann", entry("shoes", 2), entry("hats", 1), entry(None, 3)))
    now.add(b"bob", memberships("bob", entry("hats", 4, "control")))
    every = [(each.customer, each.value) for each in chosen(now.members(), None, "all")]
    assert every == [("ann", None), ("ann", "hats"), ("ann", "shoes"), ("bob", "hats")]
    assert [each.customer for each in chosen(now.members(), "hats", "treated")] == ["ann"]
    now.add(b"ann", memberships("ann", entry("hats", 1)))
    assert [each.value for each in chosen(now.members(), None, "treated")] == ["hats"]


def test_an_enter_is_asked_for_its_own_value(view):
    """One value left, the other held: the membership of each is its own."""
    assert view.membership(("ann", "likes", "hats")) == Membership(1, 1, None)
    assert view.membership(("ann", "likes", "shoes")) == Membership(2, 2, None)
    view._memberships("ann", memberships("ann", entry("shoes", 2)))
    gone, held = view.membership(("ann", "likes", "hats")), view.membership(("ann", "likes", "shoes"))
    assert verdict(flip("enter", "hats", 1), CRM, None, gone, ()) == "overtaken"
    assert held is not None


def test_a_flip_of_before_an_erasure_is_of_who_was_erased(view):
    """By its instant, or since Kafka has it: workers may be behind; a flip of a later life is not."""
    null = SimpleNamespace(key=b"ann", value=None, timestamp=NOW)
    view._take_in("profiles", [null])
    told = {
        (at, since): view.is_erased(
            Flip({**flip("exit", "hats", 1).event, "occurred_at": at}, *PLACES, since)
        )
        for at in (NOW - 9, NOW + 9)
        for since in (NOW - 9, NOW + 9)
    }
    assert told == {
        (NOW - 9, NOW - 9): True, (NOW - 9, NOW + 9): True, (NOW + 9, NOW - 9): True, (NOW + 9, NOW + 9): False,
    }  # fmt: skip


def test_who_was_forgotten_or_merged_was_not_erased(view):
    """The memberships are a null then, too: their exits keep what they tell."""
    view._take_in(MEMBERSHIPS, [SimpleNamespace(key=b"ann", value=None, timestamp=NOW)])
    assert not view.knows("ann")
    assert not view.is_erased(flip("exit", "hats", 1))


def test_an_exit_of_one_value_wakes_no_enter_of_another():
    """An enter that waits for its next attempt waits on."""
    lanes, enter = Lanes(9), Waiting(flip("enter", "hats", 1))
    lanes.add(enter)
    lanes.next_batch(NOW, 1)
    lanes.failed(enter, NOW)
    lanes.failed(enter, NOW + 1)
    lanes.add(Waiting(flip("exit", "shoes", 2)))
    assert lanes.next_batch(NOW + 2, 9) == []
    lanes.add(Waiting(flip("exit", "hats", 3)))
    assert lanes.next_batch(NOW + 2, 9) == [enter]


def test_what_was_sent_is_known_by_value(tmp_path):
    """The exit of a value of which nothing was sent is not sent."""
    ledger = Ledger(tmp_path / "crm.db")
    ledger.trying([flip("enter", "hats", 1)])
    assert ledger.sent(("ann", "likes", "hats")) is not None
    assert ledger.sent(("ann", "likes", "shoes")) is None
    ledger.close()


def test_all_and_the_repair_go_by_value(view):
    """`--full` has an enter for each, `--reconcile` repairs the value that is missing and the one too many."""
    found = list(everybody(view, CRM, [0] * 4, NOW))
    assert [(each.customer, each.value) for each in found] == [
        ("ann", "hats"),
        ("ann", "shoes"),
        ("bob", "hats"),
    ]
    assert len({each.id for each in found}) == 3
    listed = {("ann", "likes", "hats"), ("bob", "likes", "hats"), ("bob", "likes", "shoes")}
    missing, extra = differences(view, CRM, listed, [0] * 4, NOW)
    assert [each.key for each in missing] == [("ann", "likes", "shoes")]
    assert [each.key for each in extra] == [("bob", "likes", "shoes")]


def test_a_repair_has_the_latest_sequence_of_the_customer(view):
    """What flips afterwards is later; an exit of who has no memberships has 0, and does not tell of which stay it is."""
    missing, extra = differences(view, CRM, {("zoe", "likes", "hats"), ("bob", "likes", "old")}, [0] * 4, NOW)
    assert {each.event["sequence"] for each in missing} == {9}
    found = {each.customer: (each.event["sequence"], each.event["episode"]) for each in extra}
    assert found == {"bob": (9, 0), "zoe": (0, 0)}
