"""Segments with values at random: `for_each` with leaves that have `by`, stages, and conditions on one value."""

from typing import Any

from segments.language import Segment, Stages, any_event, any_of
from segments.language.catalogue import Type
from segments.language.checking.lint import may_be, of_strangers
from segments.language.checking.values import check_values, of_no_value
from segments.language.nodes.conditions import Condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field
from segments.language.nodes.segment import ValueOf
from segments.language.nodes.text import leaves, measures_in
from tests.properties.picking import Pick, one_in

STAGES = ("gold", "silver", "new")


def at_values(
    pick: Pick, name: str, when: Condition, ends: Condition | None, back: dict[str, Duration]
) -> Segment | None:
    """A rule asked at each value of one of its `by`; None: it has none, or they are not of one type."""
    keys = [measure.events.key for leaf in leaves(when) for measure in measures_in(leaf)]
    fields = [key for key in keys if key is not None]
    if not fields:
        return None
    field = pick(fields)
    if True in of_no_value(when):
        known = Events(field.events).by(field).within(days=pick((1, 2))).count() >= 1
        when = known if one_in(pick, 3) else Segment(id="unused", when=[when, known]).when
    if ends is not None and False in of_strangers(ends, each=True):
        ends = any_of(ends, any_event.within(days=1).count() == 0)
    if "for_at_least" in back:
        ends = None
    keyed = Events(field.events).by(field).within(days=pick((1, 2)))
    told = {"at": keyed.count(), "of": keyed.values(field)} if one_in(pick, 3) else {}
    found = Segment(id=name, for_each=field, when=when, until=ends, details=told, **back)
    if ends is None and may_be(True, when):
        return None
    return None if any(True for _ in check_values(found)) else found


def in_stages(pick: Pick, name: str, conditions: list[Condition], known: Condition) -> Stages:
    """A segment of two or three stages, empty of strangers."""
    kept = [
        Segment(id="unused", when=[each, known]).when if may_be(True, each) else each for each in conditions
    ]
    names = STAGES if one_in(pick, 2) else STAGES[::-1]
    told = {"kinds": any_event.within(days=1).values(any_event.kind)} if one_in(pick, 3) else {}
    return Stages(id=name, stages=dict(zip(names, kept, strict=False)), details=told)


def one_of(pick: Pick, segment: Segment) -> Condition:
    """The membership of a segment, of one with values now and then at one of them."""
    if not segment.has_values or one_in(pick, 3):
        return segment
    if segment.stages:
        return segment.of(pick(segment.stage_names))
    assert segment.for_each is not None
    return segment.of(a_value(pick, segment.for_each))


def a_value(pick: Pick, field: Field) -> Any:
    """A value that an event of a story may have in a field."""
    from tests.properties.rules import AMOUNTS, texts

    if field.type is Type.TEXT:
        return pick(texts(field.name))
    return pick(AMOUNTS) if field.type is Type.MONEY else pick((1, 2, 7))


def again(node: ValueOf, made: dict[str, Segment]) -> Condition | None:
    """A condition on one value, of the segment as it is made now; None: it has no such value any more."""
    other = made.get(node.segment.id)
    if other is None or not other.has_values:
        return None
    if other.stages:
        return other.of(node.value) if node.value in other.stage_names else None
    same = node.segment.for_each is not None and other.for_each is not None
    alike = same and node.segment.for_each.type is other.for_each.type  # type: ignore[union-attr]
    return ValueOf(other, node.value, node.origin) if alike else None
