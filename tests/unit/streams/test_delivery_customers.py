"""Consents and erasures by all ids of a customer: links, unlinks and nulls as they come, in whatever order."""

import random
import sqlite3

import pytest

import schemas
from segments.language import Segment, consent
from streams.delivery.customers import Customers
from tests.properties.linked import link as link_of
from tests.properties.records import START, erase
from tests.properties.records import click as click_of
from tests.properties.records import profile as profile_of
from tests.unit.engine.shop import Shop

T = 1_795_945_203_000


@pytest.fixture
def known():
    """Nobody is known yet; two consents are asked for."""
    return Customers(sqlite3.connect("", isolation_level=None), {"mail", "phone"})


def told(known, customer, at, topic="profiles", **consents):
    """A profile of a customer, which Kafka has at that instant."""
    profile = {
        "event_id": f"{customer}-{at}", "customer_id": customer, "occurred_at": T + at, "attributes": {},
        "consents": consents,
    }  # fmt: skip
    known.profile(topic, customer, schemas.encode(schemas.PROFILE, profile), T + at)


def linked(known, customer, into, at, action="link"):
    """A link."""
    link = {
        "event_id": f"{customer}-{into}-{at}", "customer_id": customer, "into": into, "occurred_at": T + at,
        "action": action, "source": None,
    }  # fmt: skip
    known.link(customer, schemas.encode("Link", link), T + at)


def erased(known, customer, at):
    """A null."""
    known.profile("profiles", customer, None, T + at)


def test_a_profile_replaces_the_one_before_and_every_source_counts(known):
    """The latest of a source; some source says yes, and none says no; an older one has no effect."""
    told(known, "ann", 5, mail=True, phone=True, other=True)
    assert known.consents("ann") == {"mail", "phone"}
    told(known, "ann", 4, mail=False)
    assert known.consents("ann") == {"mail", "phone"}
    told(known, "ann", 6, mail=True)
    assert known.consents("ann") == {"mail"}
    told(known, "ann", 1, "profiles-crm", mail=False)
    assert known.consents("ann") == frozenset()


def test_what_a_source_told_is_gone_with_it(known):
    """A deployment without the source takes away its yes and its no."""
    told(known, "ann", 1, mail=True)
    told(known, "ann", 2, "profiles-crm", mail=False, phone=True)
    assert known.consents("ann") == {"phone"}
    known.forget("profiles-crm")
    assert known.consents("ann") == {"mail"}


@pytest.mark.parametrize("link_first", [True, False])
def test_a_consent_withdrawn_under_an_absorbed_id_is_withdrawn(known, link_first):
    """Before or after the link; one that is given there later counts, too; nobody else is touched."""
    told(known, "ann", 1, mail=True)
    told(known, "bob", 1, mail=True)
    if link_first:
        linked(known, "phone-7", "ann", 2)
    told(known, "phone-7", 3, mail=False)
    if not link_first:
        assert known.consents("ann") == {"mail"}
        linked(known, "phone-7", "ann", 4)
    assert known.consents("ann") == frozenset()
    assert known.consents("bob") == {"mail"}
    told(known, "phone-7", 5, mail=True)
    assert known.consents("ann") == known.consents("phone-7") == {"mail"}


def test_of_one_instant_the_profile_of_who_goes_on_counts(known):
    """As with the workers."""
    linked(known, "phone-7", "ann", 0)
    told(known, "phone-7", 3, mail=False)
    told(known, "ann", 3, mail=True)
    assert known.consents("ann") == {"mail"}


def test_links_chain_and_a_second_one_elsewhere_has_no_effect(known):
    """A profile under an id that is three links away counts; a shared device does not merge two people."""
    told(known, "ann", 1, mail=True)
    told(known, "eve", 1, mail=True)
    linked(known, "cookie", "phone-7", 2)
    linked(known, "phone-7", "mail-3", 3)
    linked(known, "mail-3", "ann", 4)
    linked(known, "cookie", "eve", 5)
    linked(known, "ann", "cookie", 6)  # a ring
    told(known, "cookie", 7, mail=False)
    assert known.consents("ann") == frozenset()
    assert known.consents("eve") == {"mail"}


def test_after_an_unlink_what_was_merged_stays_and_what_comes_does_not_count(known):
    """A consent that was withdrawn while the ids were one is withdrawn; a link of before the unlink is ignored."""
    told(known, "ann", 1, mail=True, phone=True)
    linked(known, "phone-7", "ann", 2)
    told(known, "phone-7", 3, mail=False, phone=True)
    linked(known, "phone-7", "ann", 4, "unlink")
    assert known.consents("ann") == {"phone"}
    linked(known, "tablet", "ann", 5)
    linked(known, "tablet", "ann", 6, "unlink")
    linked(known, "tablet", "ann", 6)
    told(known, "tablet", 9, phone=False)
    assert known.consents("ann") == {"phone"}
    linked(known, "tablet", "ann", 7)
    assert known.consents("ann") == frozenset()


def test_an_id_that_was_given_back_has_agreed_to_nothing(known):
    """What it said while it was merged is the other customer's, until it says something of its own: a consent is not copied."""
    linked(known, "phone-7", "ann", 2)
    told(known, "phone-7", 3, mail=True)
    linked(known, "phone-7", "ann", 4, "unlink")
    assert (known.consents("phone-7"), known.consents("ann")) == (frozenset(), {"mail"})
    told(known, "phone-7", 5, mail=True)
    assert (known.consents("phone-7"), known.consents("ann")) == ({"mail"}, frozenset())


def test_an_erasure_by_another_id_holds_for_who_is_merged_later(known):
    """What an erased customer said before is not brought by a later link, and does not outlive that of who goes on."""
    told(known, "phone-7", 1, mail=True)
    linked(known, "cookie", "phone-7", 2)
    erased(known, "cookie", 3)
    linked(known, "phone-7", "ann", 4)
    assert known.consents("ann") == frozenset()
    told(known, "tablet", 5, mail=True)
    erased(known, "ann", 6)
    linked(known, "tablet", "ann", 7)
    assert known.consents("ann") == frozenset()


AGREED = Segment(id="agreed", en="Agreed", nl="Akkoord", when=consent("mail"))
IDS = ("a", "b", "c", "d")


def test_consents_are_those_that_the_engine_has():
    """After any links, unlinks, erasures and rings, where each id says something once: what Kafka keeps of it."""
    merged = agreed = 0
    for seed in range(150):
        chance = random.Random(seed)
        # Of whom nothing is remembered there is nothing to merge, and no ring is found.
        arrivals = [click_of(0, "page_view", each, f"e-{each}") for each in IDS]
        known, quiet = Customers(sqlite3.connect("", isolation_level=None), {"mail"}), list(IDS)
        for at in range(10, 10 * chance.randrange(4, 14), 10):
            name, into, what = chance.choice(IDS), chance.choice(IDS), chance.random()
            if what < 0.1:
                erased(known, name, at)
                arrivals.append(erase(at, name))
                arrivals += [click_of(at + 1, "page_view", each, f"e-{each}-{at}") for each in IDS]
            elif what < 0.4 and quiet:
                name = quiet.pop(chance.randrange(len(quiet)))
                given = chance.random() < 0.7
                told(known, name, at, mail=given)
                arrivals.append(profile_of(at, name, f"{name}-{at}", consents={"mail": given}))
            else:
                action = "unlink" if what > 0.85 else "link"
                linked(known, name, into, at, action)
                arrivals.append(link_of(START + at, name, into, f"l{at}", action))
        shop = Shop(1, [AGREED]).live(*arrivals)
        for name in IDS:
            end = name
            while (found := shop.of(end)) and found["into"]:
                end = found["into"]
            assert (known.consents(name) == {"mail"}) is (shop.inside(end) == {"agreed"}), (seed, name)
            merged += end != name
            agreed += bool(known.consents(name))
    assert merged > 100
    assert agreed > 100


def test_an_erasure_of_one_id_erases_all_of_them(known):
    """Consents of before count no more, and each id is itself again: what it says afterwards is its own."""
    told(known, "ann", 1, mail=True)
    linked(known, "phone-7", "ann", 2)
    erased(known, "phone-7", 5)
    assert known.consents("ann") == frozenset()
    assert known.erased_at("ann") == known.erased_at("phone-7") == T + 5
    assert known.erased_at("bob") is None
    told(known, "ann", 5, mail=True)
    assert known.consents("ann") == frozenset()
    told(known, "ann", 6, mail=True)
    told(known, "phone-7", 7, mail=False)
    assert known.consents("ann") == {"mail"}
    linked(known, "phone-7", "ann", 4)
    assert known.consents("ann") == {"mail"}
    linked(known, "phone-7", "ann", 8)
    assert known.consents("ann") == frozenset()


def test_the_same_link_at_each_login_is_kept_twice(known):
    """The first one and the latest: a visitor who logs in every day takes no more room than one who did so twice."""
    for at in range(1, 9):
        linked(known, "phone-7", "ann", at)
    assert known._db.execute("SELECT at FROM link").fetchall() == [(T + 1,), (T + 8,)]


def test_a_profile_or_link_that_workers_refuse_has_no_effect(known):
    """From the future, of another key, of an unknown action, into itself."""
    told(known, "ann", 1, mail=True)
    profile = {"event_id": "e", "customer_id": "ann", "occurred_at": T, "attributes": {}, "consents": {}}
    known.profile(
        "profiles", "ann", schemas.encode(schemas.PROFILE, profile | {"occurred_at": T + 400_000}), T
    )
    known.profile("profiles", "ann", schemas.encode(schemas.PROFILE, profile | {"customer_id": "x"}), T + 9)
    told(known, "phone-7", 2, mail=False)
    linked(known, "phone-7", "ann", 3, "merge")
    linked(known, "ann", "ann", 3)
    known.link("phone-7", None, T)
    assert known.consents("ann") == {"mail"}
