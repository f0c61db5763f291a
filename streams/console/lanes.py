"""The swim lanes of a customer: events, stays in segments, and their measures against the bounds, as rows to draw."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segments.engine import IDENTITIES
from streams.console.drawing import Bar, Lane, Point
from streams.console.history import Event, Reading
from streams.console.worded import Worded

MOST_SEGMENTS = 12
"""That get lanes: those whose stays are the latest."""
TIMES = (".idle", ".age", ".gap")
"""How the measures end whose values are milliseconds."""
MOST_TICKS = 500
"""Of one lane: more would touch each other."""

MERGED = "merged"
"""The kind of what says that another id was merged into the customer."""

Title = Callable[[str], str]
Stay = tuple[str, str | None]


def rows_of(
    reading: Reading,
    memberships: Sequence[Mapping[str, Any]],
    why: Mapping[str, Any] | None,
    title: Title,
    kind_of: Callable[[Event], str],
    worded: Worded,
) -> list[Lane]:
    """The lanes: one for each kind of event, then for each segment its stays and its measures."""
    kinds: dict[str, list[Event]] = defaultdict(list)
    for event in (*reading.events, *merged_into(reading.customer, why)):
        kinds[kind_of(event)].append(event)
    rows = [
        Lane(kind, ticks=[(each.at, kind) for each in events[-MOST_TICKS:]])
        for kind, events in sorted(kinds.items())
    ]
    stays = stays_of(reading.flips, memberships)
    asked = {(each["segment"], each.get("value")): each for each in (why or {}).get("segments", [])}
    latest = sorted(stays, key=lambda stay: -max(bar.start for bar in stays[stay]))[:MOST_SEGMENTS]
    for segment in dict.fromkeys(segment for segment, _ in latest):
        values = [stay for stay in latest if stay[0] == segment]
        for stay in values:
            due = asked[stay]["flips_at"] if stay in asked else None
            rows.append(Lane(named(title, *stay), bars=stays[stay], due=due))
        flips = [
            each for each in reading.flips if (each.fields["segment"], each.fields.get("value")) in values
        ]
        now = [asked[stay] for stay in values if stay in asked]
        rows += _measures(flips, now, None if why is None else why.get("clock"), worded)
    return rows


def merged_into(customer: str, why: Mapping[str, Any] | None) -> list[Event]:
    """The ids that were merged into a customer, as events: their links have other keys, and lie in other partitions."""
    said = why or {}
    identity = said.get("identity") or {}
    if identity.get("into") is not None or said.get("customer_id", customer) != customer:
        return []  # the customer goes on as another one, of whom the worker tells
    return [
        Event(each["at"], IDENTITIES, MERGED, {"customer_id": each["customer_id"]})
        for each in sorted(identity.get("merged", ()), key=lambda each: (each["at"], each["customer_id"]))
    ]


def named(title: Title, segment: str, value: str | None) -> str:
    """A segment by its title, and its value if it has one."""
    return title(segment) if value is None else f"{title(segment)}: {value}"


def stays_of(flips: Sequence[Event], memberships: Sequence[Mapping[str, Any]]) -> dict[Stay, list[Bar]]:
    """The stays by segment and value: those told by enters and exits, and those that last."""
    found: dict[Stay, list[Bar]] = defaultdict(list)
    begun: dict[Stay, int] = {}
    for flip in flips:
        stay = flip.fields["segment"], flip.fields.get("value")
        if flip.kind == "enter":
            begun[stay] = flip.at
        else:
            # Its enter may have been deleted from the topic: then the stay is as short as is known.
            found[stay].append(Bar(begun.pop(stay, flip.at), flip.at, flip.fields["reason"]))
    lasting = {(each["segment"], each["value"]): each["entered_at"] for each in memberships}
    for stay, start in (begun | lasting).items():
        found[stay].append(Bar(start, None, ""))
    return found


def _measures(
    flips: Sequence[Event], now: Sequence[Mapping[str, Any]], clock: int | None, worded: Worded
) -> list[Lane]:
    """A lane for each leaf of a segment whose value is a number: at each flip, and now; once for all of its stages."""
    points: dict[str, list[Point]] = defaultdict(list)
    bounds: dict[str, float | None] = {}
    told = [(flip.at, flip.fields["evidence"]) for flip in flips]
    if clock is not None:
        told += [(clock, each["evidence"]) for each in now]
    for at, evidence in told:
        for leaf in evidence:
            value, bound = _number(leaf["value"]), _number(leaf["bound"])
            if value is None or leaf["bound"] == "true":
                continue
            about = {**leaf, "kind": "duration" if leaf["measure"].endswith(TIMES) else None}
            told_bound, told_value = (worded.value(about, each) for each in (leaf["bound"], leaf["value"]))
            measure = worded.name(leaf["measure"])
            name = f"{measure} ({told_bound})"
            points[name].append(Point(at, value, f"{measure} = {told_value}"))
            bounds[name] = bound
    return [Lane(name, points=found, bound=bounds[name]) for name, found in points.items()]


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None
