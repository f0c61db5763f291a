"""Stories: the examples of a rule, as text that a marketer can read and that runs.

    0d      page_view
    2d      page_view
    4d      page_view       enters      # the third in a week
    5d      purchase        leaves

A time, then an event with its fields, `enters`, `leaves`, or none of them. `---` starts another story.

A time is a span since the story began (`4d`, `1h 30m`) or a date (`2026-06-30 14:30`). `x3 every 1d` before an event
stands for three lines, a day apart; what is asserted is of the last. `~90d enters` asserts an enter within that day.
Of a segment with values `enters shoes` and `leaves shoes` name the value.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from segments.language.errors import Origin, RefusedRules, RuleError, StoryError
from segments.language.loading.source import examples_origin
from segments.language.nodes.durations import DAY, HOUR, LONGEST, MINUTE, Duration
from segments.language.nodes.order import reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import measures_of_rule
from segments.language.stories.borders import borders_read, published
from segments.language.stories.events import EventBuilder, StoryEvent, StoryField
from segments.language.zones import instants_of

START = 1_767_225_600_000
"""2026-01-01 at midnight UTC, as milliseconds since 1970. Stories begin when the clock of the zone shows this: 0d."""
UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1000, "ms": 1}
FLIPS = ("enters", "leaves")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  as the clock of any zone shows it

_WORD = re.compile(r"""\#.*|(?:[^\s"']|"[^"]*"|'[^']*')+|(?P<open>["'].*)""")
_TIME = re.compile(r"(?:\d+(?:ms|[dhms]))+")
_PART = re.compile(r"(\d+)(ms|[dhms])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMES = re.compile(r"x\d{1,9}")
MOST_COPIES = 1_000
"""More than anybody reads, and few enough for the oracle, which is quadratic."""


@dataclass(frozen=True, slots=True)
class Shop:
    """The settings that the lines of a story depend on."""

    currency: str
    zone: str
    borders: tuple[str, ...] = ()
    """The borders that the rule reads: measure and percentage."""
    values: bool = False
    """Whether enters and exits name a value."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a story: when, what happens if anything does, and which flips are asserted."""

    origin: Origin
    at: int
    """Milliseconds since the story began."""
    event: StoryEvent | None
    flips: tuple[str, ...]
    """`enters`, `leaves`; of a segment with values each with its value behind a space."""
    border: tuple[tuple[str, str], ...] = ()
    """The borders published at the time, each by its measure and percentage, with its value."""
    within: int = 0
    """Milliseconds: each flip asserted comes in a span of that length, which begins at the time; 0: at the time."""

    @property
    def last(self) -> int:
        """The last instant that the line speaks of, in milliseconds since the story began."""
        return self.at + max(0, self.within - 1)


@dataclass(frozen=True, slots=True)
class Story:
    """Lines in the order told; a line of an earlier time than the one before it is a late event."""

    lines: tuple[Line, ...]
    zone: str = "UTC"
    """The time zone of the shop, by its IANA name."""

    @property
    def start(self) -> int:
        """When it begins, in milliseconds since 1970."""
        return start_of(self.zone)

    @property
    def told(self) -> set[str]:
        """Which flips it asserts: enters, leaves, both or none."""
        return {flip.partition(" ")[0] for line in self.lines for flip in line.flips}

    @property
    def happens(self) -> bool:
        """Whether anything happens in it."""
        return any(line.event is not None for line in self.lines)


def read_stories(segment: Segment, currency: str = "EUR", zone: str = "UTC") -> tuple[Story, ...]:
    """The stories among a rule's examples.

    Raises a `StoryError` with file and line, or `RefusedRules` with one for each line that can't be read.
    """
    kinds = own_kinds(segment)
    shop = Shop(currency, zone, borders_read(segment), segment.has_values)
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
                stories[-1] += _lines(words, origin, number, shop, kinds)
        except StoryError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else RefusedRules(errors)
    return tuple(Story(tuple(lines), zone) for lines in stories if lines)


def start_of(zone: str) -> int:
    """When stories begin in a zone, in milliseconds since 1970."""
    return instants_of(zone, START)[0]


def own_kinds(segment: Segment) -> frozenset[str]:
    """The kinds of click of the shop's own that a rule, or one that it reads, speaks of."""
    events = [each for measure in measures_of_rule(segment) for each in measure.events.sets]
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


def _lines(
    words: list[str], origin: Origin, number: int, shop: Shop, kinds: frozenset[str]
) -> Iterator[Line]:
    """The line that these words make, or the lines where an event is told several times."""
    at, within, rest = _time(words, origin, shop.zone)
    copies, every, rest = _copies(rest, origin)
    _refuse_far(at + (copies - 1) * every, origin)
    flips, said = _flips(rest, origin, values=shop.values)
    if not said and copies > 1:
        raise StoryError("x… every … stands before no event.", "Write, say, x3 every 1d page_view.", origin)
    if said and within:
        mend = f"Write {said[0]} on a line of its own, with its time; the assertion below it."
        raise StoryError("An event happens at an instant, not about a time.", mend, origin)
    if said[:1] == ["border"]:
        if copies > 1:
            raise StoryError(
                "A border is published once, at an instant.", "Write, say, 0d border 500.", origin
            )
        yield Line(origin, at, None, flips, published(said[1:], shop.borders, origin))
        return
    start = start_of(shop.zone)
    for copy in range(copies):
        instant, name = at + copy * every, f"{number}" if copies == 1 else f"{number}-{copy + 1}"
        builder = EventBuilder(origin, start + instant, name, shop.currency, kinds)
        event = builder.event(said[0], list(_fields(said[1:], builder))) if said else None
        yield Line(origin, instant, event, flips if copy == copies - 1 else (), within=within)


def _flips(words: list[str], origin: Origin, *, values: bool) -> tuple[tuple[str, ...], list[str]]:
    """The enters and exits that a line asserts, and the words that are left."""
    flips, said, left = list[str](), list[str](), list(words)
    while left:
        word = left.pop(0)
        if word not in FLIPS:
            said.append(word)
            continue
        if values:
            if not left or left[0] in FLIPS:
                problem = f"{word} names no value."
                raise StoryError(problem, f"Write {word} and the value, say {word} shoes.", origin)
            word += " " + re.sub(
                r""""([^"]*)"|'([^']*)'""", lambda quote: quote[1] or quote[2] or "", left.pop(0)
            )
        flips.append(word)
    return tuple(flips), said


def _time(words: list[str], origin: Origin, zone: str) -> tuple[int, int, list[str]]:
    """The time at the head of a line, how long the span is that it stands for, and the words after it."""
    if _DATE.fullmatch(words[0]):
        return _moment(words, origin, zone), 0, words[2:]
    about = words[0].startswith("~")
    words = [words[0].removeprefix("~"), *words[1:]]
    count = next((n for n, word in enumerate(words) if not _TIME.fullmatch(word)), len(words))
    if not count:
        mend = (
            f"Write {words[0]}d, {words[0]}h or {words[0]}m."
            if words[0].isdecimal()
            else "Write, say, 4d or 1h 30m."
        )
        raise StoryError(f"A line of a story begins with a time; {words[0]!r} came.", mend, origin)
    parts = [part for word in words[:count] for part in _PART.findall(word)]
    at = _span(parts)
    _refuse_far(at, origin)
    return at, UNITS[parts[-1][1]] if about else 0, words[count:]


def _span(parts: list[tuple[str, str]]) -> int:
    return sum(int(size) * UNITS[unit] for size, unit in parts)


def _refuse_far(at: int, origin: Origin) -> None:
    if at > LONGEST:
        problem = f"A story lasts at most a hundred years, {LONGEST // DAY}d: this line is later."
        raise StoryError(problem, "Write a time that is nearer.", origin)


def _moment(words: list[str], origin: Origin, zone: str) -> int:
    """A date and time of the zone, in milliseconds since the story began; of one that it has twice the first."""
    try:
        moment = datetime.strptime(" ".join(words[:2]), "%Y-%m-%d %H:%M")  # noqa: DTZ007  of the zone
    except ValueError:
        mend = f"Write, say, {words[0]} 14:30."
        raise StoryError(f"A date has a time: {' '.join(words[:2])!r} came.", mend, origin) from None
    found = instants_of(zone, (moment - EPOCH) // timedelta(milliseconds=1))
    if not found:
        problem = f"The clock of {zone} never shows {' '.join(words[:2])}: it is put forward then."
        raise StoryError(problem, "Write a time before or after that hour.", origin)
    at = found[0] - start_of(zone)
    if at < 0:
        raise StoryError("A story begins on 2026-01-01.", "Write a date from then on.", origin)
    _refuse_far(at, origin)
    return at


def _copies(words: list[str], origin: Origin) -> tuple[int, int, list[str]]:
    """How many times an event is told, how far apart, and the words after that."""
    if not words or not _TIMES.fullmatch(words[0]):
        return 1, 0, words
    count = next((n for n, word in enumerate(words[2:], 2) if not _TIME.fullmatch(word)), len(words))
    parts = [part for word in words[2:count] for part in _PART.findall(word)]
    if words[1:2] != ["every"] or not parts:
        problem = f"{words[0]} tells no distance between the copies."
        raise StoryError(problem, f"Write, say, {words[0]} every 1d.", origin)
    copies = int(words[0][1:])
    if not 2 <= copies <= MOST_COPIES:
        raise StoryError(
            f"{words[0]}: 2 to {MOST_COPIES} copies were expected.", "Write, say, x3 every 1d.", origin
        )
    return copies, _span(parts), words[count:]


def _fields(words: list[str], builder: EventBuilder) -> Iterator[StoryField]:
    told: set[str] = set()
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            near = difflib.get_close_matches(word, FLIPS, n=1)
            mend = f"Did you mean {near[0]}?" if near else "Write the fields of an event as name=value."
            raise builder.error(f"{word!r} is no field, and neither enters nor leaves.", mend)
        if name in told:
            raise builder.error(f"{name} stands twice on this line.", "Keep one of them.")
        told.add(name)
        unquoted = re.sub(r""""([^"]*)"|'([^']*)'""", lambda quote: quote[1] or quote[2] or "", value)
        yield StoryField(name, unquoted, unquoted != value)
