"""Stories: the examples of a rule, as text that a marketer can read and that runs.

    0d      page_view
    2d      page_view
    4d      page_view       enters      # the third in a week
    5d      purchase        leaves

A time, then an event with its fields, `enters`, `leaves`, or none of them. `---` starts another story.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from segments.language.errors import Origin, RefusedRules, RuleError, StoryError
from segments.language.loading.source import examples_origin
from segments.language.nodes.durations import DAY, HOUR, LONGEST, MINUTE, Duration
from segments.language.nodes.order import reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves, measures_in
from segments.language.stories.events import Happening, Teller, Told

START = 1_767_225_600_000
"""Stories begin on 2026-01-01 at midnight UTC: 0d, and the first millisecond of a day."""
UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1000, "ms": 1}
FLIPS = ("enters", "leaves")

_WORD = re.compile(r"""\#.*|(?:[^\s"']|"[^"]*"|'[^']*')+|(?P<open>["'].*)""")
_TIME = re.compile(r"(?:\d+(?:ms|[dhms]))+")
_PART = re.compile(r"(\d+)(ms|[dhms])")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a story: when, what happens if anything does, and which flips are asserted."""

    origin: Origin
    at: int
    """Milliseconds since the story began."""
    event: Happening | None
    flips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Lines in the order told; a line of an earlier time than the one before it is a late event."""

    lines: tuple[Line, ...]

    @property
    def told(self) -> set[str]:
        """Which flips it asserts: enters, leaves, both or none."""
        return {flip for line in self.lines for flip in line.flips}

    @property
    def happens(self) -> bool:
        """Whether anything happens in it."""
        return any(line.event is not None for line in self.lines)


def read_stories(segment: Segment, currency: str = "EUR") -> tuple[Story, ...]:
    """The stories among a rule's examples.

    Raises a `StoryError` with file and line, or `RefusedRules` with one for each line that can't be read.
    """
    kinds = own_kinds(segment)
    first = examples_origin(segment)
    stories: list[list[Line]] = [[]]
    errors: list[RuleError] = []
    for number, text in enumerate(segment.examples.split("\n")):
        origin = Origin(first.file, first.line + number)
        try:
            words = _words(text, origin)
            if words == ["---"]:
                stories.append([])
            elif words:
                stories[-1].append(_line(words, origin, number, currency, kinds))
        except StoryError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else RefusedRules(errors)
    return tuple(Story(tuple(lines)) for lines in stories if lines)


def own_kinds(segment: Segment) -> frozenset[str]:
    """The kinds of click of the shop's own that a rule, or one that it reads, speaks of."""
    measures = [
        measure for leaf in leaves(segment.when) + leaves(segment.until) for measure in measures_in(leaf)
    ]
    events = [
        each for measure in measures for each in (measure.events, measure.events.reset) if each is not None
    ]
    named = {each.source.own_kind for each in events if each.source.own_kind is not None}
    return frozenset(named).union(*map(own_kinds, reads(segment)))


def time_text(milliseconds: int) -> str:
    """A time as stories write it: `1h 30m`."""
    sizes = dict(zip(("days", "hours", "minutes", "seconds", "milliseconds"), UNITS, strict=True))
    return " ".join(f"{count}{sizes[unit]}" for unit, count in Duration(milliseconds).parts().items()) or "0d"


def _words(text: str, origin: Origin) -> list[str]:
    """The words of a line, without its comment; quotes hold a word together."""
    found = list(_WORD.finditer(text))
    for each in found:
        if each["open"]:
            raise StoryError(
                f"{each['open']} has no closing quote.", f"Add the other {each['open'][0]}.", origin
            )
    return [each[0] for each in found if not each[0].startswith("#")]


def _line(words: list[str], origin: Origin, number: int, currency: str, kinds: frozenset[str]) -> Line:
    at, rest = _time(words, origin)
    teller = Teller(origin, START + at, number, currency, kinds)
    flips = tuple(word for word in rest if word in FLIPS)
    said = [word for word in rest if word not in FLIPS]
    event = teller.event(said[0], list(_fields(said[1:], teller))) if said else None
    return Line(origin, at, event, flips)


def _time(words: list[str], origin: Origin) -> tuple[int, list[str]]:
    """The time at the head of a line, and the words after it."""
    count = next((n for n, word in enumerate(words) if not _TIME.fullmatch(word)), len(words))
    if not count:
        mend = (
            f"Write {words[0]}d, {words[0]}h or {words[0]}m."
            if words[0].isdecimal()
            else "Write, say, 4d or 1h 30m."
        )
        raise StoryError(f"A line of a story begins with a time; {words[0]!r} came.", mend, origin)
    parts = [part for word in words[:count] for part in _PART.findall(word)]
    at = sum(int(size) * UNITS[unit] for size, unit in parts)
    if at > LONGEST:
        limit = f"A story lasts at most a hundred years ({LONGEST // DAY}d); {' '.join(words[:count])} came."
        raise StoryError(limit, "Write a time that is nearer.", origin)
    return at, words[count:]


def _fields(words: list[str], teller: Teller) -> Iterator[Told]:
    told: set[str] = set()
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            near = difflib.get_close_matches(word, FLIPS, n=1)
            mend = f"Did you mean {near[0]}?" if near else "Write the fields of an event as name=value."
            raise teller.error(f"{word!r} is no field, and neither enters nor leaves.", mend)
        if name in told:
            raise teller.error(f"{name} stands twice on this line.", "Keep one of them.")
        told.add(name)
        unquoted = re.sub(r""""([^"]*)"|'([^']*)'""", lambda quote: quote[1] or quote[2] or "", value)
        yield Told(name, unquoted, unquoted != value)
