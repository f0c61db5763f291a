"""Profiles by source: each is whole for its own topic, and rules read what all of them tell together."""

from random import Random

import pytest

import segments
from segments.engine import Deployment, EngineSettings, Record, RuleSet
from segments.insight.plain import EventError
from segments.insight.replay import Replay
from segments.language import Segment, consent, page_view, profile
from tests.kit.alone import assert_alone_as_whole
from tests.properties.comparing import differences
from tests.properties.drive import step_by_step, whole
from tests.properties.model import World
from tests.properties.records import DAY, HOUR, START, click, erase
from tests.properties.records import profile as sent
from tests.properties.stories import Example, Phase
from tests.unit.driving import Driver

ADULT = Segment(id="adult", when=profile("age") >= 18)
WORTHY = Segment(id="worthy", when=[profile("age") >= 18, profile("clv") > 1000])
MAILED = Segment(id="mailed", when=consent("mail"))
TRAVELLER = Segment(id="traveller", when=profile("interests").has("travel"))
READER = Segment(id="reader", when=[ADULT, page_view.within(days=7).count() >= 1])
CRM, SCORES = "profiles-crm", "profiles-scores"


def told(rules, *arrivals):
    """The flips of one who is told of so: segment, word, hours after the beginning, reason; the oracle agrees."""
    drawn = Example(tuple(rules), 0, (Phase(arrivals, None),))
    world, worker = World(drawn), whole(drawn)
    assert differences(drawn, world.run(), worker) == []
    alike = step_by_step(drawn)
    assert alike.output.flips == worker.output.flips
    assert alike.customers == worker.customers
    flips = worker.output.flips.get("ann", [])
    return [
        (each["segment"], each["transition"], (each["occurred_at"] - START) // HOUR, each["reason"])
        for each in flips
    ]


def test_a_score_erases_no_age():
    """A record of another source leaves what `profiles` told; one of `profiles` replaces it."""
    assert told(
        [ADULT, WORTHY],
        sent(0, age=30),
        sent(HOUR, topic=SCORES, clv=1200),
        sent(2 * HOUR, topic=SCORES, clv=900),
        sent(3 * HOUR, clv=1200),
    ) == [
        ("adult", "enter", 0, "profile"),
        ("worthy", "enter", 1, "profile"),
        ("worthy", "exit", 2, "profile"),
        ("adult", "exit", 3, "profile"),
    ]


def test_of_one_name_the_later_counts_then_the_greater_topic():
    """An older record of the same source has no effect, one of another source has, where nobody told later."""
    assert told(
        [ADULT],
        sent(5 * HOUR, age=30),
        sent(4 * HOUR, topic=CRM, age=10),
        sent(5 * HOUR, topic=CRM, age=11, id="second"),
        sent(4 * HOUR, topic=CRM, age=40, id="third"),
        sent(5 * HOUR, topic=SCORES, age=50),
    ) == [
        ("adult", "enter", 5, "profile"),
        ("adult", "exit", 5, "profile"),
        ("adult", "enter", 5, "profile"),
    ]


def test_a_consent_is_of_all_sources():
    """Given if one says true and none says false; the reason is `consent`, whichever source changed it."""
    yes, no = {"mail": True}, {"mail": False}
    assert told(
        [MAILED],
        sent(0, consents=yes),
        sent(HOUR, topic=CRM, age=3),
        sent(2 * HOUR, topic=CRM, consents=no),
        sent(3 * HOUR, topic=CRM, consents=yes),
        sent(4 * HOUR),
        sent(5 * HOUR, topic=CRM),
    ) == [
        ("mailed", "enter", 0, "consent"),
        ("mailed", "exit", 2, "consent"),
        ("mailed", "enter", 3, "consent"),
        ("mailed", "exit", 5, "consent"),
    ]


def test_lists_and_erasures_of_a_source():
    """Lists are merged like attributes; a null in any of the topics erases the customer, all sources included."""
    assert told(
        [ADULT, TRAVELLER],
        sent(0, age=30),
        sent(HOUR, topic=CRM, lists={"interests": ["travel"]}),
        erase(2 * HOUR, topic=CRM),
        sent(3 * HOUR, topic=CRM, age=30),
        sent(4 * HOUR, topic=CRM),
    ) == [
        ("adult", "enter", 0, "profile"),
        ("traveller", "enter", 1, "profile"),
        ("adult", "exit", 2, "erasure"),
        ("traveller", "exit", 2, "erasure"),
        ("adult", "enter", 3, "profile"),
        ("adult", "exit", 4, "profile"),
    ]


def test_a_customer_without_other_sources_costs_no_byte():
    """The state of one of whom `profiles` alone tells is the same, whatever sources the rule set has."""
    states = []
    for sources in ((), ("crm", "scores")):
        held: dict[bytes, bytes] = {}
        records = [_record("profiles", 0, 0, age=30.0), _record("profiles", 1, HOUR, age=31.0)]
        replay = Replay(
            0, 1, {"profiles": records}, RuleSet([ADULT], sources=sources), EngineSettings(grace=0)
        )
        for effects in replay.run():
            effects.commit_to(held)
        states.append(held[b"ann"])
    assert states[0] == states[1]


def test_a_withdrawal_of_a_source_is_never_refused():
    """At the limit its consents alone take effect, beside the attributes that its own source told before."""
    driver = Driver(MAILED, ADULT, limit=2, sources=("crm",))
    driver.profile(0, age=30.0, consents={"mail": True})
    driver.profile(1, topic=CRM, id="p1", age=31.0, consents={"mail": True})
    driver.click(2)
    driver.profile(3, topic=CRM, id="p2", age=3.0, consents={"mail": False})
    driver.profile(4, topic=CRM, id="p3", age=3.0, consents={})
    assert [(flip["segment"], flip["transition"], flip["reason"]) for flip in driver.events] == [
        ("adult", "enter", "profile"),
        ("mailed", "enter", "consent"),
        ("mailed", "exit", "consent"),
    ]
    assert [letter[2] for letter in driver.letters] == ["customer_limit", "customer_limit"]


def _record(topic, offset, at, customer="ann", **attributes):
    event = {"event_id": f"{topic}-{offset}", "customer_id": customer, "occurred_at": START + at}
    maps = {"attributes": attributes, "consents": {}, "lists": {}}
    return Record(topic, offset, START + at, customer.encode(), None, event | maps)


def _deployment(offset, at, sources, follows=None):
    rules = RuleSet([ADULT, WORTHY, READER], sources=sources)
    return Deployment(
        offset, START + at, f"d{offset}", follows, START + at, "rules", rules, EngineSettings(grace=0)
    )


def test_a_source_comes_and_goes_with_deployments():
    """One that is added is read from its start; what a removed one told is gone, reason `rule_changed`."""
    view = click(HOUR, "page_view").event
    log = {
        "profiles": [_record("profiles", 0, 0, age=30.0), _record("profiles", 1, 9 * DAY)],
        "profiles-crm": [_record(CRM, 0, HOUR, clv=2000.0), _record(CRM, 1, HOUR, "bob", age=40.0)],
        "clickstream": [Record("clickstream", 0, START + HOUR, b"ann", None, view)],
    }
    deployments = [
        _deployment(0, 0, ()),
        _deployment(1, DAY, ("crm",), "d0"),
        _deployment(2, 2 * DAY, (), "d1"),
        _deployment(3, 3 * DAY, ("crm",), "d2"),
    ]
    replay = Replay(0, 1, log, None, EngineSettings(grace=0), deployments)
    flips = [flip for effects in replay.run() for _, flip in effects.segment_events]
    shown = [
        (
            flip["customer_id"],
            flip["segment"],
            flip["transition"],
            (flip["occurred_at"] - START) // HOUR,
            flip["reason"],
        )
        for flip in flips
    ]
    assert shown == [
        ("ann", "adult", "enter", 0, "profile"),
        ("ann", "reader", "enter", 1, "event"),
        ("ann", "worthy", "enter", 1, "profile"),
        ("bob", "adult", "enter", 1, "profile"),
        ("ann", "worthy", "exit", 48, "rule_changed"),
        ("bob", "adult", "exit", 48, "rule_changed"),
        ("ann", "worthy", "enter", 48, "late_event"),
        ("bob", "adult", "enter", 48, "late_event"),
        ("ann", "reader", "exit", 169, "timer"),
        ("ann", "adult", "exit", 216, "profile"),
        ("ann", "worthy", "exit", 216, "profile"),
    ]


def test_a_source_that_is_back_within_a_day_tells_all_again():
    """Its records are no duplicates of themselves: what they told is gone, so they are read as if never."""
    log = {
        "profiles": [_record("profiles", 0, 0, age=30.0)],
        CRM: [_record(CRM, 0, HOUR, clv=2000.0), _record(CRM, 1, 2 * HOUR, clv=3000.0)],
    }
    deployments = [
        _deployment(0, 0, ("crm",)),
        _deployment(1, 3 * HOUR, (), "d0"),
        _deployment(2, 4 * HOUR, ("crm",), "d1"),
    ]
    replay = Replay(0, 1, log, None, EngineSettings(grace=0), deployments)
    flips = [flip for effects in replay.run() for _, flip in effects.segment_events]
    assert [(flip["segment"], flip["transition"], flip["reason"]) for flip in flips] == [
        ("adult", "enter", "profile"),
        ("worthy", "enter", "profile"),
        ("worthy", "exit", "rule_changed"),
        ("worthy", "enter", "late_event"),
    ]


@pytest.mark.parametrize("seed", range(30))
def test_one_customer_alone_is_as_in_the_whole_log(seed):
    """Sources come and go with deployments, profiles come late: flips, answer and clock of a customer are the same."""
    random = Random(seed)
    log, at = {topic: [] for topic in ("clickstream", "profiles", CRM, SCORES)}, 0
    for _ in range(60):
        at += random.randrange(6 * HOUR)
        topic, customer = random.choice(list(log)), random.choice(("ann", "bob"))
        then = max(0, at - random.randrange(2) * random.randrange(DAY))
        known = {"age": float(random.choice((17, 30))), "clv": float(random.choice((900, 1200)))}
        told = dict(random.sample(sorted(known.items()), random.randrange(3)))
        record = _record(topic, len(log[topic]), then, customer, **told)
        if topic == "clickstream":
            event = click(then, "page_view", customer, record.event["event_id"]).event
            record = Record(topic, record.offset, record.timestamp, record.key, None, event)
        log[topic].append(record)
    drawn = [tuple(random.sample(("crm", "scores"), random.randrange(3))) for _ in range(4)]
    deployments = [
        _deployment(place, random.randrange(at) * (place > 0), sources, f"d{place - 1}" if place else None)
        for place, sources in enumerate(drawn)
    ]
    until = START + at + random.randrange(9 * DAY)
    assert_alone_as_whole(log, EngineSettings(grace=0), deployments, ("ann", "bob"), until)


def test_python_reads_the_sources_that_events_name():
    """`segments.replay` needs no setting; a topic that is none is an error that names it."""
    known = {"customer_id": "ann", "occurred_at": "2026-01-01T00:00:00Z"}
    events = [
        known | {"topic": "profiles", "event_id": "1", "attributes": {"age": 30}},
        known | {"topic": SCORES, "event_id": "2", "attributes": {"clv": 1200}},
    ]
    flips = segments.replay(events, [WORTHY, ADULT])
    assert [flip["segment"] for flip in flips] == ["adult", "worthy"]
    with pytest.raises(EventError, match=r"expected .*profiles-NAME"):
        segments.replay([events[0] | {"topic": "profile-scores"}], [WORTHY])
