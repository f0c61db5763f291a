"""The evidence of a rule in lines for people: the one printer of `why`, `try` and failing stories."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from segments.language.catalogue import Type
from segments.language.nodes.arithmetic import Calculated, is_duration, power_of_money
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import (
    AnyOf,
    Comparison,
    Condition,
    ProfileComparison,
)
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves
from segments.language.words.phrases import ENGLISH, Say

UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
NUMBERS = ("duration", "money", "number", "mean", "decimal")
"""The kinds of which a bound is never an empty text: a border that is not published, or a measure without a value."""
FOLDED = 6
"""Leaves of one `any_of` that are told one by one; of more the rest is counted."""

Entry = Mapping[str, Any]
Worded = Callable[[Entry], str | None]
"""Says an entry in words, where it can: `in_words.InWords.line`."""


def leaf_kind(leaf: Condition) -> str:
    """What the value of a leaf is: `duration` (milliseconds), `money`, `number`, `text`, `profile`, `date` or `truth`.

    Of a `date` the value is in milliseconds, and the bound in years.
    """
    match leaf:
        case Comparison(measure):
            if measure.kind.duration:
                return "duration"
            return {Type.MONEY: "money", Type.TEXT: "text"}.get(measure.type, "number")
        case ProfileComparison():
            return "profile"
        case DateComparison(bound=Duration()):
            return "duration"
        case DateComparison():
            return "date"
        case TodayComparison(part):
            return "number" if part in ("hour", "month") else "text"
        case Calculated(left):
            return "duration" if is_duration(left) else "money" if power_of_money(left) == 1 else "number"
    return "truth"


def leaf_places(segment: Segment) -> list[dict[str, Any]]:
    """For each leaf, in the order of evidence: its kind, its part (`when`, `until`), and the `any_of` it stands in."""
    found: list[dict[str, Any]] = []
    for part, condition in (("when", segment.when), ("until", segment.until)):
        alternatives = _alternatives(condition)
        found += [
            {"kind": leaf_kind(leaf), "part": part, "any_of": alternatives.get(id(leaf))}
            for leaf in leaves(condition)
        ]
    return found


def _alternatives(condition: Condition | None) -> dict[int, int]:
    """For the leaves within some `any_of` the number of the outermost one, by their identity as objects."""
    found: dict[int, int] = {}
    left = [] if condition is None else [condition]
    while left:
        each = left.pop()
        if isinstance(each, AnyOf):
            found |= dict.fromkeys(map(id, leaves(each)), id(each))
        else:
            left += getattr(each, "parts", ())
    numbers = {name: number for number, name in enumerate(dict.fromkeys(found.values()))}
    return {leaf: numbers[name] for leaf, name in found.items()}


def evidence_lines(
    entries: Sequence[Entry], say: Say = ENGLISH, worded: Worded | None = None
) -> Iterator[str]:
    """A line for each leaf; those of `until` apart, many alternatives folded. Without `worded`, in notation."""
    several = {entry.get("part") for entry in entries} == {"when", "until"}
    for part, of_part in groupby(entries, key=lambda entry: entry.get("part")):
        head = f"{_head(part, say, worded)} " if several else ""
        for group, found in groupby(of_part, key=lambda entry: entry.get("any_of")):
            of_group = list(found)
            several_lines = _folded(of_group, say, worded)
            one_by_one = (_line(each, say, worded) for each in of_group)
            for line in one_by_one if group is None else several_lines:
                yield head + line
                head = " " * len(head)


def _head(part: str, say: Say, worded: Worded | None) -> str:
    """The part of the rule: `when` and `until` in notation, else what they decide, one as wide as the other."""
    if worded is None:
        return f"{part:<5}"
    enters, leaves_it = say("enters"), say("leaves")
    return f"{enters if part == 'when' else leaves_it:<{max(len(enters), len(leaves_it))}}"


def _folded(entries: list[Entry], say: Say, worded: Worded | None) -> Iterator[str]:
    if len(entries) <= FOLDED:
        yield from (_line(each, say, worded) for each in entries)
        return
    holding = [entry for entry in entries if entry["holds"]]
    shown = (holding or entries)[: FOLDED // 2]
    yield from (_line(each, say, worded) for each in shown)
    rest = len(entries) - len(shown)
    more = len(holding) - len(shown) if holding else 0
    yield say("… and {count} more alternatives, of which {holding} hold", count=rest, holding=more)


def _line(entry: Entry, say: Say, worded: Worded | None) -> str:
    return f"{'✓' if entry['holds'] else '✗'} {entry_text(entry, say, worded)}"


def entry_text(entry: Entry, say: Say = ENGLISH, worded: Worded | None = None) -> str:
    """`visit.within(days=7).count() is 2, bound >= 3`, or the same in words; durations in units."""
    known = say(" (known since {since})", since=entry["known_since"]) if entry.get("known_since") else ""
    then = say(" (as of {at})", at=entry["as_of"]) if entry.get("as_of") else ""
    told = None if worded is None else worded(entry)
    return f"{told or _in_notation(entry, say)}{known}{then}"


def _in_notation(entry: Entry, say: Say) -> str:
    value, bound = entry["value"], entry["bound"]
    if entry["kind"] == "duration":
        value, bound = (duration(int(each)) if each else None for each in (value, bound))
    if entry["kind"] == "date" and value is not None:
        value = duration(int(value))
    return say(
        "{measure} is {value}, bound {operator} {bound}",
        measure=entry["measure"],
        value=say("nothing") if value is None else value,
        operator=entry["operator"],
        bound=say("nothing") if not bound and entry["kind"] in NUMBERS else bound,
    )


def alternatives_text(texts: Sequence[str], say: Say = ENGLISH, joint: str = "; ") -> str:
    """What would change something, of many the first few."""
    shown, more = joint.join(texts[:FOLDED]), len(texts) - FOLDED
    return shown if more <= 0 else say("{texts}; or one of {count} more", texts=shown, count=more)


def duration(milliseconds: int) -> str:
    """The two largest units: 3d 4h."""
    rest, parts = milliseconds, []
    for unit, size in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
