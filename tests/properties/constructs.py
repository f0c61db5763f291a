"""Which constructs of the language a rule is made of, for the tables of coverage."""

from collections.abc import Iterator
from typing import Any

from segments.language import Segment
from segments.language.catalogue import CALENDAR, DAY, TOTAL, Type
from segments.language.nodes.arithmetic import Calculated, Product, Quotient, Sum, Term, is_duration
from segments.language.nodes.calendar import PARTS, PERIODS, TodayComparison
from segments.language.nodes.conditions import Condition, Consent, HasValue, ProfileComparison
from segments.language.nodes.dates import DateComparison, Years
from segments.language.nodes.fields import AllTests, AnyTest, Field, NotTest
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import ValueOf
from segments.language.nodes.splits import Split
from segments.language.nodes.text import leaves, measures_in, measures_of_rule

NAMED = (*(each.name for each in CALENDAR), DAY.name, TOTAL.name)
"""Fields that no record has."""
OF_RULES = (
    *("split", "details", "values", "profile", "has", "consent", "of one value"),
    *("against a measure", "share", "sum of measures", "multiple", "durations"),
    *NAMED,
    *("number", "sources"),
)
"""What a rule may have, whatever its measures are: that it flips at all is enough."""
OF_CALENDARS = (
    *(f"during {period}" for period in PERIODS),
    *(f"today.{part}" for part in PARTS),
    *("date.remaining", "date.age", "date.anniversary", "years", "previous period against this one"),
)
"""The same of rules that read the calendar."""


def constructs(segment: Segment) -> set[str]:
    """What a rule is made of."""
    found = {each for leaf in leaves(segment.when) + leaves(segment.until) for each in of_leaf(leaf)}
    found |= {each for measure in measures_of_rule(segment) for each in of_measure(measure)}
    return found | ({"details"} if segment.details else set())


def of_leaf(leaf: Condition) -> Iterator[str]:
    """What a leaf is."""
    match leaf:
        case Split():
            yield "split"
        case ProfileComparison():
            yield "profile"
        case HasValue():
            yield "has"
        case Consent():
            yield "consent"
        case ValueOf():
            yield "of one value"
        case TodayComparison(part=part):
            yield f"today.{part}"
        case DateComparison(told=told, bound=bound):
            yield f"date.{told}"
            yield from ["years"] if isinstance(bound, Years) else []
        case Calculated(left=left, right=right):
            yield from ["durations"] if is_duration(left) else []
            yield from ["against a measure"] if isinstance(right, Term) else []
            yield from {each for side in (left, right) for each in of_term(side)}
            periods = {each.events.period for each in measures_in(leaf)} - {None}
            yield from ["previous period against this one"] if len(periods) > 1 else []


def of_term(term: Any) -> Iterator[str]:
    """What is calculated."""
    match term:
        case Sum(left=left, right=right):
            yield "sum of measures"
            yield from (*of_term(left), *of_term(right))
        case Product(of=of):
            yield "multiple"
            yield from of_term(of)
        case Quotient(left=left, right=right):
            yield "share"
            yield from (*of_term(left), *of_term(right))


def of_measure(measure: Measure) -> Iterator[str]:
    """What a measure has in it."""
    if measure.name == "values":
        yield "values"
    fields = [] if measure.field is None else [measure.field]
    for events in measure.events.sets:
        fields += [each for each in (events.key, events.match) if each is not None]
        fields += tested(events.filter)
        if events.period is not None:
            yield f"during {events.period.name}"
    for field in fields:
        yield from [field.name] if field.name in NAMED else []
        yield from ["number"] if field.type is Type.NUMBER else []


def tested(test: Any) -> list[Field]:
    """The fields that a `where` looks at."""
    match test:
        case None:
            return []
        case NotTest(inner):
            return tested(inner)
        case AnyTest(tests) | AllTests(tests):
            return [field for each in tests for field in tested(each)]
    return [test.field]
