"""Measures are filled from history while the rules run: `fill` in a log, whatever the runs, commits and crashes."""

import base64
from random import Random

import pytest

from segments.engine import BEFORE_ALL, BORDERS, FILL, Chain, RuleSet
from segments.insight.ranking import unpacked
from segments.insight.why import why
from segments.language import Segment, Stages, page_view, product_view, purchase
from streams.http import worths
from tests.kit.lives import by_customer
from tests.unit.driving import DAY, HOUR, START, asked_for, deployed
from tests.unit.engine.living import (
    BOTH,
    BUYER,
    PAGES,
    QUIET,
    SEEN,
    VISITOR,
    FillingLife,
    Log,
    event,
    replayed,
    shoppers,
    told,
)

ENTERED = ("buyer", "enter", "rule_added")


def filled(old, new, at, then, *wanted):
    """Three deployments: rules, a filling of measures of others at an instant, and these rules at another one."""
    asked = asked_for(RuleSet(new), *(wanted or RuleSet(new).ids))
    return [
        deployed(0, 0, RuleSet(old)),
        deployed(1, at, asked, "d0", FILL, "d2-fill"),
        deployed(2, then, RuleSet(new), "d0"),
    ]


def remembered(partition, customer):
    """Measures and memberships of a customer."""
    answer = why(partition, customer)
    return [(each["segment"], each["inside"], each["evidence"]) for each in answer["segments"]]


@pytest.mark.parametrize("seed", range(40))
def test_any_life_fills_the_same(seed):
    """Any runs, commits and crashes flip as a replay does; at the end each rule knows what it would always have known."""
    random = Random(seed)
    log, end = shoppers(random)
    new = [SEEN, PAGES, BUYER, VISITOR, QUIET, BOTH]
    deployments = filled([SEEN, QUIET], new, end // 2, 2 * end // 3)
    life = FillingLife(log.records, deployments)
    for _ in range(250):
        life.step(random)
    life.finish()
    flips, partition = replayed(log, deployments)
    assert by_customer(life.flips) == by_customer(flips)
    assert any(each["reason"] == "rule_added" for each in flips)
    _, always = replayed(log, [deployed(0, 0, RuleSet(new))])
    for customer in "abcdefg":
        assert remembered(life.partition, customer) == remembered(always, customer), customer
        assert remembered(partition, customer) == remembered(always, customer), customer
    assert life.partition.known_since == always.known_since == {}


def test_old_rules_flip_until_the_change():
    """Meanwhile nobody enters what is filled; at the change they do, with the values of always, by one deployment."""
    log = Log()
    log.add(0, "purchase", amount=2000)
    log.add(HOUR, "purchase", amount=1500)
    for hour in (2, 30, 31):
        log.add(hour * HOUR)
    log.add(60 * HOUR, customer="other")
    flips, _ = replayed(log, filled([SEEN], [SEEN, BUYER], 25 * HOUR, 50 * HOUR))
    assert [(*each, flip["occurred_at"] - START) for each, flip in zip(told(flips), flips, strict=True)] == [
        ("seen", "enter", "event", 30 * HOUR),
        ("buyer", "enter", "rule_added", 50 * HOUR),
    ]
    assert flips[1]["evidence"][0]["value"] == "35.00"
    assert flips[1]["cause"]["event_id"] == "d2"


def test_another_rule_set_ends_a_filling():
    """However far it is: rules that come instead know events from their own take-over on."""
    log = Log()
    log.add(0, "purchase", amount=5000)
    log.add(9 * HOUR)
    asked = asked_for(RuleSet([SEEN, BUYER]), "buyer")
    deployments = [
        deployed(0, 0, RuleSet([SEEN])),
        deployed(1, 2 * HOUR, asked, "d0", FILL, "d9-fill"),
        deployed(2, 3 * HOUR, RuleSet([SEEN, BUYER]), "d0"),
    ]
    life = FillingLife(log.records, deployments)
    life.finish()
    assert (told(life.flips), told(replayed(log, deployments)[0])) == ([], [])
    assert life.partition.known_since == {"purchase.within(days=30).sum(purchase.amount)": START + 3 * HOUR}
    assert life.partition.filling is None


def test_borders_do_not_end_a_filling():
    """They are taken over amid it, and the rules that wait for it follow them, and know their past."""
    log = Log()
    log.add(0, "purchase", amount=5000)
    log.add(9 * HOUR)
    deployments = [
        deployed(0, 0, RuleSet([SEEN])),
        deployed(1, HOUR, asked_for(RuleSet([SEEN, BUYER]), "buyer"), "d0", FILL, "d3-fill"),
        deployed(2, 2 * HOUR, None, "d0", BORDERS),
        deployed(3, 3 * HOUR, RuleSet([SEEN, BUYER]), "d2"),
    ]
    life = FillingLife(log.records, deployments)
    life.finish()
    assert told(life.flips) == told(replayed(log, deployments)[0]) == [ENTERED]
    assert (life.partition.known_since, life.partition.filling) == ({}, None)


def test_a_filled_measure_can_be_asked_for():
    """Before its rules come: of all customers, by what the history has, so that a border can be taken of it."""
    log = Log()
    for place, name in enumerate("abc"):
        log.add(place, "purchase", name, amount=1000 * (place + 1))
    log.add(9 * HOUR)
    life = FillingLife(log.records, filled([SEEN], [SEEN, BUYER], HOUR, 2 * HOUR)[:2])
    spent = "purchase.within(days=30).sum(purchase.amount)"
    assert not life.partition.measures(spent)
    life.finish()
    assert (life.partition.measures(spent), life.partition.since(spent)) == (True, None)
    answer = worths._asked(life.partition, list(life.states), [spent], None)
    millions = [each // 1_000_000 for each in unpacked(base64.b64decode(answer["values"][spent]))]
    assert (millions, answer["known_since"]) == ([10, 20, 30], {})


def test_the_rules_of_a_filling_wait_for_it():
    """A partition that is not filled stands still at its rules, and goes on once it is."""
    log = Log()
    log.add(0, "purchase", amount=5000)
    log.add(9 * HOUR)
    log.add(10 * HOUR)
    life = FillingLife(log.records, filled([SEEN], [SEEN, BUYER], HOUR, 2 * HOUR))
    for _ in range(5):
        for topic in life.fetched:
            life.fetch(topic, 9)
        life.advance()
    assert (life.partition.filling.done, life.partition.buffered("clickstream")) == (False, 2)
    life.finish()
    assert told(life.flips) == [ENTERED, ("seen", "enter", "event")]


def test_what_was_erased_stays_erased():
    """Neither what came before an erasure counts, before the filling or amid it, nor who was erased and stayed away."""
    log = Log()
    for customer in ("c", "gone", "later"):
        log.add(0, "purchase", customer, amount=5000)
    log.erase(HOUR)
    log.erase(HOUR, "gone")
    log.add(2 * HOUR, "purchase", amount=1000)
    log.add(4 * HOUR, customer="other")
    life = FillingLife(log.records, filled([SEEN], [SEEN, BUYER], 3 * HOUR, 30 * HOUR))
    for _ in range(4):
        for topic in life.fetched:
            life.fetch(topic, 99)
        life.advance()
    assert life.partition.filling is not None
    log.erase(5 * HOUR, "later")
    log.add(31 * HOUR, "purchase", amount=2000)
    life.finish()
    assert told(life.flips) == [("buyer", "enter", "event")]
    assert life.flips[0]["evidence"][0]["value"] == "30.00"


def test_who_was_forgotten_is_remembered_again():
    """Older rules looked back a week: who was silent for longer comes back with what the new rule wants to know."""
    log = Log()
    log.add(0, "purchase", amount=5000)
    log.add(10 * DAY, customer="other")
    log.add(12 * DAY, customer="other")
    flips, partition = replayed(log, filled([SEEN], [SEEN, BUYER], 11 * DAY, 11 * DAY + HOUR))
    assert told(flips) == [ENTERED, ("seen", "enter", "event")]
    assert remembered(partition, "c")[0][1] is True


def test_a_history_cut_short():
    """What retention has deleted is missing: the measure is known from there on, and said to be."""
    log = Log()
    log.add(0, "purchase", amount=1000)
    log.add(5 * DAY, "purchase", amount=1000)
    life = FillingLife(log.records, filled([SEEN], [SEEN, BUYER], 6 * DAY, 7 * DAY))
    while life.partition.filling is None or life.partition.sweeping:
        for topic in life.fetched:
            life.fetch(topic, 9)
        life.advance()
    life.fill(5000)
    life.partition.filled({"transactions": START + 4 * DAY})
    life.finish()
    assert life.partition.known_since == {"purchase.within(days=30).sum(purchase.amount)": START + 4 * DAY}


def test_a_rule_that_runs_already_is_filled():
    """It was deployed without its past: with it, it is looked at again, and who reads it too."""
    log = Log()
    for number in range(3):
        log.add(number * HOUR, "purchase", amount=1000)
        log.add(number * HOUR)
    log.add(9 * HOUR)
    rules = RuleSet([SEEN, BUYER, BOTH])
    deployments = [
        deployed(0, 0, RuleSet([SEEN])),
        deployed(1, 4 * HOUR, rules, "d0"),
        deployed(2, 5 * HOUR, asked_for(rules, "buyer"), "d1", FILL, "d3-fill"),
        deployed(3, 6 * HOUR, rules, "d1"),
    ]
    flips, partition = replayed(log, deployments)
    assert told(flips)[1:] == [("both", "enter", "rule_added"), ENTERED]
    assert partition.known_since == {}


def test_segments_with_values_are_filled():
    """Each value that the history tells of is entered at the change; so is the stage that holds."""
    many = Segment(
        id="many",
        for_each=product_view.category,
        when=product_view.by(product_view.category).within(days=7).count() >= 2,
    )
    stages = Stages(
        id="stages",
        stages={
            "often": purchase.within(days=30).count() >= 2,
            "once": purchase.within(days=30).count() >= 1,
        },
    )
    log = Log()
    for number, category in enumerate(["shoes", "hats", "shoes", "hats", "coats"]):
        log.records["clickstream"].append(event(number, number * HOUR, category=category))
        log.records["clickstream"][-1].event["kind"] = "product_view"
    log.add(5 * HOUR, "purchase")
    log.add(9 * HOUR)
    flips, _ = replayed(log, filled([SEEN], [SEEN, many, stages], 7 * HOUR, 8 * HOUR))
    assert [(flip["segment"], flip["value"]) for flip in flips] == [
        ("many", "hats"),
        ("many", "shoes"),
        ("stages", "once"),
    ]


def test_what_is_calculated_and_what_is_told_are_filled():
    """The measures of a comparison of two, and those that an enter carries as details, know the past as well."""
    month = purchase.within(days=30)
    more = Segment(
        id="more",
        when=month.count() + page_view.within(days=30).count() >= 3,
        details={"orders": month.count(), "pages": page_view.within(days=30).values(page_view.page)},
    )
    log = Log()
    log.add(0, "purchase", amount=500)
    log.add(HOUR, page="/a")
    log.add(2 * HOUR, page="/b")
    log.add(9 * HOUR, customer="other")
    flips, partition = replayed(log, filled([SEEN], [SEEN, more], 7 * HOUR, 8 * HOUR))
    assert [(flip["segment"], flip["details"]) for flip in flips if flip["reason"] == "rule_added"] == [
        ("more", {"orders": "1", "pages": '["/b","/a"]'})
    ]
    assert partition.known_since == {}


def test_a_second_filling_takes_the_place_of_the_first():
    """What the first one kept is given up, so that nothing counts twice."""
    log = Log()
    for number in range(4):
        log.add(number * HOUR, "purchase", amount=800)
    log.add(9 * HOUR)
    rules = RuleSet([SEEN, BUYER])
    deployments = [
        deployed(0, 0, RuleSet([SEEN])),
        deployed(1, HOUR + 1, asked_for(rules, "buyer"), "d0", FILL, "d8-fill"),
        deployed(2, 2 * HOUR + 1, asked_for(rules, "buyer"), "d0", FILL, "d3-fill"),
        deployed(3, 8 * HOUR, rules, "d0"),
    ]
    flips, _ = replayed(log, deployments)
    assert [(flip["segment"], flip["evidence"][0]["value"]) for flip in flips] == [("buyer", "32.00")]


def test_a_group_that_was_never_deployed_fills_nothing():
    """A filling needs rules that run beside it: the chain passes one over that comes first."""
    chain = Chain()
    assert chain.add_all([deployed(0, 0, asked_for(RuleSet([BUYER]), "buyer"), None, FILL, "d1-fill")]) == []
    assert (chain.first, BEFORE_ALL) == (None, BEFORE_ALL)
