"""Customers of whom a deployment changes nothing keep their states as they were written, until they change."""

from random import Random

import pytest

from segments.engine import RULES, Deployment, Partition, RuleSet
from segments.language import Segment, days, page_view
from tests.kit.lives import Life, by_customer
from tests.unit.driving import DAY, HOUR, START
from tests.unit.engine.living import SETTINGS, Log, replayed, shoppers, told

SEEN = Segment(id="seen", when=page_view.within(days=7).count() >= 2)
ONCE = Segment(id="once", when=page_view.within(days=7).count() >= 1)
QUIET = Segment(id="quiet", when=page_view.within(days=7).idle >= days(2))
PATIENT = Segment(id="patient", when=page_view.within(days=7).idle >= days(6))
OFTEN = Segment(id="often", when=page_view.within(days=7).count() >= 3)
"""Of all of them the rules keep the same memory."""
CUSTOMERS = [f"c{number}" for number in range(6)]


def deployed(offset, at, rules):
    """A deployment that follows the one before it."""
    follows = f"d{offset - 1}" if offset else None
    return Deployment(offset, START + at, f"d{offset}", follows, START + at, RULES, RuleSet(rules), SETTINGS)


def viewed():
    """Each customer viewed a page, one of them a second one."""
    log = Log()
    for number, customer in enumerate([*CUSTOMERS, CUSTOMERS[0]]):
        log.add(number * HOUR, customer=customer)
    return log


def lived(*rule_sets, log=None):
    """A worker that has run the first rule set to the end of its log, and the others after it."""
    made = [deployed(each, each and DAY + each * HOUR, rules) for each, rules in enumerate(rule_sets)]
    return Life((log or viewed()).records, made)


def finished(life):
    """The states of customers at the end."""
    life.finish()
    return {key: state for key, state in life.states.items() if key.startswith(b"c")}


def test_who_flips_is_written_and_nobody_else():
    """A rule that one customer is in is a new state of that one; the others are looked at, and stand as they were."""
    before = finished(lived([ONCE]))
    life = lived([ONCE], [ONCE, SEEN])
    after = finished(life)
    assert told(life.flips)[-1] == ("seen", "enter", "rule_added")
    assert [key for key in after if after[key] != before[key]] == [b"c0"]
    assert (life.partition.sweeping, life.partition.behind) == (0, 5)


def test_what_was_left_is_written_in_turn():
    """All at the end have the state that a rule set which was there from the beginning would have written them."""
    life = lived([ONCE], [ONCE, SEEN])
    before = finished(life)
    assert life.partition.catch_up(2)
    life.commit()
    assert sum(life.states[key] != before[key] for key in before) == 2
    assert not life.partition.catch_up(5)
    life.commit()
    assert life.partition.behind == 0
    again = Partition.deployed(0, 1, life.partition.deployment, life.states)
    assert (again.sweeping, again.members) == (0, life.partition.members)


@pytest.mark.parametrize("restarts", [False, True])
def test_time_flips_who_was_left(restarts):
    """A new rule by time alone becomes true at its instant, though no state tells of it, after a restart, too."""
    log = viewed()
    log.add(6 * DAY, customer="later")
    life = lived([ONCE, PATIENT], [ONCE, PATIENT, QUIET], log=log)
    life.log["clickstream"], later = life.log["clickstream"][:-1], life.log["clickstream"][-1:]
    life.finish()
    assert life.partition.behind == 6
    if restarts:
        life.start()
        assert life.partition.sweeping == 6, "they are looked at again, for what is due"
    life.log["clickstream"] = [*life.log["clickstream"], *later]
    life.finish()
    quiet = [
        (flip["customer_id"], flip["occurred_at"] - START, flip["reason"])
        for flip in life.flips
        if flip["segment"] == "quiet"
    ]
    quiet = [each for each in quiet if each[2] == "timer" and each[1] < 6 * DAY]
    expected = [(name, number * HOUR + 2 * DAY, "timer") for number, name in enumerate(CUSTOMERS) if number]
    assert sorted(quiet) == sorted([*expected, ("c0", 6 * HOUR + 2 * DAY, "timer")])


def test_the_next_rule_set_takes_over_from_one_layout():
    """All that was left is written before another deployment, so that rules between the two are told apart."""
    life = lived([ONCE], [ONCE, QUIET], [ONCE, QUIET, OFTEN])
    life.finish()
    assert life.partition.behind == 6
    life.start()
    while life.partition.sweeping:
        life.partition.advance()
    life.partition.catch_up(6)
    life.commit()
    again = Partition.deployed(0, 1, life.partition.deployment, life.states)
    assert again.sweeping == 0


@pytest.mark.parametrize("seed", range(15))
def test_any_life_flips_the_same(seed):
    """Any runs, commits, crashes and states that are written in turn flip as a replay does."""
    random = Random(seed)
    log, _ = shoppers(random)
    sets = [[ONCE, SEEN], [ONCE, SEEN, QUIET], [SEEN, QUIET, OFTEN], [ONCE, SEEN, QUIET]]
    made = [deployed(each, each * 4 * DAY, rules) for each, rules in enumerate(sets)]
    life = Life(log.records, made)
    for _ in range(250):
        life.step(random)
    life.finish()
    assert by_customer(life.flips) == by_customer(replayed(log, made)[0])
