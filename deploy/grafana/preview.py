"""Draws the dashboard as one HTML page, from what a Prometheus holds now: to look at it where there is no Grafana.

    python -m deploy.grafana.preview http://localhost:9090 --minutes 30 > dashboard.html

The panels, their queries and their places are those of the dashboard; colours and axes are not Grafana's.
"""

import html
import json
import math
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import Template

import click

from deploy.grafana.panels import ROWS, Panel

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 190, 62, 18
POINTS = 240
COLOURS = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642")

PAGE = Template("""<!doctype html><meta charset="utf-8"><title>Segments</title><style>
body { background: #111217; color: #ccccdc; font: 13px sans-serif; margin: 12px }
h2 { font-size: 16px; margin: 18px 0 6px }
.row { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px }
.panel { background: #181b1f; border: 1px solid #2c3235; padding: 8px }
h3 { font-size: 13px; margin: 0 }
p { color: #8e8e99; font-size: 11px; margin: 2px 0 4px }
svg { width: 100% }
text { fill: #8e8e99; font-size: 10px }
.legend span { font-size: 10px; margin-right: 9px; white-space: nowrap }
i { display: inline-block; width: 9px; height: 3px; margin-right: 4px }
</style>$body""")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel: its name, and its points as pairs of seconds and value."""

    name: str
    points: Sequence[tuple[float, float]]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("address")
@click.option("--minutes", default=180.0, show_default=True, help="How far back.")
def command(address: str, minutes: float) -> None:
    """Draw the dashboard from the Prometheus at ADDRESS."""
    end = time.time()
    span = (end - minutes * 60, end)
    rows = (
        f"<h2>{title}</h2><div class=row>{_row(address, panels, span)}</div>"
        for title, panels in ROWS.items()
    )
    click.echo(PAGE.substitute(body="".join(rows)))


def _row(address: str, panels: Sequence[Panel], span: tuple[float, float]) -> str:
    return "".join(_panel(panel, list(_lines(address, panel, span)), span) for panel in panels)


def _lines(address: str, panel: Panel, span: tuple[float, float]) -> Iterator[Line]:
    step = max(1.0, (span[1] - span[0]) / POINTS)
    for legend, expression in panel.queries.items():
        query = expression.replace("$__rate_interval", f"{max(5, 4 * step):.0f}s").replace("$job", ".*")
        asked = {"query": query, "start": span[0], "end": span[1], "step": step}
        url = f"{address}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - whoever calls names the address
            found = json.load(answer)["data"]["result"]
        for each in found:
            points = [
                (float(at), float(value)) for at, value in each["values"] if math.isfinite(float(value))
            ]
            yield Line(_named(legend, each["metric"]), points)


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)


def _panel(panel: Panel, lines: Sequence[Line], span: tuple[float, float]) -> str:
    top = max([value for line in lines for _, value in line.points], default=0.0) * 1.08 or 1.0
    drawn = "".join(
        _drawn(line, COLOURS[place % len(COLOURS)], span, top) for place, line in enumerate(lines)
    )
    legend = "".join(
        f'<span><i style="background:{COLOURS[place % len(COLOURS)]}"></i>{html.escape(line.name)}</span>'
        for place, line in enumerate(lines[:16])
    )
    return (
        f"<div class=panel><h3>{panel.title}</h3><p>{html.escape(panel.why)}</p>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}">{_axes(panel, span, top)}{drawn}</svg>'
        f"<div class=legend>{legend or 'no data'}</div></div>"
    )


def _drawn(line: Line, colour: str, span: tuple[float, float], top: float) -> str:
    """A line, broken where nothing was known."""
    step = max(1.0, (span[1] - span[0]) / POINTS)
    path, last = "", -math.inf
    for at, value in line.points:
        path += f"{'M' if at - last > 1.5 * step else 'L'}{_x(at, span):.1f} {_y(value, top):.1f}"
        last = at
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.3"/>'


def _x(at: float, span: tuple[float, float]) -> float:
    return LEFT + (at - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT)


def _y(value: float, top: float) -> float:
    return (HEIGHT - BOTTOM) * (1 - value / top)


def _axes(panel: Panel, span: tuple[float, float], top: float) -> str:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 0.95):
        y, shown = _y(share * top, top), _text(share * top, panel.unit)
        parts.append(
            f'<path d="M{LEFT} {y}H{WIDTH}" stroke="#2c3235"/><text x="0" y="{y + 3}">{shown}</text>'
        )
    for share in (0.05, 0.5, 0.95):
        at = span[0] + share * (span[1] - span[0])
        clock = time.strftime("%H:%M:%S", time.gmtime(at))
        parts.append(f'<text x="{_x(at, span):.0f}" y="{HEIGHT - 4}" text-anchor="middle">{clock}</text>')
    if panel.limit is not None and panel.limit < top:
        parts.append(
            f'<path d="M{LEFT} {_y(panel.limit, top)}H{WIDTH}" stroke="#e24d42" stroke-dasharray="5 4"/>'
        )
    return "".join(parts)


def _text(value: float, unit: str) -> str:
    """A value in its unit, short."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s" and 0 < value < 1:
        return f"{value * 1000:.3g} ms" if value >= 0.001 else f"{value * 1e6:.3g} µs"
    for size, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{name}{'B' if unit == 'bytes' else ''}"
    return f"{value:.3g}{' s' if unit == 's' else ''}"


if __name__ == "__main__":
    command()
