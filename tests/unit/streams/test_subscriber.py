"""The subscriber of deploy/subscribers: the two halves of a merge are netted by their cause."""

import sqlite3
import time

import pytest

from deploy.subscribers import subscriber


@pytest.fixture
def db():
    """An empty file of a subscriber, in memory."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(subscriber.TABLES)
    return connection


def _half(customer, transition, segment="loyal", cause="login-1", arm=None):
    return {
        "customer_id": customer, "transition": transition, "segment": segment, "value": None,
        "cause": {"event_id": cause}, "arm": arm,
    }  # fmt: skip


def _told(db, seconds_later):
    announced = []
    before = time.time() + seconds_later - subscriber.MERGE_SECONDS
    subscriber.announce_halves(db, before, announced.append)
    return [(each["customer_id"], each["transition"]) for each in announced]


@pytest.mark.parametrize("first", ["exit", "enter"])
def test_an_exit_and_an_enter_of_one_merge_are_no_news(db, first):
    """Whichever half comes first, and whatever else the login did not merge."""
    halves = [_half("anon", "exit"), _half("anna", "enter")]
    for half in halves if first == "exit" else reversed(halves):
        subscriber.net(db, half)
    assert _told(db, 61) == []


def test_a_half_without_its_other_is_announced_after_a_minute(db):
    """Another segment, or another merge, is not the other half; each is told once."""
    subscriber.net(db, _half("anon", "exit"))
    subscriber.net(db, _half("anna", "enter", segment="other"))
    subscriber.net(db, _half("carl", "enter", cause="login-2"))
    assert _told(db, 59) == []
    assert sorted(_told(db, 61)) == [("anna", "enter"), ("anon", "exit"), ("carl", "enter")]
    assert _told(db, 61) == []


@pytest.mark.parametrize("first", ["exit", "enter"])
@pytest.mark.parametrize(
    ("exit_arm", "enter_arm", "expected"),
    [
        ("treated", "treated", []),
        ("control", "control", []),
        ("treated", "control", [("anon", "exit")]),
        ("control", "treated", [("anna", "enter")]),
    ],
)
def test_a_half_of_the_control_group_nets_nobody(db, first, exit_arm, enter_arm, expected):
    """Its enters and exits are never announced, so the other half is news, in whichever order they come."""
    halves = [_half("anon", "exit", arm=exit_arm), _half("anna", "enter", arm=enter_arm)]
    for half in halves if first == "exit" else reversed(halves):
        subscriber.net(db, half)
    assert _told(db, 61) == expected
