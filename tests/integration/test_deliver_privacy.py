"""Consent and erasure, from the topics to the receiver: what is sent."""

import pytest

from segments.engine import RuleSet
from tests.integration.deploying import deploy
from tests.integration.flips import told
from tests.integration.receiver import Reply
from tests.integration.worker_control import scrape, wait_until


def settled(worker, outcome):
    """How many flips came to this."""
    return scrape(worker)[f'segments_delivery_flips_total{{destination="crm",outcome="{outcome}"}}']


@pytest.mark.timeout(240)
def test_consent_is_asked_when_an_enter_is_sent(book, spawn, config, receiver):
    """Withdrawn between flip and sending: not sent; given later: neither, until the next enter. The exit goes out all the same."""
    receiver.choose = lambda _headers, _body: Reply(pause=0.5)
    for customer in ("ann", "bob"):
        book.consent(customer, True)
    book.flips(("ann", "enter", "big"), ("bob", "enter", "big"), ("cat", "enter", "big"))
    book.consent("bob", False)
    running = spawn("deliver", config(crm={"url": receiver.url, "consent": "marketing"}))
    receiver.wait(1)
    wait_until("two were asked and not sent", lambda: settled(running, "no_consent") == 2)
    book.consent("ann", False)
    book.flips(("ann", "exit", "big"), ("bob", "exit", "big"), ("cat", "exit", "big"))
    receiver.wait(2)
    wait_until("two exits without an enter", lambda: settled(running, "never_entered") == 2)
    assert told(receiver.received) == [("ann", "enter", "big"), ("ann", "exit", "big")]


@pytest.mark.timeout(240)
def test_consent_that_is_withdrawn_while_an_enter_waits_is_heeded(book, spawn, config, receiver):
    """The second attempt is not made."""
    replies = [Reply(503, {"Retry-After": "3"})]
    receiver.choose = lambda _headers, _body: replies.pop(0) if replies else Reply()
    book.consent("ann", True)
    book.flips(("ann", "enter", "big"))
    running = spawn("deliver", config(crm={"url": receiver.url, "consent": "marketing"}))
    receiver.wait(0, what=lambda: receiver.received)
    book.consent("ann", False)
    wait_until("it was asked again", lambda: settled(running, "no_consent") == 1)
    assert [each.status for each in receiver.received] == [503]


@pytest.mark.timeout(240)
def test_a_life_after_an_erasure_begins_anew(book, spawn, config, receiver):
    """Sequence 1 again: the new enter and its exit are sent, though the sequences held were larger."""
    book.flips(("ann", "enter", "big"))
    spawn("deliver", config(crm={"url": receiver.url}))
    receiver.wait(1)
    book.flips(("ann", "exit", "big"), ("ann", "enter", "big"))
    receiver.wait(3)
    book.erase("ann")
    receiver.wait(4)
    book.flips(("ann", "enter", "big"))
    receiver.wait(5)
    book.flips(("ann", "exit", "big"))
    receiver.wait(6)
    assert [each.body["data"].get("sequence") for each in receiver.taken] == [1, 2, 3, None, 1, 2]
    assert len({each.id for each in receiver.taken}) == 6


@pytest.mark.timeout(240)
def test_an_exit_that_waits_is_sent_though_the_customer_is_erased_meanwhile(book, spawn, config, receiver):
    """Whoever left before the erasure is still on the destination's list: the exit that waited goes out."""
    book.flips(("ann", "enter", "big"))
    spawn("deliver", config(crm={"url": receiver.url}))
    receiver.wait(1)
    replies = [Reply(503, {"Retry-After": "4"})]
    receiver.choose = lambda _headers, _body: replies.pop() if replies else Reply()
    book.flips(("ann", "exit", "big"))
    receiver.wait(0, what=lambda: len(receiver.received) == 2)
    book.erase("ann")
    receiver.wait(2)
    assert told(receiver.taken) == [("ann", "enter", "big"), ("ann", "exit", "big")]
    first, again = receiver.received[1:]
    assert "evidence" in first.body["data"]
    assert (again.id, again.body["data"]) == (first.id, {"customer_id": "ann", "segment": "big"})


@pytest.mark.timeout(240)
def test_a_source_that_is_deployed_is_asked_without_a_restart(
    book, run, spawn, config, receiver, environment
):
    """What a new source says counts from the next enter on, what it said before too; gone is what a removed one said."""
    for customer in ("ann", "bob"):
        book.consent(customer, True)
    running = spawn("deliver", config(crm={"url": receiver.url, "consent": "marketing"}))
    book.flips(("ann", "enter", "big"))
    receiver.wait(1)
    created = run("topics", "create", env={"SEGMENTS_PROFILE_SOURCES": "crm"}).stdout
    assert "created  profiles-crm" in created
    book.consent("bob", False, topic="profiles-crm")
    deploy(environment, "with", None, RuleSet([]), sources=["crm"])
    book.flips(("bob", "enter", "big"))
    wait_until("bob was asked and not sent", lambda: settled(running, "no_consent") == 1)
    deploy(environment, "without", "with", RuleSet([]))
    book.flips(("bob", "exit", "big"), ("bob", "enter", "big"))
    receiver.wait(2)
    assert told(receiver.received) == [("ann", "enter", "big"), ("bob", "enter", "big")]
