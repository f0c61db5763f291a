"""`for_at_least` and `at_most_every`: as an author writes them, as the engine keeps them, as they are told."""

import pytest

from segments.engine import EngineSettings, Partition, RuleSet
from segments.insight.about import about
from segments.insight.proving import engine, failures
from segments.language import (
    RuleError,
    Segment,
    any_event,
    any_of,
    cart_add,
    days,
    hours,
    minutes,
    page_view,
    product_view,
    purchase,
)
from segments.language.checking.lint import lint
from segments.language.words.rule import words
from segments.language.words.timers import timers
from segments.plan.planner import plan
from segments.plan.version import version
from tests.properties import by_hand
from tests.properties.changes import HELD_BACK
from tests.properties.comparing import differences
from tests.properties.drive import whole
from tests.properties.model import World
from tests.properties.records import DAY, HOUR, click, erase
from tests.properties.stories import Example, Phase

IN_CART = cart_add.since(purchase).within(days=2).count() >= 1
SEEN = page_view.within(days=1).count() >= 1


def rule(when=IN_CART, examples="", **held_back):
    """A rule that holds customers back."""
    return Segment(id="rule", when=when, examples=examples, **held_back)


@pytest.mark.parametrize(
    ("held_back", "examples"),
    [
        (
            {"for_at_least": hours(2)},
            """
            0d     cart_add
            2h     enters
            1d     purchase    leaves
            2d     cart_add
            2d 2h  purchase                # at the last instant it must still hold
            3d     cart_add
            3d 1h  purchase                # a break: it begins anew
            3d 2h  cart_add
            3d 4h  enters
            4d     cart_add                # who is in it does not enter again
            6d     leaves
            """,
        ),
        (
            {"at_most_every": days(7)},
            """
            0d     cart_add    enters
            1d     purchase    leaves
            6d     cart_add
            7d     enters
            8d     leaves
            10d    cart_add
            12d
            13d    cart_add
            14d    enters
            15d    leaves
            """,
        ),
        (
            {"for_at_least": hours(2), "at_most_every": days(1)},
            """
            0d     cart_add
            2h     enters
            3h     purchase    leaves
            23h    cart_add
            1d 2h  enters                  # two hours since the cart are over, and a day since the enter
            1d 3h  purchase    leaves
            2d 2h  cart_add
            2d 4h  enters
            4d 2h  leaves
            """,
        ),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
def test_stories_of_rules_that_hold_back(held_back, examples):
    """To the millisecond: the first instant at which all that holds back is over, if the condition holds then."""
    assert failures(rule(examples=examples, **held_back), engine) == []


def test_a_flip_by_time_alone_begins_a_span():
    """A condition that time makes true has lasted from that instant on."""
    story = """
        0d  page_view
        1d 2h  enters
        3d  leaves
    """
    idle = any_event.within(days=3).idle >= days(1)
    assert failures(rule(idle, story, for_at_least=hours(2)), engine) == []


def agreed(example):
    """What engine and oracle both say came of it: transition, instant, `valid_until`."""
    world = World(example)
    expected, worker = world.run(), whole(example)
    assert differences(example, expected, worker, world.unsaid) == []
    start = by_hand.click(0, "login").time
    return [
        (flip["transition"], flip["occurred_at"] - start, flip["valid_until"] and flip["valid_until"] - start)
        for flip in worker.output.flips["ann"]
    ]


def told(segments, *arrivals, changes=None):
    """Each record by itself, committed before the next."""
    return Example(tuple(segments), 0, tuple(Phase((each,), None) for each in arrivals), changes or {})


def test_valid_until_knows_both():
    """An exit tells when time alone lets the customer in again."""
    idle = rule(any_event.within(days=9).idle >= hours(1), for_at_least=hours(2), at_most_every=days(2))
    story = told([idle], click(0, "login"), click(5 * HOUR, "login"), click(3 * DAY, "login", "zoe"))
    assert agreed(story)[:2] == [
        ("enter", 3 * HOUR, 9 * DAY),
        ("exit", 5 * HOUR, 2 * DAY + 3 * HOUR),
    ]


def test_an_erasure_forgets_the_enter():
    """Who was erased is somebody new."""
    story = told(
        [rule(SEEN, at_most_every=days(2))],
        click(0, "page_view"),
        erase(HOUR),
        click(HOUR + 1, "page_view"),
        click(9 * DAY, "login", "zoe"),
    )
    assert [(flip, at) for flip, at, _ in agreed(story)][:3] == [
        ("enter", 0),
        ("exit", HOUR),
        ("enter", HOUR + 1),
    ]


def test_a_changed_rule_remembers_the_enter_but_not_the_beginning():
    """The enter counts by the id of the segment; what lasts begins at the take-over."""
    first = rule(SEEN, at_most_every=days(7))
    other = rule(page_view.within(days=2).count() >= 1, at_most_every=days(7))
    story = told(
        [first],
        click(0, "page_view"),
        click(2 * DAY, "login", "zoe"),
        click(3 * DAY, "page_view"),
        click(6 * DAY, "page_view"),
        click(9 * DAY, "login", "zoe"),
        changes={2: (other,)},
    )
    assert [at for flip, at, _ in agreed(story) if flip == "enter"] == [0, 7 * DAY]
    lasting = [rule(SEEN, for_at_least=hours(span)) for span in (3, 4)]
    story = told(
        lasting[:1],
        click(0, "page_view"),
        click(2 * HOUR, "login", "zoe"),
        click(9 * DAY, "login", "zoe"),
        changes={2: (lasting[1],)},
    )
    assert [at for flip, at, _ in agreed(story) if flip == "enter"] == [6 * HOUR]


def test_a_rule_that_comes_to_hold_back_counts_the_stay_going_on():
    """The enter of a stay is known without having been remembered."""
    story = told(
        [rule(SEEN)],
        click(0, "page_view"),
        click(HOUR, "login", "zoe"),
        click(3 * DAY, "page_view"),
        click(9 * DAY, "login", "zoe"),
        changes={2: (rule(SEEN, at_most_every=days(3) + hours(1)),)},
    )
    assert [at for flip, at, _ in agreed(story) if flip == "enter"] == [0, 3 * DAY + HOUR]


def test_a_remembered_enter_is_an_entry_of_the_limit():
    """While it counts, there is room for one event less."""
    found = {}
    for held_back in ({}, {"at_most_every": days(9)}):
        events = [click(0, "page_view"), click(2 * DAY, "page_view"), click(2 * DAY + 1, "page_view")]
        example = Example((rule(SEEN, **held_back),), 0, (Phase(tuple(events), None),), limit=3)
        found[bool(held_back)] = whole(example).output.outcomes["clickstream", "dead_letter"]
    assert found == {False: 0, True: 1}


def test_a_state_of_a_later_version_is_refused():
    """A customer without extras has no byte of them; an unknown tag is no state of this version."""
    example = told([rule(SEEN, at_most_every=days(9))], click(0, "page_view"))
    store, plain = whole(example).store, whole(told([rule(SEEN)], click(0, "page_view"))).store
    state = store[b"ann"]
    place = next(at for at in range(len(state) - 1) if state[at : at + 2] == b"\x01\x02")
    assert len(state) > len(plain[b"ann"])
    broken = {**store, b"ann": state[: place + 1] + b"\x63" + state[place + 2 :]}
    rules = RuleSet(example.segments)
    partition = Partition(0, 1, rules, EngineSettings(), broken)
    with pytest.raises(ValueError, match="extra 99 is unknown"):
        partition.remembered(b"ann")


@pytest.mark.parametrize(
    ("when", "span", "refused"),
    [
        (any_event.within(days=3).idle >= days(1), days(2), True),
        (any_event.within(days=3).idle >= days(1), days(1) + hours(23), False),
        (any_event.within(days=3).idle > days(1), days(1) + hours(23) + minutes(59), False),
        (any_event.within(days=3).idle == days(1), minutes(1), True),
        ([page_view.within(days=30).count() >= 1, any_event.within(days=3).age < days(1)], days(1), True),
        (any_event.within(days=3).age <= days(1), days(1), False),
        (any_event.since(purchase).within(days=3).age < days(1), days(1), False),
        (product_view.by(product_view.page).within(days=3).idle >= days(1), days(2), False),
        (any_of(SEEN, any_event.within(days=3).idle >= days(1)), days(2), False),
        (SEEN, days(30), False),
    ],
)
def test_a_span_that_can_not_last_is_refused(when, span, refused):
    """The latest event leaves its window, the earliest becomes too old; whatever events can renew may last."""
    found = [each.problem for each in lint([rule(when, for_at_least=span)]) if each.blocking]
    assert bool(found) is refused
    assert all("out of reach" in each for each in found)


def test_what_lasts_has_no_until():
    """The linter says what to write instead."""
    until = page_view.within(days=2).count() == 0
    found = [each for each in lint([rule(SEEN, until=until, for_at_least=hours(1))]) if each.blocking]
    assert [each.problem for each in found] == [
        "for_at_least=hours(1) does not go with until: what lasts is when alone."
    ]
    assert not [each for each in lint([rule(SEEN, until=until, at_most_every=hours(1))]) if each.blocking]


@pytest.mark.parametrize("name", HELD_BACK)
@pytest.mark.parametrize(
    ("given", "message"),
    [(7, "days(7), or hours"), (days(0), "needs a length"), ("7 days", "a duration was expected")],
)
def test_a_length_is_a_duration(name, given, message):
    """A number has no unit, and nothing is no length."""
    with pytest.raises(RuleError) as refused:
        rule(**{name: given})
    assert name in str(refused.value)
    assert message in str(refused.value)


def test_what_holds_back_is_of_the_version_and_counts_for_r():
    """Each length is another rule; what must be remembered is the sum."""
    plain, lasting, seldom = rule(), rule(for_at_least=days(1)), rule(at_most_every=days(1))
    both = rule(for_at_least=days(1), at_most_every=days(7))
    assert len({version(each) for each in (plain, lasting, seldom, both)}) == 4
    assert plan([both]).retention == 10 * DAY
    reader = Segment(id="reader", when=[plain], at_most_every=days(7))
    assert plan([reader, plain]).retention == 9 * DAY


def test_what_holds_back_is_told():
    """In both languages, beside the flips by time and what is kept."""
    both = rule(for_at_least=hours(2), at_most_every=days(7))
    assert words(both, "en") == (
        "A customer enters this segment once it has been true for 2 hours without a break that there is at least 1 "
        "addition to the cart in the past 2 days and since the latest purchase, and leaves it as soon as it is not. "
        "They enter it no earlier than 7 days after they last did."
    )
    assert words(both, "nl").endswith(
        "en verlaat het zodra dat niet meer geldt. Opnieuw erin komen kan pas 7 dagen na de vorige keer."
    )
    assert timers(both, "en")[-2:] == [
        "They enter 2 hours after the rule becomes true, if it stays so.",
        "They can enter it again 7 days after they last did.",
    ]
    said = about(both)
    assert (said["for_at_least"], said["at_most_every"]) == ("hours(2)", "days(7)")
    assert "the latest enter: for 7 days" in said["state"]
