"""The pictures of a report as SVG: members over time, conversion by arm with its band, activity by month.

A picture has a title, and a table beside it that says the same; nothing is said by colour alone. Where there are fewer
than ten customers a line has a gap.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from markupsafe import Markup

from segments.insight.outcomes.inside import DAYS
from segments.insight.outcomes.period import MILLISECONDS_OF_A_DAY
from streams.report.speaking import Speaker

WIDTH, HEIGHT = 640, 220
"""Units of a picture; as many pixels on a screen that is wide enough."""
LEFT, RIGHT, TOP, BOTTOM = 64, 90, 12, 28
"""Units around the lines: numbers at the left, names of lines at the right, instants below."""
CELL, NAME = 26, 90
"""Units of height of a month, and of width of its name."""
SHADES = 4
"""Classes of the style sheet for cells: shade-0 to shade-3."""
LEVELS = 4
"""Lines across a picture."""

Point = tuple[float, float]
Figures = Mapping[str, Any]


def members(points: Sequence[Figures], speaker: Speaker) -> Markup:
    """How many customers were in at each instant."""
    known = [each["members"] for each in points if isinstance(each["members"], int)]
    if len(points) < 2 or not known:
        return Markup()
    first, last = points[0]["at"], points[-1]["at"]
    top = _round(max(known))
    parts = _frame(top, lambda value: speaker.number(value))
    for is_known, run in groupby(points, key=lambda each: isinstance(each["members"], int)):
        if is_known:
            line = [_place((each["at"] - first) / (last - first), each["members"] / top) for each in run]
            parts.append(_line("members", line))
    parts.append(_text(LEFT, HEIGHT - 8, speaker.date(first)[:10]))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, speaker.date(last)[:10], "end"))
    return _picture(speaker.say("Members over time"), HEIGHT, parts)


def conversion(arms: Sequence[Figures], window: int | None, speaker: Speaker) -> Markup:
    """The share of each arm that has reached the goal, by the time since the enter."""
    drawn = [each for each in arms if len(each["over_time"]) > 1]
    if not drawn or window is None:
        return Markup()
    top = max(point["high"] for arm in drawn for point in arm["over_time"])
    parts = _frame(top, lambda value: speaker.percent(value))
    for arm in drawn:
        points, name = arm["over_time"], arm["arm"]
        band = [_place(each["part"], each["high"] / top) for each in points]
        band += [_place(each["part"], each["low"] / top) for each in reversed(points)]
        parts.append(Markup('<polygon class="band {}" points="{}"/>').format(name, _points(band)))
        parts.append(_line(name, [_place(each["part"], each["share"] / top) for each in points]))
        x, y = _place(1.0, points[-1]["share"] / top)
        parts.append(_text(x + 6, y + 4, speaker.say(name)))
    days = window / MILLISECONDS_OF_A_DAY
    parts.append(_text(LEFT, HEIGHT - 8, "0"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, speaker.number(days, 0 if days.is_integer() else 1), "end"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, speaker.say("Days since the enter"), "middle"))
    return _picture(speaker.say("Conversion by arm"), HEIGHT, parts)


def cohorts(months: Sequence[Figures], speaker: Speaker) -> Markup:
    """A row for each month of enters, a cell for each number of days; nothing if none of them may be told."""
    if not any(isinstance(month[str(days)]["retention"], float) for month in months for days in DAYS):
        return Markup()
    wide = (WIDTH - NAME) / len(DAYS)
    parts = [
        _text(NAME + (place + 0.5) * wide, CELL - 8, speaker.say("{days} days", days=days), "middle")
        for place, days in enumerate(DAYS)
    ]
    for row, month in enumerate(months, 1):
        parts.append(_text(NAME - 8, (row + 1) * CELL - 8, month["month"], "end"))
        for place, days in enumerate(DAYS):
            share = month[str(days)]["retention"]
            known = isinstance(share, float)
            shade = min(SHADES - 1, int(share * SHADES)) if known else "none"
            parts.append(
                Markup('<rect class="shade-{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
                    shade, NAME + place * wide + 1, row * CELL + 1, wide - 2, CELL - 2
                )
            )
            told = speaker.percent(share, 0)
            parts.append(_text(NAME + (place + 0.5) * wide, (row + 1) * CELL - 8, told, "middle"))
    title = speaker.say("Active after 30, 60 and 90 days, by month of the enter")
    return _picture(title, (len(months) + 1) * CELL, parts)


def _round(largest: int) -> int:
    """A number at or above the largest that divides into levels."""
    size = int(10 ** max(0, len(str(largest)) - 2))
    step = -(-largest // (LEVELS * size)) * size
    return step * LEVELS


def _frame(top: float, shown: Any) -> list[Markup]:
    parts = []
    for level in range(LEVELS + 1):
        left, y = _place(0, level / LEVELS)
        parts.append(
            Markup('<line class="level" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
                left, y, WIDTH - RIGHT, y
            )
        )
        parts.append(_text(left - 6, y + 4, shown(top * level / LEVELS), "end"))
    return parts


def _place(x: float, y: float) -> Point:
    """Where a point lies, given as parts of the width and of the height."""
    return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _line(kind: str, points: Sequence[Point]) -> Markup:
    if len(points) == 1:
        (x, y) = points[0]
        return Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(kind, x, y)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, _points(points))


def _text(x: float, y: float, text: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _picture(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}"><title>{}</title>{}</svg>').format(
        title, WIDTH, round(height), title, Markup().join(parts)
    )
