"""The rule set of a partition is a record of its log: applied at one place, whatever the runs, commits and crashes."""

from pathlib import Path
from random import Random

import pytest

import segments
from segments.engine import (
    BEFORE_ALL,
    DEPLOYMENTS,
    INPUTS,
    POSITION_KEY,
    Deployment,
    EngineSettings,
    Partition,
    PlannedRules,
    Record,
    RuleSet,
    load,
    position_of,
)
from segments.insight.replay import Replay
from segments.insight.why import why
from segments.language import Segment, days, page_view
from segments.language.errors import SegmentsError
from tests.kit.lives import Life, by_customer
from tests.unit.driving import CLICK, DAY, HOUR, START

SETTINGS = EngineSettings(grace=0)


def _seen(count=1, id="seen", days_=7):
    return Segment(id=id, when=page_view.within(days=days_).count() >= count)


IDLE = Segment(id="idle", when=page_view.within(days=30).idle >= days(2))
LATE = Segment(id="late", when=page_view.within(days=30).idle >= days(1))
SETS = [
    RuleSet([_seen(), IDLE]),
    RuleSet([_seen(2), IDLE, _seen(1, "once")]),
    RuleSet([_seen(2), _seen(3, "once")]),
]


def _deployment(offset, at, rules, follows=None, id="", **fields):
    fields = {"occurred_at": START + at, "timestamp": START + at, "kind": "rules", **fields}
    return Deployment(
        offset=offset,
        deployment_id=id or f"d{offset}",
        follows=follows,
        rules=rules,
        settings=SETTINGS,
        **fields,
    )


def _click(offset, at, customer):
    event = CLICK | {
        "event_id": f"e{offset}",
        "customer_id": customer,
        "occurred_at": START + at,
        "kind": "page_view",
    }
    return Record("clickstream", offset, START + at, customer.encode(), None, event)


def _clicks(random, count=60):
    at, found = 0, []
    for offset in range(count):
        at += random.randrange(6 * HOUR)
        found.append(_click(offset, at, random.choice("abcdefg")))
    return found


def _log(random):
    """Clicks of some weeks and three deployments among them, with ones that are not of the chain."""
    clicks = _clicks(random)
    end = clicks[-1].at - START
    deployments = [
        _deployment(0, 0, SETS[0]),
        _deployment(1, end // 5, SETS[2], follows="nobody"),
        _deployment(2, end // 3, SETS[1], follows="d0"),
        _deployment(3, end // 3, SETS[2], follows="d0", id="d2"),
        _deployment(4, end // 2, SETS[2], follows="d2"),
    ]
    return clicks, deployments


def _flips(partition, states, found):
    effects = partition.collect_effects()
    if effects is not None:
        effects.commit_to(states)
        found += [flip for _, flip in effects.segment_events]


def _replayed(clicks, deployments, until=None):
    found = []
    for effects in Replay(0, 1, {"clickstream": clicks}, SETS[0], SETTINGS, deployments).run(until):
        found += [flip for _, flip in effects.segment_events]
    return found


@pytest.mark.parametrize("seed", range(40))
def test_any_life_tells_the_same(seed):
    """Three deployments in a log: any runs, commits and crashes give each customer what a replay gives."""
    random = Random(seed)
    clicks, deployments = _log(random)
    worker = Life({"clickstream": clicks}, deployments)
    for _ in range(150):
        worker.step(random)
    worker.finish()
    expected = _replayed(clicks, deployments)
    assert any(flip["reason"].startswith("rule_") for flip in expected)
    assert by_customer(worker.flips) == by_customer(expected)


def test_a_deployment_takes_over_at_its_place():
    """What occurs before it is judged by the rules before, what comes after by its own; it is the cause of its flips."""
    clicks = [_click(0, 0, "a"), _click(1, HOUR, "b"), _click(2, 3 * HOUR, "b")]
    deployments = [
        _deployment(0, 0, RuleSet([_seen(5)])),
        _deployment(7, 2 * HOUR, RuleSet([_seen(1)]), "d0"),
    ]
    told = [
        (flip["customer_id"], flip["occurred_at"] - START, flip["reason"], flip["cause"])
        for flip in _replayed(clicks, deployments)
    ]
    cause = {"topic": DEPLOYMENTS, "partition": 0, "offset": 7, "event_id": "d7"}
    assert told == [("a", 2 * HOUR, "rule_changed", cause), ("b", 2 * HOUR, "rule_changed", cause)]


def test_what_goes_on_fires_what_is_due_before_it():
    """A rule that goes on flips by time at its own instant before the take-over, without a cause; no clock is moved."""
    clicks = [_click(0, 0, "a")]
    deployments = [
        _deployment(0, 0, RuleSet([IDLE])),
        _deployment(1, 3 * DAY, RuleSet([IDLE, LATE]), "d0"),
    ]
    replay = Replay(0, 1, {"clickstream": clicks}, SETS[0], SETTINGS, deployments)
    flips = [flip for effects in replay.run() for _, flip in effects.segment_events]
    assert [(flip["segment"], flip["occurred_at"] - START, flip["reason"]) for flip in flips] == [
        ("idle", 2 * DAY, "timer"),
        ("late", 3 * DAY, "rule_added"),
    ]
    assert flips[0]["cause"] is None
    assert replay.partition.clock == START


def test_one_that_is_to_take_effect_at_once_goes_before_what_waits():
    """`occurred_at` 0 is the smallest head, and the take-over is at the clock."""
    clicks = [_click(0, 0, "a"), _click(1, HOUR, "a"), _click(2, 2 * HOUR, "b")]
    first = _deployment(0, 0, RuleSet([_seen(1)]))
    now = _deployment(1, 2 * HOUR, RuleSet([_seen(2)]), "d0", occurred_at=0)
    assert now.at == BEFORE_ALL
    worker = Life({"clickstream": clicks}, [first, now])
    worker.fetch("clickstream", 1)
    worker.confirm()
    ends = dict.fromkeys(INPUTS, 0) | {"clickstream": 1, DEPLOYMENTS: 1}
    worker.partition.confirm(ends, worker.partition.stamp, None)
    worker.advance()
    worker.finish()
    assert [(flip["reason"], flip["occurred_at"] - START) for flip in worker.flips] == [
        ("event", 0),
        ("rule_changed", 0),
        ("event", HOUR),
    ]


def test_measures_that_are_new_know_events_from_the_deployment_on():
    """What a new measure does not know of is told, from the deployment's instant on, not from the clock."""
    clicks = [_click(0, 0, "a")]
    deployments = [
        _deployment(0, 0, RuleSet([IDLE])),
        _deployment(
            1,
            DAY,
            RuleSet([IDLE, Segment(id="p", when=page_view.by(page_view.page).within(days=7).count() >= 1)]),
            "d0",
        ),
    ]
    replay = Replay(0, 1, {"clickstream": clicks}, SETS[0], SETTINGS, deployments)
    list(replay.run())
    assert set(replay.partition.known_since.values()) == {START + DAY}


def test_one_that_cannot_be_read_stops_the_partition_before_what_comes_after():
    """All that comes before an unreadable deployment is applied, nothing after it, and the mend is said."""
    clicks = [_click(0, 0, "a"), _click(1, 2 * HOUR, "b")]
    wrong = _deployment(1, HOUR, None, "d0", wrong="its plan has format 9, this version reads 1.")
    replay = Replay(0, 1, {"clickstream": clicks}, SETS[0], SETTINGS, [_deployment(0, 0, SETS[0]), wrong])
    lives, found = replay.run(), []
    found.append(next(lives))
    with pytest.raises(SegmentsError, match=r"format 9.*Update the workers"):
        next(lives)
    assert [key for effects in found for key, _ in effects.segment_events] == [b"a"]


def test_states_of_a_group_that_was_never_deployed_are_taken_over_by_the_first():
    """States of part 1 have no deployment: the first of the chain takes them over, at the later of clock and instant."""
    states, found = {}, []
    old = Partition(0, 1, RuleSet([_seen(5)]), SETTINGS, states)
    for topic in INPUTS:
        old.begin(topic, 0)
    old.offer("clickstream", 0, [_click(0, 0, "a")], 1)
    old.confirm(dict.fromkeys(INPUTS, 0) | {"clickstream": 1}, old.stamp, None)
    old.advance()
    _flips(old, states, found)
    assert position_of(states[POSITION_KEY]).deployment is None
    new = Partition.deployed(0, 1, _deployment(4, HOUR, RuleSet([_seen(1)])), states)
    while new.advance():
        pass
    _flips(new, states, found)
    assert [(flip["reason"], flip["occurred_at"] - START) for flip in found] == [("rule_changed", HOUR)]
    assert position_of(states[POSITION_KEY]).deployment == ("d4", 4, START + HOUR)
    assert position_of(states[POSITION_KEY]).offsets[DEPLOYMENTS] == 5


def test_the_first_deployment_is_committed_though_nothing_flips():
    """A partition that has begun with a deployment has something to commit: which one it is."""
    states = {}
    partition = Partition.deployed(0, 1, _deployment(3, 0, SETS[0]), states)
    _flips(partition, states, [])
    assert position_of(states[POSITION_KEY]).deployment == ("d3", 3, START)


def test_a_partition_without_rule_files_says_why_all_the_same():
    """What `why` tells of a customer from the plan alone is what it tells from the files, of every rule shipped."""
    shipped = load([Path(segments.__file__).parent])
    told = []
    for rules in (shipped, PlannedRules(shipped.data.to_bytes())):
        states = {}
        for at, deployed in enumerate((SETS[0], rules)):
            partition = Partition.deployed(0, 1, _deployment(at, at * DAY, deployed), states)
            for topic in INPUTS:
                if topic not in partition.offsets:
                    partition.begin(topic, 0)
            partition.offer("clickstream", 0, [_click(0, 0, "a")], 1)
            partition.confirm(
                dict.fromkeys((*INPUTS, DEPLOYMENTS), 0) | {"clickstream": 1}, partition.stamp, None
            )
            while partition.advance():
                pass
            _flips(partition, states, [])
        told.append(why(partition, "a"))
    assert told[0] == told[1]
    assert any(each["would_change"] and each["warming_until"] for each in told[0]["segments"])
