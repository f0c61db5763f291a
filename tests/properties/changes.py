"""Stories in which other rules take over: edited, added, removed, put back."""

from collections.abc import Sequence
from dataclasses import replace

from segments.language import Segment, not_
from segments.language.nodes.conditions import AllOf, AnyOf, Comparison, Condition, Not
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.segment import ValueOf
from segments.language.nodes.text import leaves, measures_in
from tests.properties.picking import Pick, one_in, several
from tests.properties.records import DAY, HOUR, MINUTE, START, Arrival, click
from tests.properties.rules import HELD_BACK, SPANS, bounded, condition, duration, known, rule_set, sound
from tests.properties.stories import GRACES, Example, Phase, Rules, afterwards, arrivals_to
from tests.properties.valued import again, at_values, in_stages

NAMES = ("bee", "ant", "cat", "dog", "eel", "fly")
BEAT = (HOUR, 0, MINUTE, 2 * DAY)


def changing(pick: Pick) -> Example:
    """A story in two or three parts, each under rules of its own.

    A part ends with the click of somebody else, so that its clock is committed: rules take over at the committed clock.
    """
    rule_sets = [tuple(rule_set(pick))]
    for _ in range(pick((1, 2))):
        back = len(rule_sets) > 1 and one_in(pick, 3)
        rule_sets.append(rule_sets[0] if back else edited(pick, rule_sets[-1]))
    arrivals = arrivals_to(pick, [each for rules in rule_sets for each in rules])
    cuts = sorted(pick(range(len(arrivals) + 1)) for _ in rule_sets[1:])
    parts = [arrivals[start:end] for start, end in zip([0, *cuts], [*cuts, len(arrivals)], strict=True)]
    end = afterwards([each for rules in rule_sets for each in rules], arrivals)
    endings = [*(beat(pick, part) for part in parts[:-1]), end]
    phases, changes = list[Phase](), {}
    for rules, part, ending in zip(rule_sets, parts, endings, strict=True):
        if phases:
            changes[len(phases)] = rules
            # The wall clock is read while others still belong to the rules before.
            phases += (
                [Phase((), phases[-1].arrivals[-1].time + pick((0, HOUR, DAY)))] if one_in(pick, 2) else []
            )
        phases.append(Phase((*part, ending), None))
    return Example(rule_sets[0], pick(GRACES), tuple(phases), changes)


def beat(pick: Pick, part: Sequence[Arrival]) -> Arrival:
    """Somebody else's click, after all that is in a part of the story."""
    latest = max((arrival.time for arrival in part), default=START) - START
    return click(latest + pick(BEAT), "page_view", customer="zoe")


def edited(pick: Pick, rules: Rules) -> Rules:
    """Other rules, made of these: mostly of the same measures, so that their memory goes on."""
    pool = [leaf for each in rules for leaf in leaves(each.when) + leaves(each.until)]
    pool = [leaf for leaf in pool if not isinstance(leaf, Segment | ValueOf) and not flips_read(leaf)]
    made: dict[str, Segment] = {}
    for each in rules:
        deed = pick(("edit", "keep", "remove"))
        if deed != "remove":
            edit = Edit(pick, made, pool, deed == "edit")
            ends = None if each.until is None else edit(each.until)
            back = held_back(pick, each, deed == "edit")
            anew = valued(pick, each, edit, ends, back)
            if anew is None:
                anew = sound(pick, each.id, edit(each.when), ends, back)
            made[each.id] = anew
    for name in several(pick, 1, lambda: pick([name for name in NAMES if name not in made]), least=not made):
        others = tuple(made.values())
        when = condition(pick, others) if one_in(pick, 3) else Edit(pick, made, pool, edits=True)(pick(pool))
        ends = not_(pick(pool)) if one_in(pick, 4) else None
        made[name] = sound(pick, name, when, ends)
    return tuple(made.values())


def valued(
    pick: Pick, before: Segment, edit: "Edit", ends: Condition | None, back: dict[str, Duration]
) -> Segment | None:
    """A segment with values written anew, mostly with values; None: it has none any more."""
    if before.stages and not one_in(pick, 4):
        return in_stages(pick, before.id, [edit(each) for _, each in before.stages], known(pick))
    if before.for_each is not None and not one_in(pick, 6):
        return at_values(pick, before.id, edit(before.when), ends, back)
    return at_values(pick, before.id, edit(before.when), ends, back) if one_in(pick, 6) else None


def held_back(pick: Pick, segment: Segment, edits: bool) -> dict[str, Duration]:
    """What holds customers back from a segment; in an edit a length may be another one, or go, or come."""
    spans = {name: getattr(segment, name) for name in HELD_BACK}
    if edits and one_in(pick, 3):
        name = "at_most_every" if segment.until is not None else pick(HELD_BACK)
        spans[name] = pick((0, *(each.milliseconds for each in SPANS)))
    return {name: Duration(span) for name, span in spans.items() if span}


class Edit:
    """Writes a condition anew, over the segments made so far; a bound or two differ if it is an edit."""

    def __init__(self, pick: Pick, made: dict[str, Segment], pool: list[Condition], edits: bool) -> None:
        self.pick, self.made, self.pool, self.edits = pick, made, pool, edits

    def __call__(self, node: Condition) -> Condition:
        """The condition, written anew."""
        match node:
            case Not(inner):
                return Not(self(inner))
            case AllOf(parts):
                return AllOf(tuple(map(self, parts)))
            case AnyOf(parts):
                return AnyOf(tuple(map(self, parts)))
            case ValueOf():
                anew = again(node, self.made)
                return self.pick(self.pool) if anew is None else anew
            case Segment(id=name):
                return self.made[name] if name in self.made else self.pick(self.pool)
            case Comparison(measure, operator, bound, origin) if read := flips_read(node):
                if any(name not in self.made for name in read):
                    return self.pick(self.pool)
                node = Comparison(
                    replace(measure, events=self.of_made(measure.events)), operator, bound, origin
                )
        if not self.edits or one_in(self.pick, 2):
            return node
        return rebound(self.pick, node) if isinstance(node, Comparison) else self.pick(self.pool)

    def of_made(self, events: Events) -> Events:
        """An event set whose flips are those of the segments made."""
        follows, reset = (
            None if each is None else self.of_made(each) for each in (events.follows, events.reset)
        )
        source = events.source
        if source.flip:
            source = replace(source, segment=self.made[source.segment.id])
        return replace(events, source=source, follows=follows, reset=reset)


def flips_read(leaf: Condition) -> list[str]:
    """The ids of the segments whose flips a leaf reads."""
    sets = [events.source for measure in measures_in(leaf) for events in measure.events.sets]
    return [each.segment.id for each in sets if each.flip]


def rebound(pick: Pick, leaf: Comparison) -> Comparison:
    """The same measure against another bound."""
    return (duration if leaf.measure.kind.duration else bounded)(pick, leaf.measure)
