"""Pictures as SVG, made here: swim lanes of a customer, and bars. Colours are classes of the style sheet.

A picture has a title, and a table beside it that says the same; nothing is said by colour alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from streams.console.render import shortened

WIDTH = 640
"""Units of a picture's width; as many pixels on a screen that is wide enough."""
LABEL, LANE = 20, 26
"""Units of height: the name of a lane above it, and the lane."""
EDGE = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """A stay in a segment; `end` is None while it lasts."""

    start: int
    end: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a measure at an instant."""

    at: int
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One line on the axis of time: events, stays, or a measure with its bound."""

    label: str
    ticks: Sequence[tuple[int, str]] = ()
    bars: Sequence[Bar] = ()
    points: Sequence[Point] = ()
    bound: float | None = None
    due: int | None = None
    """The instant at which time alone changes something here."""


def lanes(title: str, rows: Sequence[Lane], now: int, date: Callable[[int], str]) -> Markup:
    """All lanes on one axis, from the first instant that any tells to the last one, now marked."""
    instants = [now, *_instants(rows)]
    first, last = min(instants), max(instants)
    last = max(last, first + 1)

    def place(at: int) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (at - first) / (last - first)

    height = len(rows) * (LABEL + LANE) + 2 * LABEL
    parts = [_line("now", place(now), 0, place(now), height - LABEL)]
    for number, row in enumerate(rows):
        parts += _lane(row, number * (LABEL + LANE), place, now)
    parts.append(_text(EDGE, height - 4, date(first)))
    parts.append(_text(WIDTH - EDGE, height - 4, date(last), "end"))
    return picture(title, height, parts)


def _instants(rows: Sequence[Lane]) -> list[int]:
    found: list[int] = []
    for row in rows:
        found += [at for at, _ in row.ticks]
        found += [point.at for point in row.points]
        found += [at for bar in row.bars for at in (bar.start, bar.end) if at is not None]
        found += [] if row.due is None else [row.due]
    return found


def _lane(row: Lane, top: int, place: Callable[[int], float], now: int) -> list[Markup]:
    low = top + LABEL + LANE
    parts = [
        _text(EDGE, top + LABEL - 3, shortened(row.label, 80)),
        _line("axis", EDGE, low, WIDTH - EDGE, low),
    ]
    for at, text in row.ticks:
        parts.append(_titled(_line("tick", place(at), top + LABEL + 4, place(at), low), text))
    for bar in row.bars:
        start, end = place(bar.start), place(now if bar.end is None else bar.end)
        shape = Markup('<rect class="stay" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
            start, top + LABEL + 6, max(end - start, 1.5), LANE - 10
        )
        parts.append(_titled(shape, bar.text))
    parts += _measure(row, top + LABEL, place)
    if row.due is not None:
        parts.append(_line("due", place(row.due), top + LABEL, place(row.due), low))
    return parts


def _measure(row: Lane, top: int, place: Callable[[int], float]) -> list[Markup]:
    if not row.points:
        return []
    largest = max([point.value for point in row.points] + ([] if row.bound is None else [row.bound]))
    lowest = min([0.0, *(point.value for point in row.points)])
    size = (largest - lowest) or 1.0

    def height(value: float) -> float:
        return top + LANE - 2 - (LANE - 6) * (value - lowest) / size

    parts = []
    if row.bound is not None:
        parts.append(_line("bound", EDGE, height(row.bound), WIDTH - EDGE, height(row.bound)))
    told = " ".join(f"{place(each.at):.1f},{height(each.value):.1f}" for each in row.points)
    parts.append(Markup('<polyline class="measure" points="{}"/>').format(told))
    for each in row.points:
        dot = Markup('<circle class="measure-point" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
            place(each.at), height(each.value)
        )
        parts.append(_titled(dot, each.text))
    return parts


def bars(title: str, rows: Sequence[tuple[str, float]], mark: int | None = None) -> Markup:
    """A bar for each row, beside each other; `mark` is the number of the bar at which a bound stands."""
    height, low = 160, 140
    largest = max([value for _, value in rows], default=0) or 1
    wide = (WIDTH - 2 * EDGE) / max(len(rows), 1)
    parts = [_line("axis", EDGE, low, WIDTH - EDGE, low)]
    for number, (text, value) in enumerate(rows):
        tall = (low - 12) * value / largest
        shape = Markup('<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            EDGE + number * wide + 1, low - tall, max(wide - 2, 1), tall
        )
        parts.append(_titled(shape, text))
    if mark is not None:
        at = EDGE + mark * wide
        parts.append(_line("bound", at, 0, at, low))
    if rows:
        parts.append(_text(EDGE, height - 4, shortened(rows[0][0], 40)))
        parts.append(_text(WIDTH - EDGE, height - 4, shortened(rows[-1][0], 40), "end"))
    return picture(title, height, parts)


def picture(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    """A picture with a description for screen readers."""
    return Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}"><title>{}</title>{}</svg>').format(
        title, WIDTH, round(height), title, Markup("").join(parts)
    )


def _titled(shape: Markup, text: str) -> Markup:
    return Markup("<g>{}<title>{}</title></g>").format(shape, escape(shortened(text, 200)))


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, x1, y1, x2, y2
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)
