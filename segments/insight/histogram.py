"""The values of all customers drawn, with the old and the new cut of a border: in a terminal, and as an SVG."""

from collections.abc import Iterator, Sequence
from html import escape

from segments.insight.ranking import MILLION, decimal_text
from segments.plan.borders import Border, BorderKey

GROUPS = 20
WIDEST = 40
"""Characters of a bar."""
WIDTH, HEIGHT, HEAD = 640, 200, 40
"""Of one picture in pixels, and of the text above it."""

Drawn = tuple[BorderKey, Sequence[int], Border | None, Border | None]
"""A border, the values in millionths, the old one and the new one."""


def groups(values: Sequence[int]) -> tuple[list[int], int, int]:
    """How many values are in each of twenty groups of equal width; the smallest value, and the width, in millionths.

    The last group has all that is larger than 99 of 100 values, too: a few large ones would leave the others no room.
    """
    if not values:
        return [0] * GROUPS, 0, 1
    ordered = sorted(values)
    low, high = ordered[0], ordered[len(ordered) * 99 // 100]
    width = max(1, -(-(high - low + 1) // GROUPS))
    counts = [0] * GROUPS
    for value in ordered:
        counts[min(GROUPS - 1, (value - low) // width)] += 1
    return counts, low, width


def lines_of(values: Sequence[int], old: Border | None, new: Border | None) -> Iterator[str]:
    """A line for each group, from the smallest value up, with the cuts at the groups that they fall in."""
    counts, low, width = groups(values)
    cuts = {name: _place(border, low, width) for name, border in (("old", old), ("new", new))}
    for place, count in enumerate(counts):
        marks = " ".join(name for name, at in cuts.items() if at == place)
        bar = "█" * round(WIDEST * count / (max(counts) or 1))
        yield f"{decimal_text(low + place * width):>14}  {bar:<{WIDEST}} {count:>9,}  {marks}".rstrip()


def _place(border: Border | None, low: int, width: int) -> int | None:
    """The group of a border."""
    if border is None:
        return None
    return max(0, min(GROUPS - 1, int((float(border.value) * MILLION - low) // width)))


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
    key, values, old, new = drawn
    counts, low, width = groups(values)
    step, base = WIDTH / GROUPS, top + HEAD + HEIGHT - 20
    tall = (HEIGHT - 20) / (max(counts) or 1)
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{base - count * tall:.1f}" width="{step - 2:.1f}" '
        f'height="{count * tall:.1f}" fill="#7a9cc6"/>'
        for place, count in enumerate(counts)
    )
    cuts = "".join(
        _cut(border, (float(border.value) * MILLION - low) / width * step, (top + HEAD, base), name, colour)
        for name, border, colour in (("old", old, "#888888"), ("new", new, "#b3261e"))
        if border is not None
    )
    text = escape(f"{key.measure} top(percent={key.percent})")
    return f'<text x="4" y="{top + 16}">{text}</text>{bars}{cuts}'


def _cut(border: Border, left: float, ends: tuple[int, int], name: str, colour: str) -> str:
    at = max(0.0, min(WIDTH - 1.0, left))
    line = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{ends[0]}" y2="{ends[1]}" stroke="{colour}" stroke-width="2"/>'
    end = "end" if at > WIDTH / 2 else "start"
    label = f'<text x="{at:.1f}" y="{ends[0] - (4 if name == "new" else 16) + 8}" text-anchor="{end}" fill="{colour}">'
    return f"{line}{label}{name} {escape(border.value)}</text>"
