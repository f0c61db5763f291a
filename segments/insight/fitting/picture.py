"""A fitted model as a picture: who is still a customer, by frequency and recency; what was expected, what came."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from segments.language.truth.buying import alive

WIDTH, HEIGHT = 860, 440
"""Of the picture, in units of the screen."""
LEFT, TOP, PANEL = 60, 60, 330
"""The place of the first panel, and the size of both."""
FONT = 'font-family="sans-serif" font-size="12"'
COLUMNS, ROWS = 30, 24
"""Cells of the map: recency across, purchases upwards."""
BLUE, ORANGE, GREY = "#1f5fa8", "#b45309", "#57606a"


def svg(name: str, content: Mapping[str, Any]) -> str:
    """An SVG of a model's file, with a title and a description for those who can't see it."""
    holdout = content["fitted"]["holdout"]
    right = [] if holdout is None else list(_check(holdout))
    title = f"Model {name}: {content['fitted']['customers']:,} customers"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(_described(holdout))}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_map(content),
        *right,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _described(holdout: Mapping[str, Any] | None) -> str:
    said = "Left: the probability of another purchase by purchases and by days since the last one."
    if holdout is None:
        return said
    return (
        f"{said} Right: purchase days expected ({holdout['expected']:,}) and counted ({holdout['actual']:,}) in the "
        f"last {holdout['days']} days."
    )


def _map(content: Mapping[str, Any]) -> Iterator[str]:
    """P(alive) of a customer of a year, as a map."""
    parameters = {name: Decimal(value) for name, value in content["parameters"].items()}
    now, across, up = Decimal(365), PANEL / COLUMNS, PANEL / ROWS
    yield _text(LEFT, TOP - 30, "Probability of another purchase, first purchase a year ago", weight="bold")
    for row in range(ROWS):
        for column in range(COLUMNS):
            # Who bought once has no later day: the lowest row is one value. Who bought again did so later than at once.
            place = Decimal(column) or Decimal("0.5")
            last = now * place / (COLUMNS - 1) if row else Decimal(0)
            value = float(alive(parameters, row, last, now))
            x, y = LEFT + column * across, TOP + PANEL - (row + 1) * up
            yield (
                f'<rect x="{x:.1f}" y="{y:.2f}" width="{across:.1f}" height="{up:.2f}" '
                f'shape-rendering="crispEdges" fill="{BLUE}" fill-opacity="{value:.3f}"/>'
            )
    yield f'<rect x="{LEFT}" y="{TOP}" width="{PANEL}" height="{PANEL}" fill="none" stroke="{GREY}"/>'
    yield _text(LEFT, TOP + PANEL + 18, "latest purchase: a year ago")
    yield _text(LEFT + PANEL, TOP + PANEL + 18, "today", anchor="end")
    yield _text(LEFT - 8, TOP + PANEL - 4, "0", anchor="end")
    yield _text(LEFT - 8, TOP + 12, str(ROWS - 1), anchor="end")
    yield _text(LEFT, TOP - 10, "purchase days after the first")


def _check(holdout: Mapping[str, Any]) -> Iterator[str]:
    """Bars of what was expected beside what came, by purchases before."""
    left, rows = LEFT + PANEL + 100, holdout["rows"]
    most = max([1.0, *(float(row[kind]) for row in rows for kind in ("expected", "actual"))])
    each = PANEL / len(rows)
    yield _text(left, TOP - 30, f"Purchase days in the last {holdout['days']} days", weight="bold")
    yield _text(left, TOP - 10, "expected", color=BLUE)
    yield _text(left + 70, TOP - 10, "counted", color=ORANGE)
    for place, row in enumerate(rows):
        for shift, kind, color in ((0.1, "expected", BLUE), (0.5, "actual", ORANGE)):
            high = PANEL * float(row[kind]) / most
            yield (
                f'<rect x="{left + (place + shift) * each:.1f}" y="{TOP + PANEL - high:.1f}" '
                f'width="{each * 0.38:.1f}" height="{high:.1f}" fill="{color}"/>'
            )
        yield _text(left + (place + 0.5) * each, TOP + PANEL + 18, str(row["x"]), anchor="middle")
    yield f'<path d="M{left} {TOP + PANEL}h{PANEL}" stroke="{GREY}"/>'
    yield _text(left - 8, TOP + 12, f"{most:,.0f}", anchor="end")
    yield _text(left, TOP + PANEL + 38, "purchase days after the first, before")


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal", color: str = "#1f2328"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="{color}">'
        f"{escape(text)}</text>"
    )


def bars(values: Sequence[float], width: int) -> list[str]:
    """Each value as a bar of at most `width` characters, for a terminal."""
    most = max([*values, 1e-9])
    return ["█" * round(width * value / most) for value in values]
