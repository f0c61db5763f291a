"""How stories are read and what they prove: times, events and their fields, assertions, and what fails."""

import pytest

from segments.insight.proving import engine, failures
from segments.language import (
    Segment,
    any_event,
    any_of,
    consent,
    event,
    hours,
    profile,
    purchase,
    refund,
    visit,
)
from segments.language.errors import RefusedRules, StoryError
from segments.language.stories.reader import START, read_stories, time_text

EVER = any_event.within(days=365)


def told(examples, when=None):
    """The lines of the first story of a rule."""
    segment = Segment(
        id="rule", when=visit.within(days=7).count() >= 2 if when is None else when, examples=examples
    )
    return read_stories(segment)[0].lines


def record(line, **rule):
    """The record that a line tells of."""
    return told(f"0d {line}", **rule)[0].event.record


def wrong(examples, when=None, until=None):
    """What is said of a rule whose stories fail, line by line."""
    when = visit.within(days=7).count() >= 2 if when is None else when
    return [
        str(error)
        for error in failures(Segment(id="rule", when=when, until=until, examples=examples), engine)
    ]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0d", 0),
        ("4d", 345_600_000),
        ("1h 30m", 5_400_000),
        ("1h30m", 5_400_000),
        ("2s 5ms", 2_005),
        ("1d 1ms", 86_400_001),
    ],
)
def test_times_are_written_with_units(text, milliseconds):
    """Days, hours, minutes, seconds and milliseconds, together or apart."""
    assert told(f"{text} page_view")[0].at == milliseconds
    assert time_text(milliseconds).replace(" ", "") == text.replace(" ", "")


def test_a_story_is_lines_and_stories_are_parted_by_dashes():
    """Comments and empty lines say nothing."""
    examples = """
        0d  page_view           # it's the first

        # a line of its own
        1d
        2d  page_view enters
        --- # another
        3d  leaves
    """
    first, second = read_stories(Segment(id="rule", when=EVER.count() >= 1, examples=examples))
    assert [(line.at // 86_400_000, line.event is not None, line.flips) for line in first.lines] == [
        (0, True, ()),
        (1, False, ()),
        (2, True, ("enters",)),
    ]
    assert [line.flips for line in second.lines] == [("leaves",)]


def test_a_click_has_its_fields_and_attributes():
    """Quotes hold a value together; what is not told is missing."""
    click = record(
        "product_view product_id=lamp page='/a b' attributes.campaign=\"spring sale # 1\" channel=web"
    )
    assert click["product_id"] == "lamp"
    assert click["page"] == "/a b"
    assert click["attributes"] == {"campaign": "spring sale # 1"}
    assert click["channel"] == "web"
    assert click["category"] is None
    assert click["occurred_at"] == START


def test_a_purchase_has_money_and_lines():
    """Amounts are exact; a list makes several lines, and a single value is that of each."""
    purchase_ = record(
        "purchase amount=49.9 channel=app product_id=coat,shoes price=40,9.95 category=winter quantity=2"
    )
    assert (purchase_["amount"], purchase_["currency"], purchase_["channel"]) == (4990, "EUR", "app")
    line = {"category": "winter", "quantity": 2}
    assert purchase_["items"] == [
        {"product_id": "coat", "price": 4000, **line},
        {"product_id": "shoes", "price": 995, **line},
    ]
    assert record("refund")["items"] == []
    assert record("refund")["amount"] == 0


def test_a_profile_has_attributes_of_three_types_and_consents():
    """A number is a double, as in the record; a quoted value is a text whatever it looks like."""
    profile_ = record(
        "profile country=NL age=31 vip=true zip='1234' consent.marketing=true consent.ads=false"
    )
    assert profile_["attributes"] == {"country": "NL", "age": 31.0, "vip": True, "zip": "1234"}
    assert profile_["consents"] == {"marketing": True, "ads": False}


def test_erase_is_a_null_profile():
    """It comes in the topic of profiles, without a value."""
    line = told("1d erase")[0]
    assert (line.event.topic, line.event.record) == ("profiles", None)


def test_the_shop_s_own_kinds_are_known_from_the_rule():
    """Any other can be told as `click kind=...`."""
    when = event("wishlist_add").within(days=7).count() >= 1
    assert record("wishlist_add product_id=lamp", when=when)["kind"] == "wishlist_add"
    assert record("click kind=game_played")["kind"] == "game_played"


@pytest.mark.parametrize(
    ("line", "problem", "mend"),
    [
        ("page_view", "begins with a time", "4d or 1h 30m"),
        ("4 page_view", "begins with a time", "Write 4d, 4h or 4m."),
        ("0d visit", "visit is a set of events", "Write page_view."),
        ("0d purchas amount=3", "no kind of event named 'purchas'", "Did you mean purchase?"),
        ("0d wishlist", "no kind of event named 'wishlist'", "click kind=wishlist"),
        ("0d purchase amout=3", "purchase has no field 'amout'", "Did you mean amount?"),
        ("0d page_view campaign=x", "page_view has no field 'campaign'", "attributes.campaign=..."),
        ("0d erase all=true", "erase has no field 'all'", "Write erase alone."),
        ("0d purchase amount=1.505", "at most two decimals", "amount=49.99"),
        ("0d purchase amount=-1", "not negative", "amount=150"),
        ("0d purchase amount=1,5", "an amount of money", "amount=150"),
        ("0d purchase quantity=two", "a whole number", "quantity=2"),
        ("0d purchase product_id=a,b price=1,2,3", "product_id has 2 values", "Give one value, or 3."),
        ("0d profile consent.marketing=yes", "true or false", "consent.marketing=true"),
        ("0d page_view entres", "'entres' is no field", "Did you mean enters?"),
        ("0d page_view page='/a", "'/a has no closing quote", "Add the other '."),
        ("0d click", "click has no kind", "click kind=wishlist_add"),
        ("0d page_view purchase", "'purchase' is no field", "name=value"),
    ],
)
def test_a_line_that_cannot_be_read_says_what_to_write(line, problem, mend):
    """With file and line, as every error of a rule."""
    with pytest.raises(StoryError) as caught:
        told(f"\n0d page_view\n{line}\n")
    assert problem in caught.value.problem
    assert mend in caught.value.mend
    assert caught.value.origin.file == __file__


def test_a_failing_story_names_its_own_line(tmp_path):
    """The line within the file, whatever stands above the stories."""
    from segments.language.loading.load import load

    file = tmp_path / "rule.py"
    file.write_text(
        '"""Rule."""\nfrom segments.language import *\n\n'
        "rule = Segment(\n    when=visit.within(days=7).count() >= 2,\n"
        '    examples="""\n        0d page_view\n        ---\n'
        '        0d page_view\n        4d page_view\n    """,\n)\n'
    )
    (error,) = failures(load([file])[0], engine)
    assert (error.origin.file, error.origin.line) == (str(file), 10)


def test_what_was_told_and_what_happened_are_set_side_by_side():
    """Times as stories write them, and what to write."""
    (said,) = wrong("0d page_view\n1d page_view\n1h page_view\n2d enters\n")
    assert "The story tells: enters at 2d; happened: enters at 1d." in said
    assert "Write a line 1d enters, or mend the rule." in said


@pytest.mark.parametrize(
    "examples",
    [
        "0d page_view\n4d page_view enters\n7d leaves",
        "0d page_view\n4d page_view enters\n5d\n6d 23h 59m 59s 999ms\n7d leaves",
        "0d page_view\n4d page_view\n4d enters\n7d leaves",
        "0d page_view\n4d page_view enters",
        "0d page_view\n---\n4d page_view",
        "4d page_view\n0d page_view\n4d enters  # the first was late",
        "0d page_view\n1d page_view enters\n2d erase leaves\n3d page_view\n2d page_view # forgotten",
        "0d page_view event_id=a\n23h page_view event_id=a # the same event again",
    ],
)
def test_stories_that_come_true(examples):
    """Late events, erasures and duplicates are told like anything else."""
    assert wrong(examples) == []


@pytest.mark.parametrize(
    "examples",
    [
        "0d page_view\n4d page_view",
        "0d page_view\n4d page_view enters\n8d",
        "0d page_view\n4d page_view enters\n7d 1ms leaves",
        "0d page_view\n4d page_view enters leaves",
        "0d page_view enters",
        "4d page_view\n0d page_view enters # it flips at 4d",
        "0d page_view\n4d page_view leaves",
    ],
)
def test_stories_that_do_not(examples):
    """A flip that is missing, too many, at another instant, or the other way round."""
    assert len(wrong(examples)) == 1


def test_an_event_and_what_time_does_at_one_instant():
    """At an instant both ways can happen: what was due, and what the event does."""
    idle = purchase.within(days=30).idle >= hours(1)
    assert wrong("0d purchase\n1h enters\n2h purchase leaves\n3h enters", when=idle) == []
    assert wrong("0d purchase\n1h purchase\n2h enters", when=idle) == []


def test_each_failing_story_is_told_apart():
    """One error for each story, and the good ones are not mentioned."""
    examples = "0d page_view enters\n---\n0d page_view\n---\n0d page_view leaves\n"
    assert len(wrong(examples)) == 2


def test_profiles_and_consents_flip_segments():
    """A profile is whole: what a line does not tell, the customer does not have any more."""
    both = any_of([profile("country") == "NL", profile("age") >= 18], consent("marketing"))
    examples = """
        0d  profile country=NL age=17
        1d  profile country=NL age=18           enters
        2d  profile country=NL                  leaves
        3d  profile consent.marketing=true      enters
        4d  profile                             leaves
    """
    assert wrong(examples, when=both) == []


def test_money_counts_in_the_currency_of_the_shop():
    """Other currencies count as events, not as money."""
    when = [refund.within(days=30).count() >= 2, refund.within(days=30).sum(refund.amount) >= 5]
    examples = "0d refund amount=5\n1d refund amount=5 currency=USD enters\n30d leaves"
    assert wrong(examples, when=when) == []
    segment = Segment(
        id="rule", when=when, examples="0d refund amount=3\n1d refund amount=2 enters\n30d leaves"
    )
    assert failures(segment, engine, "GBP") == []


def test_an_event_that_the_engine_refuses_fails_its_story():
    """Nothing is silently ignored: the reason is told."""
    (said,) = wrong(f"0d page_view event_id={'x' * 129}")
    assert "invalid_id" in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("purchase amount=1 amount=2", "amount stands twice on this line. Keep one of them."),
        ("profile consents.x=true", "consents.x: a story says consent. Write consent.x=true."),
        ("profile country=NL country=BE", "country stands twice on this line."),
    ],
)
def test_a_field_that_is_told_wrongly(line, words):
    """Twice, or by the name that it has in the record: file, line and mend."""
    with pytest.raises(StoryError) as refused:
        told(f"0d {line}")
    assert words in str(refused.value)


@pytest.mark.parametrize("time", ["40000d", "99999999999999999999d"])
def test_a_story_ends_within_a_hundred_years(time):
    """Beyond the years that an instant may have, nothing would come to an end."""
    with pytest.raises(StoryError, match="at most a hundred years"):
        told(f"0d page_view\n{time}")


def test_every_line_that_cannot_be_read_is_told():
    """Not the first alone."""
    with pytest.raises(RefusedRules) as refused:
        told("0d pageview\n1d page_view\n2x purchase\n3d purchase amount=1 amount=2")
    assert [error.origin.line - refused.value.errors[0].origin.line for error in refused.value.errors] == [
        0,
        2,
        3,
    ]


def test_a_failing_story_tells_the_values():
    """Of each leaf, at the instant at which it fails."""
    [said] = wrong("0d page_view\n2d page_view enters\n5d", when=visit.within(days=7).count() >= 3)
    assert said.splitlines()[1:] == ["  at 2d:", "  ✗ visit.within(days=7).count() is 2, bound >= 3"]


@pytest.mark.parametrize(
    "examples",
    [
        "2026-01-01 00:00 page_view\n2026-01-03 12:30 page_view enters\n7d leaves",
        "0d x3 every 12h page_view\n12h enters\n7d 12h leaves",
        "0d page_view\n1d x2 every 1d 12h page_view\n1d enters\n8d leaves",
        "0d page_view\n2d page_view enters\n~7d leaves",
        "0d page_view\n2d 30m page_view enters\n~6d 23h\n~7d 0h leaves",
        "0d page_view\n2d page_view\n~2d enters\n~7d 0h 0m leaves",
    ],
)
def test_shorter_ways_to_tell_a_story(examples):
    """Dates, an event several times, and a flip within a unit of time: two visits in a week."""
    assert wrong(examples) == []


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ("0d page_view\n2d page_view enters\n~8d leaves", "There is no leaves from 8d to before 9d"),
        ("0d page_view\n2d page_view enters\n~6d 23h leaves", "from 6d 23h to before 7d"),
        ("0d page_view\n2d page_view enters\n~7d leaves\n~7d leaves", "There is no leaves from 7d"),
        ("0d x3 every 12h page_view enters\n8d leaves", "happened: enters at 12h"),
    ],
)
def test_what_is_not_so_about_that_time(examples, words):
    """Before the span, after it, or twice in it; copies assert at the last of them."""
    [said] = wrong(examples)
    assert words in said


def test_copies_are_events_of_their_own():
    """Each has an id and an order of its own, in place; the assertion is of the last."""
    lines = told("1d x3 every 2h purchase amount=5 enters\n2d")
    assert [line.at // 3_600_000 for line in lines] == [24, 26, 28, 48]
    assert len({line.event.record["event_id"] for line in lines[:3]}) == 3
    assert len({line.event.record["order_id"] for line in lines[:3]}) == 3
    assert [line.flips for line in lines] == [(), (), ("enters",), ()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2026-01-03 page_view", "A date has a time"),
        ("2026-02-30 10:00 page_view", "A date has a time"),
        ("2025-12-31 23:59 page_view", "begins on 2026-01-01"),
        ("2226-01-01 00:00 page_view", "at most a hundred years"),
        ("0d x3 page_view", "Write, say, x3 every 1d"),
        ("0d x3 every page_view", "Write, say, x3 every 1d"),
        ("0d x1 every 1d page_view", "2 to 1000 copies"),
        ("0d x1001 every 1d page_view", "2 to 1000 copies"),
        ("0d x900 every 365d page_view", "at most a hundred years"),
        ("0d x3 every 1d enters", "before no event"),
        ("~1d page_view", "not about a time"),
        ("~ enters", "begins with a time"),
    ],
)
def test_a_time_that_is_none(line, words):
    """Each with what to write."""
    with pytest.raises(StoryError, match=words):
        told(line)
