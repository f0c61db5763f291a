"""The values of all customers drawn, with the old and the new cut of a border: in a terminal, and as an SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import chain, count

from segments.insight.ranking import MILLION, decimal_text
from segments.insight.told import duration
from segments.language.nodes.durations import DAY
from segments.plan.borders import Border, BorderKey

GROUPS = 20
"""At most; the last one has all larger values as well."""
STEPS = (1, 2, 5)
"""Widths of a group, times a power of ten: their multiples have few digits."""
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
SHORTER = (
    *(size * step for size in (SECOND, MINUTE) for step in (1, 2, 5, 10, 15, 30)),
    *(HOUR * step for step in (1, 2, 3, 6, 12)),
)
"""Widths of a group of durations that is shorter than a day, in milliseconds."""
WIDEST = 40
"""Characters of a bar."""
WIDTH, HEIGHT, HEAD = 640, 200, 40
"""Of one picture in pixels, and of the text above it."""
LABELLED = 4
"""One group in this many has its bound below it: a label has room for ten characters."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The values of a measure, and where they are cut."""

    key: BorderKey
    values: Sequence[int]
    """In millionths."""
    old: Border | None
    new: Border | None
    is_duration: bool = False
    """The values are milliseconds."""

    def text(self, value: int) -> str:
        """A value for people: a decimal, or a duration in units."""
        return duration(value // MILLION) if self.is_duration else decimal_text(value)

    def border_text(self, border: Border) -> str:
        """A border for people."""
        return self.text(int(Decimal(border.value) * MILLION)) if self.is_duration else border.value


def groups(values: Sequence[int], *, is_duration: bool = False) -> tuple[list[int], int, int]:
    """How many values are in each of at most twenty groups of equal width; their beginning and width, in millionths.

    The bounds are multiples of the width, which has one digit other than zero, or is a round duration. The last group
    has all that is larger than 99 of 100 values, too: a few large ones would leave the others no room.
    """
    if not values:
        return [0], 0, 1
    ordered = sorted(values)
    least, most = ordered[0], ordered[len(ordered) * 99 // 100]
    widths = (
        _durations()
        if is_duration
        else _decimals(MILLION if all(each % MILLION == 0 for each in values) else 1)
    )
    width = next(each for each in widths if most // each - least // each < GROUPS)
    first = least // width
    counts = [0] * (most // width - first + 1)
    for value in ordered:
        counts[min(len(counts) - 1, value // width - first)] += 1
    return counts, first * width, width


def _decimals(unit: int) -> Iterator[int]:
    """Widths in millionths, ascending from a unit, without an end: those of whole numbers are whole."""
    return (unit * step * 10**power for power in count() for step in STEPS)


def _durations() -> Iterator[int]:
    """The same of durations."""
    return chain((MILLION * each for each in SHORTER), _decimals(MILLION * DAY))


def lines_of(drawn: Drawn) -> Iterator[str]:
    """A line for each group, from the smallest value up, with the cuts at the groups that they fall in."""
    counts, low, width = groups(drawn.values, is_duration=drawn.is_duration)
    cuts = {
        name: None if border is None else _place(border, low, width, len(counts))
        for name, border in (("old", drawn.old), ("new", drawn.new))
    }
    for place, number in enumerate(counts):
        marks = " ".join(name for name, at in cuts.items() if at == place)
        bar = "█" * round(WIDEST * number / (max(counts) or 1))
        yield f"{drawn.text(low + place * width):>14}  {bar:<{WIDEST}} {number:>9,}  {marks}".rstrip()


def _place(border: Border, low: int, width: int, groups: int) -> int:
    """The group of a border."""
    return max(0, min(groups - 1, int((Decimal(border.value) * MILLION - low) // width)))


def svg_of(drawn: Sequence[Drawn]) -> str:
    """A histogram for each border, one below the other."""
    parts = [_picture(each, place * (HEIGHT + HEAD)) for place, each in enumerate(drawn)]
    size = f'width="{WIDTH}" height="{len(drawn) * (HEIGHT + HEAD)}"'
    title = "<title>The values of all customers, and where they are cut</title>"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} font-family="sans-serif" font-size="12">'
    )
    return f"{head}{title}{''.join(parts)}</svg>\n"


def _picture(drawn: Drawn, top: int) -> str:
    counts, low, width = groups(drawn.values, is_duration=drawn.is_duration)
    step, base = WIDTH / len(counts), top + HEAD + HEIGHT - 20
    tall = (HEIGHT - 20) / (max(counts) or 1)
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{base - number * tall:.1f}" width="{step - 2:.1f}" '
        f'height="{number * tall:.1f}" fill="#7a9cc6"/>'
        for place, number in enumerate(counts)
    )
    cuts = "".join(
        _cut(
            f"{name} {drawn.border_text(border)}",
            float((Decimal(border.value) * MILLION - low) / width) * step,
            (top + HEAD, base),
            (name == "new", colour),
        )
        for name, border, colour in (("old", drawn.old, "#888888"), ("new", drawn.new, "#b3261e"))
        if border is not None
    )
    scale = "".join(
        f'<text x="{place * step:.1f}" y="{base + 14}">{drawn.text(low + place * width)}</text>'
        for place in range(0, len(counts), LABELLED)
        if drawn.values
    )
    text = escape(f"{drawn.key.measure} top(percent={drawn.key.percent})")
    return f'<text x="4" y="{top + 16}">{text}</text>{bars}{scale}{cuts}'


def _cut(text: str, left: float, ends: tuple[int, int], drawn: tuple[bool, str]) -> str:
    """A line with its text, between these heights; the text of the new cut stands lower than that of the old one."""
    is_new, colour = drawn
    at = max(0.0, min(WIDTH - 1.0, left))
    line = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{ends[0]}" y2="{ends[1]}" stroke="{colour}" stroke-width="2"/>'
    end = "end" if at > WIDTH / 2 else "start"
    label = (
        f'<text x="{at:.1f}" y="{ends[0] - (4 if is_new else 16) + 8}" text-anchor="{end}" fill="{colour}">'
    )
    return f"{line}{label}{escape(text)}</text>"
