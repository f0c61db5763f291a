"""Segments with values: `for_each`, `.of`, and Stages, as an author writes them, as the engine lives them."""

import pytest

from segments.insight.about import about
from segments.insight.proving import engine, failures
from segments.insight.why import why
from segments.language import (
    RuleError,
    Segment,
    Stages,
    any_event,
    any_of,
    consent,
    days,
    entered,
    hours,
    not_,
    product_view,
    purchase,
)
from segments.language.checking.lint import lint
from segments.language.checking.values import implies
from segments.language.words.rule import words
from segments.plan.version import version
from tests.kit.stories import oracle
from tests.properties.comparing import differences, orderly
from tests.properties.drive import whole
from tests.properties.model import World
from tests.properties.records import DAY, HOUR, MINUTE, Arrival, click, erase, transaction
from tests.properties.stories import Example, Phase

LOOKS = product_view.by(product_view.category).within(days=7).count()
INTERESTED = Segment(
    id="interested", for_each=product_view.category, en="Interested", nl="Geïnteresseerd", when=LOOKS >= 2
)
BOUGHT = purchase.within(days=30).count()
JOURNEY = Stages(
    id="journey",
    en="Journey",
    nl="Reis",
    stages={
        "loyal": BOUGHT >= 3,
        "customer": BOUGHT >= 1,
        "looking": product_view.within(days=7).count() >= 1,
    },
)


def look(at: int, category: str, **more: str) -> Arrival:
    """A product is looked at."""
    return click(at, "product_view", category=category, **more)


def told(
    *rules: Segment, story: list[Arrival], now: int | None = None
) -> list[tuple[str, str, str | None, int]]:
    """Transition, segment, value and instant of each flip, in which engine and oracle agree."""
    clock = None if now is None else story[0].time + now
    phases = (Phase(tuple(story), clock), Phase((click(60 * DAY, "login", customer="zoe"),), None))
    example = Example(rules, 0, phases)
    expected, worker = World(example).run(), whole(example)
    assert [*differences(example, expected, worker), *orderly(worker)] == []
    start = story[0].time
    return [
        (flip["transition"], flip["segment"], flip["value"], flip["occurred_at"] - start)
        for flip in worker.output.flips.get("ann", [])
    ]


@pytest.mark.parametrize(
    ("rule", "examples"),
    [
        (
            {"for_each": product_view.category, "when": LOOKS >= 2, "at_most_every": days(10)},
            """
            0d   product_view category=shoes
            1d   product_view category=shoes      enters shoes
            1d   product_view category="rain coats"
            2d   product_view category='rain coats' enters "rain coats"
            7d                                    leaves shoes
            8d                                    leaves "rain coats"
            9d   product_view category=shoes
            10d  product_view category=shoes      # too soon after the enter for shoes
            11d                                   enters shoes
            16d                                   leaves shoes
            """,
        ),
        (
            {"for_each": product_view.category, "when": LOOKS >= 1, "for_at_least": hours(2)},
            """
            0d      product_view category=shoes
            0d 1h   product_view category=hats
            0d 2h                                 enters shoes
            0d 3h                                 enters hats
            7d                                    leaves shoes
            7d 1h                                 leaves hats
            """,
        ),
        (
            {
                "for_each": product_view.category,
                "when": LOOKS >= 2,
                "until": any_of(
                    purchase.items.by(purchase.items.category).within(days=7).count() >= 1,
                    any_event.within(days=30).count() == 0,
                ),
            },
            """
            0d   x2 every 1h product_view category=shoes  enters shoes
            1d   x2 every 1h product_view category=hats   enters hats
            20d  purchase category=hats           leaves hats       # of shoes nothing was bought
            50d                                   leaves shoes
            """,
        ),
    ],
)
def test_stories_name_the_value(rule, examples):
    """`enters shoes` is an enter at that value, by the engine and by the oracle."""
    segment = Segment(id="rule", examples=examples, **rule)
    assert failures(segment, engine) == []
    assert failures(segment, oracle) == []


def test_a_story_without_the_value_says_what_to_write():
    """An assertion of a segment with values needs one; a wrong one fails the story."""
    (refused,) = [
        str(each)
        for each in lint(
            [Segment(id="rule", for_each=product_view.category, when=LOOKS >= 1, examples="0d enters")]
        )
        if "names no value" in str(each)
    ]
    assert "say enters shoes" in refused
    wrong = Segment(
        id="rule",
        for_each=product_view.category,
        when=LOOKS >= 1,
        examples="0d product_view category=a enters b",
    )
    (failure,) = failures(wrong, engine)
    assert "enters a" in str(failure)


def test_a_segment_is_left_and_entered_at_each_value_for_itself():
    """Flips of one evaluation: exits before enters, then by value; the evidence is of the value, held or not."""
    story = [look(0, "shoes"), look(1, "shoes"), look(HOUR, "hats"), look(2 * HOUR, "hats"), erase(DAY)]
    assert told(INTERESTED, story=story) == [
        ("enter", "interested", "shoes", 1),
        ("enter", "interested", "hats", 2 * HOUR),
        ("exit", "interested", "hats", DAY),
        ("exit", "interested", "shoes", DAY),
    ]


def test_the_condition_on_a_value_and_on_any():
    """`segment.of(value)` follows that value, the segment itself any of them; both see the same evaluation."""
    of, any_ = Segment(id="a", when=INTERESTED.of("hats")), Segment(id="b", when=INTERESTED)
    flipped = Segment(
        id="c",
        when=entered(INTERESTED).where(entered(INTERESTED).value == "hats").within(days=1).count() >= 1,
    )
    story = [look(0, "shoes"), look(1, "shoes"), look(2, "hats"), look(3, "hats")]
    found = told(of, any_, flipped, INTERESTED, story=story)
    assert [
        (transition, segment, at)
        for transition, segment, value, at in found
        if segment in "abc" and at < HOUR
    ] == [
        ("enter", "b", 1),
        ("enter", "a", 3),
        ("enter", "c", 3),
    ]


def test_a_stage_is_left_as_the_next_one_is_entered():
    """An exit and an enter in one evaluation, the exit first; at most one stage at a time."""
    story = [look(0, "x"), transaction(HOUR), transaction(2 * HOUR), transaction(3 * HOUR)]
    found = told(JOURNEY, story=story)
    assert found == [
        ("enter", "journey", "looking", 0),
        ("exit", "journey", "looking", HOUR),
        ("enter", "journey", "customer", HOUR),
        ("exit", "journey", "customer", 3 * HOUR),
        ("enter", "journey", "loyal", 3 * HOUR),
        ("exit", "journey", "loyal", 30 * DAY + HOUR),
        ("enter", "journey", "customer", 30 * DAY + HOUR),
        ("exit", "journey", "customer", 30 * DAY + 3 * HOUR),
    ]


def test_at_most_a_hundred_values():
    """A further value waits for an exit, of several the smallest by bytes; what waits is counted."""
    seen = Segment(
        id="seen",
        for_each=product_view.product_id,
        when=product_view.by(product_view.product_id).within(days=1).count() >= 1,
    )
    story = [click(n * MINUTE, "product_view", product_id=f"p{n:03}") for n in range(100)]
    story += [
        click(2 * HOUR, "product_view", product_id="z"),
        click(2 * HOUR + 1, "product_view", product_id="y"),
    ]
    # The oracle takes minutes for so many values.
    example = Example(
        (seen,), 0, (Phase(tuple(story), None), Phase((click(60 * DAY, "login", customer="zoe"),), None))
    )
    worker = whole(example)
    assert list(orderly(worker)) == []
    start = story[0].time
    found = [
        (flip["transition"], flip["value"], flip["occurred_at"] - start)
        for flip in worker.output.flips["ann"]
    ]
    assert [each for each in found if each[1] in ("p000", "p001", "y", "z")] == [
        ("enter", "p000", 0),
        ("enter", "p001", MINUTE),
        ("exit", "p000", DAY),
        ("enter", "y", DAY),
        ("exit", "p001", DAY + MINUTE),
        ("enter", "z", DAY + MINUTE),
        ("exit", "z", DAY + 2 * HOUR),
        ("exit", "y", DAY + 2 * HOUR + 1),
    ]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"when": BOUGHT >= 1}, "no measure has by"),
        (
            {"when": product_view.by(product_view.product_id).within(days=7).count() >= 1},
            "by is of product_view.product_id",
        ),
        (
            {"when": [LOOKS >= 1, purchase.by(purchase.amount).within(days=7).count() >= 1]},
            "they can't be one value",
        ),
        (
            {"when": [LOOKS == 0, any_event.within(days=7).count() >= 1]},
            "true at a value of which nothing is remembered",
        ),
        ({"when": any_of(LOOKS >= 1, consent("x"))}, "true at a value of which nothing is remembered"),
        ({"when": LOOKS >= 1, "until": LOOKS >= 5}, "until is false"),
    ],
)
def test_what_is_no_rule_for_each_value(rule, problem):
    """It is refused, with the mend."""
    found = [
        each
        for each in lint([Segment(id="rule", for_each=product_view.category, **rule)])
        if problem in each.problem
    ]
    assert [each.blocking for each in found] == [True]
    assert found[0].mend


def test_a_share_of_a_value_is_a_rule():
    """A count of none divided by anything is 0: the rule is not true of it."""
    share = LOOKS / product_view.within(days=7).count() >= 0.8
    rule = Segment(id="rule", for_each=product_view.category, when=share)
    assert [each for each in lint([rule]) if each.blocking] == []
    story = [look(0, "a"), look(1, "b"), look(2, "a"), look(3, "a"), look(4, "a")]
    assert told(rule, story=story)[:4] == [
        ("enter", "rule", "a", 0),
        ("exit", "rule", "a", 1),
        ("enter", "rule", "a", 4),
        ("exit", "rule", "a", 7 * DAY),
    ]


def test_misuse_is_told():
    """A value of what has none, a stage that is not there, a name that is none."""
    with pytest.raises(RuleError, match="has no values"):
        Segment(id="plain", when=BOUGHT >= 1).of("x")
    with pytest.raises(RuleError, match="no such stage"):
        JOURNEY.of("lost")
    with pytest.raises(RuleError, match="a text was expected"):
        INTERESTED.of(5)
    with pytest.raises(RuleError, match="a field was expected"):
        Segment(id="rule", for_each="category", when=LOOKS >= 1)  # type: ignore[arg-type]
    for stages in ({}, {"": BOUGHT >= 1}, [BOUGHT >= 1]):
        with pytest.raises(RuleError, match="stages"):
            Stages(id="rule", stages=stages)  # type: ignore[arg-type]


def test_a_stage_that_is_never_reached():
    """An earlier stage that holds whenever it does leaves nobody for it."""
    rule = Stages(id="rule", stages={"customer": BOUGHT >= 1, "loyal": BOUGHT >= 3})
    assert [each.problem for each in lint([rule]) if "never reached" in each.problem] == [
        "Stage 'loyal' is never reached: 'customer', which stands before it, holds too."
    ]
    assert not [each for each in lint([JOURNEY]) if "never reached" in each.problem]
    one, two = BOUGHT > 2, not_(LOOKS >= 1)
    assert implies(AND(one, two), BOUGHT >= 2)
    assert not implies(BOUGHT >= 2, AND(one, two))


def AND(*parts):  # noqa: N802 - a list as a condition
    """All of these."""
    return Segment(id="unused", when=list(parts)).when


def test_the_order_of_stages_is_of_the_version():
    """And so is the field of for_each; without either a rule has the version that it had."""
    stages = dict(JOURNEY.stages)
    again = Stages(id="journey", stages=stages)
    turned = Stages(id="journey", stages=dict(reversed(stages.items())))
    assert version(again) == version(JOURNEY) != version(turned)
    plain = Segment(id="interested", when=LOOKS >= 2)
    assert version(plain) != version(INTERESTED)


def test_in_words():
    """The sentence tells the field, or the stages in their order."""
    assert words(INTERESTED, "en").startswith("For each category apart: a customer is in this segment while")
    assert words(INTERESTED, "nl").startswith(
        "Voor elke categorie apart: een klant zit in dit segment zolang"
    )
    assert "één" not in words(INTERESTED, "nl")
    assert words(JOURNEY, "en").index("“loyal”") < words(JOURNEY, "en").index("“looking”")
    assert "for “shoes”" in words(Segment(id="a", when=INTERESTED.of("shoes")), "en")
    assert "voor “shoes”" in words(Segment(id="a", when=INTERESTED.of("shoes")), "nl")
    assert about(INTERESTED)["for_each"] == "product_view.category"
    assert about(JOURNEY)["stages"][0].startswith('"loyal": ')


def test_required_consent_is_asked_at_every_stage():
    """And is the last leaf of each."""
    rule = Stages(id="rule", stages={"a": BOUGHT >= 3, "b": BOUGHT >= 1})
    rule.require("profiling")
    assert [len(condition.parts) for _, condition in rule.stages] == [2, 2]
    rule.require("")
    assert [condition for _, condition in rule.stages] == [condition for _, condition in rule.told]


def test_why_tells_each_value():
    """Where the customer is in, and where not yet."""
    example = Example(
        (INTERESTED, JOURNEY), 0, (Phase((look(0, "shoes"), look(1, "shoes"), look(2, "hats")), None),)
    )
    partition = whole(example).partition
    found = why(partition, "ann")["segments"]
    assert [(each["segment"], each["value"], each["inside"]) for each in found] == [
        ("interested", "hats", False),
        ("interested", "shoes", True),
        ("journey", "looking", True),
    ]
    assert found[0]["evidence"][0]["measure"].endswith("[hats]")
    assert found[0]["evidence"][0]["value"] == "1"
