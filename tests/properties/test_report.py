"""The sums of a report against a slow computation from what really happened, step by step."""

import pickle
from array import array
from dataclasses import fields, is_dataclass

from hypothesis import given
from hypothesis import strategies as st

import schemas
from segments.insight.outcomes.figures import figures
from segments.insight.outcomes.gathering import Gathering
from segments.insight.outcomes.inside import ALL_MONTHS, Retained
from segments.insight.outcomes.linked import Linked
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.statistics import median_stay
from segments.insight.outcomes.sums import Sums
from segments.insight.outcomes.waiting import Waiting
from streams.report.partition import Found
from streams.report.taking import takes
from tests.properties.reporting import GAP, HOUR, NOW, WINDOW, Slow, histories
from tests.properties.running import thorough
from tests.unit.wire_batches import EXAMPLES, batch, runs

GRID = tuple(range(0, NOW, 18))
END = {
    **dict.fromkeys(("value", "arm")),
    "customer_id": "last",
    "segment": "z",
    "transition": "enter",
    "reason": "event",
    "episode": 1,
    "occurred_at": NOW * HOUR,
}
"""Somebody else's enter: the topics tell what matured up to now."""


def gathered(people, since, until, every, *, inputs, phones=False, groups=((0, 1),)):
    """The sums by the code of the report.

    With `phones` who was never erased did some of it under another id, of the next partition, and logged in once.
    `groups`: the partitions that each process reads, in their order.
    """
    period = Period(until * HOUR, since * HOUR, NOW * HOUR, every)
    linked = Linked([login(each) for each in people if phones and each.erased is None])
    whole = Found(Sums(period, [hour * HOUR for hour in GRID]), linked)
    count = sum(map(len, groups))
    parts = [people[number::count] for number in range(count)]
    for group in groups:
        found = pickle.loads(pickle.dumps(whole.apart())) if len(groups) > 1 else whole
        for number in group:
            add_up(found, parts[number], parts[number - 1], inputs=inputs)
        if found is not whole:
            whole.join(pickle.loads(pickle.dumps(found)))
    linked.fold(whole.sums)
    return whole.sums


def add_up(found, part, neighbours, *, inputs):
    """Read one partition: some customers, and what their neighbours did by phone."""
    linked = found.linked.ids
    gathering = Gathering(found.sums, "EUR", inputs=inputs, linked=found.linked)
    for person in neighbours:
        if person.name in linked:
            tell_inputs(takes(gathering), person, phone(person), 1)
    for person in part:
        for event in person.events:
            gathering.event(event)
        for outcome in person.outcomes:
            gathering.outcome(outcome)
        gathering.memberships(person.name, person.memberships())
        if inputs:
            tell_inputs(takes(gathering), person, person.name, 0 if person.name in linked else None)
            if person.erased is not None:
                gathering.profile(person.name, None, person.erased * HOUR)
    gathering.event(END)
    gathering.fold()


def phone(person):
    """The other id of a customer."""
    return f"phone of {person.name}"


def login(person):
    """The link of it, at any time."""
    at = len(person.purchases) * 30 * HOUR
    return {"customer_id": phone(person), "into": person.name, "occurred_at": at, "action": "link"}


def began(person):
    """The hour of the first record that counts of a customer; after all others: there is none."""
    gone = -1 if person.erased is None else person.erased
    return min((hour for hour in (*person.purchases, *person.clicks) if hour > gone), default=NOW + 2)


def tell_inputs(take, person, name, half):
    """What the customer did under an id, twice, as a sender does who had no answer; as it is fetched.

    `half`: of the hours that GAP divides the even ones, or the odd ones; None: all of them.
    """

    def told(hours):
        return [hour for hour in hours if half is None or hour // GAP % 2 == half]

    clicks = [
        {**EXAMPLES["Click"], "kind": "page_view", "event_id": f"c{hour}", "occurred_at": hour * HOUR}
        for hour in told(person.clicks)
    ]
    purchases = [
        {
            **EXAMPLES["Transaction"],
            "kind": "purchase",
            "event_id": f"p{hour}",
            "occurred_at": hour * HOUR,
            "amount": person.purchases[hour],
            "currency": "EUR",
        }
        for hour in told(person.purchases)
    ]
    for topic, events in (("clickstream", clicks), ("transactions", purchases)):
        named = [{**each, "customer_id": name} for each in events] * 2
        rows = [(name.encode(), schemas.encode(schemas.RECORD_OF_TOPIC[topic], each)) for each in named]
        if rows:
            (run,) = runs(batch(rows))
            take[topic](run)


@thorough(0.06)
@given(histories())
def test_flips_members_and_stays(history):
    """Enters and exits of the period, who is in at each instant of the chart, and the median stay."""
    people, since, until, every = history
    sums = gathered(people, since, until, every, inputs=False)
    for segment in ("a", "b"):
        slow, found = Slow(people, segment, since, until, every), sums.of(segment)
        by_reason = {reason: count.times for reason, count in found.left_by.items()}
        assert (found.entered.times, found.left_out.times, by_reason) == slow.flips()
        assert found.members == slow.members(until)
        charted = [sum(found.over_time[: place + 1]) for place in range(len(GRID))]
        assert charted == [slow.members(hour) for hour in GRID]
        median = slow.survival()
        stays = [(each >> 1, bool(each & 1)) for each in found.stays]
        assert median_stay(stays) == (None if median is None else median * HOUR)


@thorough(0.06)
@given(histories())
def test_outcomes_and_arms(history):
    """What came of the enters, which of them wait or were dropped, and the first episode of each customer by arm."""
    people, since, until, every = history
    sums = gathered(people, since, until, every, inputs=False)
    for segment in ("a", "b"):
        slow, found = Slow(people, segment, since, until, every), sums.of(segment)
        (goal,) = found.goals.values() or [None]
        mature, converted, cents, waiting, dropped = slow.came_of_it()
        if goal is None:
            assert (mature, converted) == (0, 0)
            continue
        assert (goal.mature.times, goal.converted.times, goal.cents) == (mature, converted, cents)
        assert goal.window in (0, WINDOW * HOUR)
        assert tuple(each.times for each in found.waiting.counts(WINDOW * HOUR, NOW * HOUR)) == slow_waiting(
            slow, found, waiting, dropped
        )
        for percent in ("10", "20"):
            arms = found.experiments.found["trial", percent].arms
            told = {arm: sums_of(each) for (_, arm), each in arms.items()}
            expected = {arm: each for arm, each in slow.arms(percent).items() if each[0]}
            assert told == expected


def slow_waiting(slow, found, waiting, dropped):
    """Less the dropped ones that began before any enter of which an outcome is known: nobody can tell that those were watched."""
    unknown = sum(
        watch.state in ("erased", "switched")
        and watch.begin + WINDOW <= NOW
        and watch.begin * HOUR < found.waiting.first
        for _, watch in slow.watches()
        if not watch.goals
    )
    return waiting, dropped - unknown


def sums_of(arm):
    """As the slow computation has them."""
    return [arm.mature.times, arm.converted.times, arm.cents, arm.squares]


@thorough(0.06)
@given(st.tuples(histories(), st.booleans()).map(lambda drawn: (*drawn[0], drawn[1])))
def test_what_customers_did_inside(history):
    """Hours, orders and money inside and outside, and retention, without duplicates and without what was erased.

    Under one id each, or under two that were linked.
    """
    people, since, until, every, phones = history
    sums = gathered(people, since, until, every, inputs=True, phones=phones)
    assert sums.whole.customers == len([each for each in people if began(each) <= until])
    for segment in ("a", "b"):
        slow, found = Slow(people, segment, since, until, every), sums.of(segment)
        hours, outside, orders, cents, every_order, every_cent = slow.inside()
        inputs = found.inputs
        assert inputs.inside.times == hours * HOUR
        assert (inputs.orders.times, inputs.cents) == (orders, cents)
        assert (sums.whole.orders.times, sums.whole.cents) == (every_order, every_cent)
        assert inputs.outside(sums.whole).times == outside * HOUR
        for days in (30, 60, 90):
            retained = inputs.retained.get((ALL_MONTHS, days), Retained())
            assert (retained.episodes.times, retained.active.times) == slow.retention(days)


@st.composite
def grouped(draw):
    """Four partitions, in any order, read by one to four processes."""
    order = draw(st.permutations(range(4)))
    cuts = sorted(draw(st.sets(st.integers(1, 3))))
    return [order[begin:end] for begin, end in zip([0, *cuts], [*cuts, 4], strict=True)]


@thorough(0.03)
@given(histories(), st.booleans(), grouped())
def test_whoever_reads_which_partition_the_sums_are_the_same(history, phones, groups):
    """Partitions added up by one process in their order, or by several in any order: each number, and the report."""
    one = gathered(*history, inputs=True, phones=phones, groups=[range(4)])
    several = gathered(*history, inputs=True, phones=phones, groups=groups)
    assert flat(several.whole) == flat(one.whole)
    assert flat(several.found) == flat(one.found)
    for segment in one.found:
        assert figures(several, segment, inputs=True) == figures(one, segment, inputs=True)


def flat(value):
    """All that sums hold, whatever the order in which it came."""
    if isinstance(value, Waiting):
        return (
            value.first,
            value.arrived,
            [flat(value.counts(hours * HOUR, NOW * HOUR)) for hours in (1, WINDOW)],
        )
    if isinstance(value, array):
        return sorted(value)
    if isinstance(value, dict):
        return {key: flat(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [flat(each) for each in value]
    if is_dataclass(value):
        return {each.name: flat(getattr(value, each.name)) for each in fields(value)}
    return flat(vars(value)) if hasattr(value, "__dict__") else value
