"""Whose each record is where ids became one customer: by links alone, and as the engine has it."""

import random

import pytest

from segments.engine import EngineSettings, Record, RuleSet
from segments.insight.identity import TRANSFERS, identity_of
from segments.insight.owners import MOST, NEVER, Owners
from segments.insight.replay import Replay
from segments.language import Segment, page_view
from tests.properties.records import START, Arrival, click, erase

RULES = RuleSet([Segment(id="seen", when=page_view.within(days=30).count() >= 1)])
IDS = ("a", "b", "c", "d")


def link(at, name, into, action="link"):
    """A link, as a record of `identities` has it."""
    return {
        "event_id": f"{action}-{name}-{into}-{at}", "customer_id": name, "occurred_at": at, "into": into,
        "action": action, "source": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("links", "erasures", "asked", "owner"),
    [
        ([link(5, "phone", "anna")], [], ("phone", 1), "anna"),
        ([link(5, "phone", "anna")], [], ("phone", 9), "anna"),
        ([link(5, "phone", "anna"), link(6, "anna", "ann")], [], ("phone", 1), "ann"),
        ([link(6, "phone", "anna"), link(5, "anna", "ann")], [], ("phone", 1), "ann"),
        ([link(5, "phone", "anna"), link(6, "phone", "bob")], [], ("phone", 9), "anna"),
        ([link(5, "phone", "anna"), link(7, "phone", "anna", "unlink")], [], ("phone", 7), "anna"),
        ([link(5, "phone", "anna"), link(7, "phone", "anna", "unlink")], [], ("phone", 8), "phone"),
        ([link(5, "phone", "anna"), link(7, "phone", "bob", "unlink")], [], ("phone", 8), "anna"),
        (
            [link(5, "phone", "anna"), link(7, "phone", "anna", "unlink"), link(9, "phone", "bob")],
            [],
            ("phone", 8),
            "bob",
        ),
        ([link(5, "phone", "anna")], [("anna", 7)], ("phone", 7), "anna"),
        ([link(5, "phone", "anna")], [("anna", 7)], ("phone", 8), "phone"),
        ([link(5, "phone", "anna"), link(6, "tablet", "anna")], [("phone", 7)], ("tablet", 8), "tablet"),
        ([link(5, "b", "a"), link(6, "a", "b")], [], ("b", 9), "a"),
        ([link(5, "a", "b"), link(6, "b", "a")], [], ("b", 9), "a"),
        ([link(5, "a", "a")], [], ("a", 9), "a"),
    ],
    ids=[
        *(
            "before the link",
            "after it",
            "chain",
            "chain whose end came first",
            "shared device",
            "at an unlink",
        ),
        *("after an unlink", "an unlink of another", "handed on", "at an erasure", "after an erasure"),
        *("after the erasure of another", "ring", "the same ring", "itself"),
    ],
)
def test_whose_a_record_is(links, erasures, asked, owner):
    """By its instant: before or after the link, and up to an `unlink` or an erasure, of the id that goes on."""
    assert Owners(links, erasures).owner(*asked) == owner


def test_so_many_ids_are_merged_and_no_more():
    """The hundred and first stays a customer of its own, as the workers refuse it."""
    owners = Owners([link(n, f"v{n}", "anna") for n in range(MOST + 1)])
    owned = [owners.owner(f"v{n}", NEVER) for n in range(MOST + 1)]
    assert owned == ["anna"] * MOST + [f"v{MOST}"]


def test_ids_lead_where_they_lead_in_the_engine():
    """After any links, unlinks and erasures, in chains and rings, every id leads to the same one."""
    led, rings = 0, 0
    for seed in range(150):
        chance, links, erasures = random.Random(seed), [], []
        arrivals = [click(0, "page_view", name, f"e-{name}") for name in IDS]
        for at in range(10, 10 * chance.randrange(3, 12), 10):
            name, into = chance.choice(IDS), chance.choice(IDS)
            if chance.random() < 0.1:
                erasures.append((name, START + at))
                arrivals.append(erase(at, name))
                # Of whom nothing is remembered there is nothing to merge.
                arrivals += [click(at + 1, "page_view", each, f"e-{each}-{at}") for each in IDS]
                continue
            links.append(link(START + at, name, into, "unlink" if chance.random() < 0.2 else "link"))
            arrivals.append(Arrival("identities", name, links[-1], START + at))
        leads, linked = in_engine(arrivals)
        owners = Owners(links, erasures)
        assert {name: owners.owner(name, NEVER) for name in IDS} == leads, seed
        led += sum(name != end for name, end in leads.items())
        rings += linked.get("cycle", 0)
    assert led > 100
    assert rings > 10


def in_engine(arrivals):
    """Where each id leads, and what became of the links."""
    log, counts = {}, {}
    for each in arrivals:
        records = log.setdefault(each.topic, [])
        records.append(
            Record(each.topic, len(records), each.timestamp, each.customer.encode(), b"", each.event)
        )
    replay = Replay(0, 1, log, RULES, EngineSettings(grace=0), (), TRANSFERS)
    for effects in replay.run():
        for name, count in effects.links.items():
            counts[name] = counts.get(name, 0) + count

    def end(name):
        while (found := identity_of(replay.partition, name)) and found["into"]:
            name = found["into"]
        return name

    return {name: end(name) for name in IDS}, counts
