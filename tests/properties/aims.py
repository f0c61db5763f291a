"""Goals, revenue and control groups at random, given to the rules of stories that know of none."""

from dataclasses import replace
from typing import Any

from segments.language import Segment, entered, left
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field
from segments.language.nodes.goals import aim
from tests.properties.changes import changing
from tests.properties.model import World
from tests.properties.picking import Pick, one_in, several
from tests.properties.records import MINUTE, START, Arrival, click
from tests.properties.rules import USUAL, WINDOWS, event_set, where
from tests.properties.stories import Example, Rules, afterwards, example, happening

GOALS = (*(each for each in USUAL if each != "visit"), "purchase", "refund.items", "wish", "on_site")


def aimed(pick: Pick) -> Example:
    """A story of rules with goals."""
    drawn = example(pick)
    give(pick, drawn.segments, {})
    return ended(drawn if one_in(pick, 4) else reached(pick, drawn))


def aimed_anew(pick: Pick) -> Example:
    """A story in which other rules take over, with goals that go on, change, go or come."""
    drawn, held = changing(pick), dict[str, Any]()
    given: set[int] = set()
    for rules in drawn.rule_sets:
        fresh = [each for each in rules if id(each) not in given]
        give(pick, fresh, held)
        given |= set(map(id, fresh))
    return ended(drawn)


def reached(pick: Pick, drawn: Example) -> Example:
    """The story, with events of a goal after one of its enters, and one of them late as often as not."""
    rules = {each.id: each.aim.goal for each in drawn.segments if each.aim.goal is not None}
    enters = [
        (customer, flip)
        for customer, flips in World(drawn).run().flips.items()
        for flip in flips
        if flip["transition"] == "enter" and flip["segment"] in rules and flip["cause"]
    ]
    if not enters:
        return drawn
    customer, enter = pick(enters)
    goal, begin = rules[enter["segment"]], enter["occurred_at"]
    number, place = where_is(drawn, enter["cause"]["event_id"])
    phase = drawn.phases[number]
    of, end = phase.arrivals[place], begin + (goal.window or 0)
    kinds = sorted(goal.source.kinds or ["page_view"])

    def happens(at: int, id: str) -> Arrival:
        if of.event is not None and of.event.get("kind") in kinds:
            return echo(of, at, id)
        return happening(pick, at - START, pick(kinds), customer, id, 0)

    at = pick((begin + 1, (begin + end) // 2, end - 1, end))
    more = [happens(at, "goal")]
    if one_in(pick, 2):
        more.insert(0, click(pick((at + 1, at + MINUTE)) - START, "email_click", customer, "other"))
    arrivals = (*phase.arrivals[: place + 1], *more, *phase.arrivals[place + 1 :])
    phases = (*drawn.phases[:number], replace(phase, arrivals=arrivals), *drawn.phases[number + 1 :])
    return replace(drawn, phases=phases)


def where_is(drawn: Example, event_id: str) -> tuple[int, int]:
    """The phase of the first record with this id, and its place in it."""
    return next(
        (number, place)
        for number, phase in enumerate(drawn.phases)
        for place, each in enumerate(phase.arrivals)
        if each.event is not None and each.event["event_id"] == event_id
    )


def echo(of: Arrival, at: int, id: str) -> Arrival:
    """The same once more, with an id of its own."""
    assert of.event is not None
    return replace(of, event=of.event | {"event_id": id, "occurred_at": at}, timestamp=max(at, of.timestamp))


def ended(drawn: Example) -> Example:
    """The story, with its last click so late that every goal's window is over."""
    *phases, last = drawn.phases
    if not last.arrivals or last.arrivals[-1].customer != "zoe":
        return drawn
    before = [each for phase in phases for each in phase.arrivals] + list(last.arrivals[:-1])
    every = [each for rules in drawn.rule_sets for each in rules]
    latest = max((afterwards([each], before) for each in every), key=lambda each: each.time)
    arrivals = (*last.arrivals[:-1], max((last.arrivals[-1], latest), key=lambda each: each.time))
    return replace(drawn, phases=(*phases, replace(last, arrivals=arrivals)))


def give(pick: Pick, rules: Rules | list[Segment], held: dict[str, Any]) -> None:
    """Have rules measured by something; `held`: what those of the same id were measured by, which mostly goes on."""
    for place, each in enumerate(rules):
        if each.id not in held or one_in(pick, 3):
            held[each.id] = drawn_aim(pick, list(rules[:place]), each.for_each)
        goal, revenue, control, experiment = held[each.id]
        if goal is not None and goal.source.flip:
            known = [other for other in rules[:place] if other.id == goal.source.segment.id]
            goal = goal if not known else replace(goal, source=replace(goal.source, segment=known[0]))
            goal = goal if known else None
        if goal is not None and goal.key is not None:
            same = each.for_each is not None and each.for_each.type is goal.key.type
            goal = goal if same else replace(goal, key=None)
        revenue = revenue if goal is not None else None
        each.aim = aim(goal, revenue, control, experiment, each.id, each.for_each)


def drawn_aim(
    pick: Pick, others: list[Segment], for_each: Field | None = None
) -> tuple[Events | None, Any, Any, str]:
    """Goal, revenue, control and experiment; seldom none of them."""
    control = pick((None, 50, 10, 12.5))
    experiment = pick(("", "winter"))
    if one_in(pick, 6):
        return None, None, control, experiment
    if others and one_in(pick, 4):
        events = pick((entered, left))(pick(others))
        return events.within(minutes=pick(WINDOWS) // MINUTE), None, control, experiment
    if for_each is not None and not for_each.events.visits and one_in(pick, 2):
        events = Events(for_each.events).by(for_each)
        return events.within(minutes=pick(WINDOWS) // MINUTE), None, control, experiment
    name = pick(GOALS)
    events = event_set(name) if name != "on_site" else event_set("page_view")
    if one_in(pick, 3):
        events = events.where(*several(pick, 2, lambda: where(pick, events.source), least=1))
    money = None
    if name.startswith(("purchase", "refund")) and not one_in(pick, 3):
        fields = Events(events.source)
        money = fields.total if name.endswith("items") else fields.amount
    return events.within(minutes=pick(WINDOWS) // MINUTE), money, control, experiment
