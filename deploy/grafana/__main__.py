"""Writes the dashboard: `python -m deploy.grafana`. A test fails while segments.json is not what this makes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.grafana.panels import ROWS, Panel

FILE = Path(__file__).with_name("segments.json")
SOURCE = {"type": "prometheus", "uid": "${source}"}
ACROSS, HEIGHT = 3, 8
"""Panels beside each other; Grafana's grid is 24 wide."""


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "uid": "segments",
        "title": "Segments",
        "tags": ["segments"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _variables()},
        "annotations": {"list": [_firing()]},
        "panels": list(_panels()),
    }


def _variables() -> list[dict[str, Any]]:
    job = {
        "name": "job", "label": "Group", "type": "query", "datasource": SOURCE, "refresh": 2, "multi": True,
        "includeAll": True, "current": {"text": "All", "value": "$__all"}, "allValue": ".*",
        "query": {"query": "label_values(segments_build_info, job)", "refId": "job"},
    }  # fmt: skip
    return [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}, job]


def _firing() -> dict[str, Any]:
    """Alerts, drawn over every panel."""
    return {
        "name": "Alerts", "datasource": SOURCE, "enable": True, "iconColor": "red", "titleFormat": "{{alertname}}",
        "expr": 'ALERTS{alertname=~"Segment.*", alertstate="firing", severity!="info"}',
    }  # fmt: skip


def _panels() -> Iterator[dict[str, Any]]:
    number, down = 0, 0
    for title, panels in ROWS.items():
        number += 1
        place = {"x": 0, "y": down, "w": 24, "h": 1}
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        down += 1
        for index, panel in enumerate(panels):
            number += 1
            width = 24 // ACROSS
            x, y = index % ACROSS * width, down + index // ACROSS * HEIGHT
            yield _panel(number, panel, {"x": x, "y": y, "w": width, "h": HEIGHT})
        down += -(-len(panels) // ACROSS) * HEIGHT


def _panel(number: int, panel: Panel, grid: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.why,
        "datasource": SOURCE,
        "gridPos": grid,
        "targets": [_target(place, *each) for place, each in enumerate(panel.queries.items())],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _target(place: int, legend: str, expression: str) -> dict[str, Any]:
    name = chr(ord("A") + place)
    return {"refId": name, "datasource": SOURCE, "expr": expression, "legendFormat": legend, "range": True}


def _field(panel: Panel) -> dict[str, Any]:
    """Unit, and a line where a limit is."""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    style = {"mode": "off" if panel.limit is None else "dashed"}
    return {
        "unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps},
        "custom": {"fillOpacity": 10, "lineWidth": 1, "showPoints": "never", "thresholdsStyle": style},
    }  # fmt: skip


def text() -> str:
    """The file's text."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
