"""Simple charts: horizontal bars as SVG, readable on a light and on a dark page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, LEFT, RIGHT, TOP = 760, 26, 230, 150, 40
COLOURS = ("#2f6fb3", "#d9822b", "#3d9a5f", "#b04a7a", "#8a6fc0", "#7a7a7a", "#c9b037", "#4aa3a8")


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: its parts are stacked; a mark tells the range of the whole."""

    name: str
    parts: tuple[float, ...]
    said: str
    range: tuple[float, float] | None = None
    ours: bool = True


def chart(title: str, bars: Sequence[Bar], parts: Sequence[str] = ()) -> str:
    """A chart; with `parts` it has a legend."""
    longest = max((max(sum(bar.parts), bar.range[1] if bar.range else 0) for bar in bars), default=1) or 1
    legend = ROW if parts else 0
    height = TOP + legend + ROW * len(bars) + 12
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" fill="#777">',
        f'<text x="8" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_legend(parts),
    ]
    for number, bar in enumerate(bars):
        lines += _bar(bar, TOP + legend + number * ROW, longest)
    return "\n".join([*lines, "</svg>", ""])


def _legend(parts: Sequence[str]) -> list[str]:
    lines, x = [], 8
    for number, part in enumerate(parts):
        colour = COLOURS[number % len(COLOURS)]
        lines.append(f'<rect x="{x}" y="{TOP}" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{x + 16}" y="{TOP + 11}">{escape(part)}</text>')
        x += 28 + 8 * len(part)
    return lines


def _bar(bar: Bar, y: int, longest: float) -> list[str]:
    scale = (WIDTH - LEFT - RIGHT) / longest
    lines = [f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(bar.name)}</text>']
    x = float(LEFT)
    for number, part in enumerate(bar.parts):
        colour = COLOURS[number % len(COLOURS)] if bar.ours else "#9aa5b1"
        lines.append(
            f'<rect x="{x:.1f}" y="{y + 3}" width="{part * scale:.1f}" height="{ROW - 8}" fill="{colour}"/>'
        )
        x += part * scale
    if bar.range is not None:
        low, high = (LEFT + each * scale for each in bar.range)
        middle = y + ROW // 2 - 1
        lines.append(f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#333" stroke-width="2"/>')
        x = max(x, high)
    lines.append(f'<text x="{x + 6:.1f}" y="{y + 15}">{escape(bar.said)}</text>')
    return lines
