"""Rules as normalised text: two ways to write the same thing read the same here.

The text names a measure in the evidence of a segment event, and is what a rule's version is a digest of.
"""

import json
from decimal import Decimal
from hashlib import blake2b

from segments.language.nodes.arithmetic import Calculated, Product, Quotient, Sum, Term, measures_of
from segments.language.nodes.borders import Top, top_of
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Consent,
    HasValue,
    Not,
    ProfileComparison,
)
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import AllTests, AnyTest, Filter, NotTest, Test
from segments.language.nodes.goals import Aim
from segments.language.nodes.measures import Measure
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.splits import Split

quoted = json.JSONEncoder(ensure_ascii=False).encode
"""A text in double quotes. `json.dumps` makes an encoder at each call, which takes seven times as long."""

LONGEST_NAME = 1_024
"""Bytes of a text by which something is known again: the record beside the customers holds each several times."""


def short_name(text: str) -> str:
    """A text of at most 1,024 bytes to know something by: of a longer one its beginning and a digest of all of it."""
    encoded = text.encode()
    if len(encoded) <= LONGEST_NAME:
        return text
    return f"{text[:200]}…{blake2b(encoded, digest_size=16).hexdigest()}"


def literal(value: object) -> str:
    """A value as it is written in a rule."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Top):
        return str(value)
    if isinstance(value, tuple):
        return f"({', '.join(literal(each) for each in value)})"
    return plain(value)


def plain(value: object) -> str:
    """A value as the evidence shows it: numbers without an exponent, booleans as `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        # Equal numbers are one text: -0.0 is 0.
        return format(Decimal(repr(value + 0.0)).normalize(), "f") if value - value == 0 else repr(value)
    if isinstance(value, tuple):
        return quoted([plain(each) for each in value])
    return str(value)


def span_text(milliseconds: int) -> str:
    """A window as rules had it before `after` and `ago`: `days=7`, `days=1, hours=12`."""
    return Duration(milliseconds).arguments()


def filter_text(test: Filter) -> str:
    """A test of a field, as within `where`."""
    match test:
        case Test(field, "is_in", bound):
            return f"{field}.is_in{literal(bound)}"
        case Test(field, operator, bound):
            return f"{field} {operator} {literal(bound)}"
        case NotTest(inner):
            return f"not_({filter_text(inner)})"
        case AnyTest(tests):
            return f"any_of({', '.join(map(filter_text, tests))})"
        case AllTests(tests):
            return ", ".join(map(filter_text, tests))
    raise TypeError(test)


def events_text(events: Events) -> str:
    """An event set with all that narrows it, in the order of the grammar."""
    text = events.name
    if events.filter is not None:
        text += f".where({filter_text(events.filter)})"
    if events.follows is not None:
        text += f".after({events_text(events.follows)}, {Duration(events.span or 0).in_one_unit()})"
    if events.match is not None:
        text += f".same({events.match})"
    if events.key is not None:
        text += f".by({events.key})"
    if events.reset is not None:
        text += f".since({events_text(events.reset)})"
    if events.period is not None:
        text += f".during({literal(events.period.name)})"
    elif events.window:
        text += f".within({span_text(events.window)})"
    return text + (f".ago({Duration(events.offset).in_one_unit()})" if events.offset else "")


def measure_text(measure: Measure) -> str:
    """A measure: `visit.since(purchase).within(days=7).count()`."""
    if isinstance(measure, Predicted):
        ahead = f", days={measure.days}" if measure.days else ""
        return f"{events_text(measure.events)}.{measure.name}(model({literal(measure.of.known_as)}){ahead})"
    call = "" if measure.kind.duration else f"({'' if measure.field is None else measure.field})"
    return f"{events_text(measure.events)}.{measure.name}{call}"


def term_text(term: object) -> str:
    """A calculated value as it is written: a number first in a product, brackets where they are needed."""
    match term:
        case Sum(left, sign, right):
            within = isinstance(right, Sum) and sign == "-"
            return f"{term_text(left)} {sign} {_bracketed(right, within=within)}"
        case Product(factor, of):
            return f"{plain(factor)} * {_bracketed(of, within=isinstance(of, Sum))}"
        case Quotient(left, right):
            below = isinstance(right, Sum | Product | Quotient)
            return f"{_bracketed(left, within=isinstance(left, Sum))} / {_bracketed(right, within=below)}"
        case Measure():
            return measure_text(term)
        case Duration():
            return str(term)
    return plain(term)


def _bracketed(term: object, *, within: bool) -> str:
    return f"({term_text(term)})" if within else term_text(term)


def calculated_text(leaf: Calculated) -> str:
    """The whole comparison."""
    return f"{term_text(leaf.left)} {leaf.operator} {term_text(leaf.right)}"


def leaf_text(leaf: Condition) -> str:
    """What a leaf of a rule measures: the `measure` of its evidence."""
    match leaf:
        case Calculated(left, _, right):
            return calculated_text(leaf) if isinstance(right, Term) else term_text(left)
        case Comparison(measure):
            return measure_text(measure)
        case ProfileComparison(name):
            return f"profile({literal(name)})"
        case TodayComparison(part):
            return f"today.{part}"
        case DateComparison(name, told):
            return f"profile({literal(name)}).date.{told}"
        case HasValue(name, value):
            return f"profile({literal(name)}).has({literal(value)})"
        case Consent(name):
            return f"consent({literal(name)})"
        case Split(name):
            return f"split({literal(name)}, percent={literal(leaf.percent)})"
        case Segment(id=name):
            return name
        case ValueOf(segment, value):
            return f"{segment.id}.of({literal(value)})"
    raise TypeError(leaf)


def bound_text(leaf: Condition) -> str:
    """What a leaf is compared with: the `bound` of its evidence; empty where that is a measure, or a border."""
    if top_of(leaf) is not None:
        return ""
    if isinstance(leaf, Calculated):
        if isinstance(leaf.right, Duration):
            return plain(leaf.right.milliseconds)
        return "" if isinstance(leaf.right, Term) else plain(leaf.right)
    if isinstance(leaf, DateComparison):
        return str(leaf.bound.milliseconds if isinstance(leaf.bound, Duration) else leaf.bound)
    return plain(leaf.bound) if isinstance(leaf, Comparison | ProfileComparison | TodayComparison) else "true"


def condition_text(condition: Condition) -> str:
    """A condition with its operands sorted: `[a, b]` and `[b, a]` mean the same."""
    match condition:
        case AllOf(parts):
            return f"all_of({', '.join(sorted(map(condition_text, parts)))})"
        case AnyOf(parts):
            return f"any_of({', '.join(sorted(map(condition_text, parts)))})"
        case Not(inner):
            return f"not_({condition_text(inner)})"
        case (
            Comparison(operator=operator, bound=bound)
            | ProfileComparison(operator=operator, bound=bound)
            | TodayComparison(operator=operator, bound=bound)
        ):
            return f"{leaf_text(condition)} {operator} {literal(bound)}"
        case Calculated():
            return calculated_text(condition)
        case DateComparison(operator=operator, bound=bound):
            return f"{leaf_text(condition)} {operator} {bound}"
    return leaf_text(condition)


def rule_text(condition: Condition) -> str:
    """A condition as it is written in a rule file, in its own order; it can be pasted into one."""
    match condition:
        case AllOf(parts):
            return f"[{', '.join(map(rule_text, parts))}]"
        case AnyOf(parts):
            return f"any_of({', '.join(map(rule_text, parts))})"
        case Not(inner):
            return f"not_({rule_text(inner)})"
        case (
            Comparison(operator="is_in", bound=bound)
            | ProfileComparison(operator="is_in", bound=bound)
            | TodayComparison(operator="is_in", bound=bound)
        ):
            return f"{leaf_text(condition)}.is_in{literal(bound)}"
        case Comparison(measure, operator, int(bound)) if measure.kind.duration:
            return f"{leaf_text(condition)} {operator} {Duration(bound)}"
        case (
            Comparison(operator=operator, bound=bound)
            | ProfileComparison(operator=operator, bound=bound)
            | TodayComparison(operator=operator, bound=bound)
        ):
            return f"{leaf_text(condition)} {operator} {literal(bound)}"
        case Calculated():
            return calculated_text(condition)
        case DateComparison(operator=operator, bound=bound):
            return f"{leaf_text(condition)} {operator} {bound}"
    return leaf_text(condition)


def goal_text(aim: Aim) -> str:
    """The goal of a rule with its window and revenue: `purchase.within(days=7), revenue=purchase.amount`."""
    text = "" if aim.goal is None else events_text(aim.goal)
    return text if aim.revenue is None else f"{text}, revenue={aim.revenue}"


def borders_in(*conditions: Condition | None) -> list[Comparison]:
    """The leaves of these conditions that compare with a border."""
    every = [leaf for condition in conditions for leaf in leaves(condition)]
    return [leaf for leaf in every if isinstance(leaf, Comparison) and isinstance(leaf.bound, Top)]


def leaves(condition: Condition | None) -> list[Condition]:
    """The leaf conditions in source order, none skipped."""
    match condition:
        case None:
            return []
        case AllOf(parts) | AnyOf(parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Not(inner):
            return leaves(inner)
    return [condition]


def measures_of_rule(segment: Segment) -> list[Measure]:
    """All measures that a rule reads: those of its conditions in source order, then those of its details."""
    held = leaves(segment.when) + leaves(segment.until)
    return [each for leaf in held for each in measures_in(leaf)] + [each for _, each in segment.details]


def measures_in(leaf: Condition) -> tuple[Measure, ...]:
    """The measures of a leaf: one, several in a calculation, or none."""
    if isinstance(leaf, Comparison):
        return (leaf.measure,)
    return tuple(measures_of(leaf)) if isinstance(leaf, Calculated) else ()
