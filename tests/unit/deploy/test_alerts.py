"""Alerts, their tests, the runbook and the dashboard belong together, and ask only for what a worker exports."""

import re

import click
import pytest
import yaml

from deploy.grafana.panels import ROWS
from streams.cli import main
from streams.telemetry.delivery import DeliveryMetrics
from streams.telemetry.metrics import Metrics
from tests.unit.repository import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "segments.rules.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
TESTS = [
    case["name"]
    for case in yaml.safe_load((FOLDER / "segments.tests.yaml").read_text(encoding="utf-8"))["tests"]
]
RUNBOOK = (ROOT / "deploy" / "runbook.md").read_text(encoding="utf-8")
PANELS = [panel for panels in ROWS.values() for panel in panels]
ASKED = {
    **{rule.get("alert") or rule["record"]: rule["expr"] for rule in RULES},
    **{f"{panel.title}: {legend}": query for panel in PANELS for legend, query in panel.queries.items()},
    **{f"runbook: {query}": query for query in re.findall(r"promtool query instant \S+ '(.+?)'", RUNBOOK)},
}
"""Every query of an alert, a panel of the dashboard, and the runbook, by where it stands."""
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OF_PROMETHEUS = {"job", "instance"}


def exported():
    """Each series that a worker or `segments deliver` exports, by name, with its labels."""
    found = {}
    for metrics, family in families():
        wrapped = [each for each in vars(metrics).values() if family in getattr(each, "describe", list)()]
        labels = {label for sample in family.samples for label in sample.labels}
        labels |= set(getattr(family, "_labelnames", ())) | {x for each in wrapped for x in each._labelnames}
        found |= {f"{family.name}{suffix}": labels | {"le"} for suffix in SUFFIXES[family.type]}
    return found


def families():
    """The metrics of a worker and of a process that delivers, each with its families."""
    for metrics in (Metrics(), DeliveryMetrics(["crm"])):
        metrics.watch(list)
        yield from ((metrics, family) for family in metrics.registry.collect())


EXPORTED = exported()
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


@pytest.mark.parametrize("query", ASKED.values(), ids=ASKED)
def test_what_is_asked_for_is_exported_or_recorded(query):
    """A name in an alert or a panel that no worker exports and no rule records would never show anything."""
    named = set(re.findall(r"\bup\b|\b(?:segments|process)_\w+|\b(?:segment|job):\w+:\w+", query))
    named -= set(re.findall(r"(?<=:)segments_\w+(?=:)", query)) - set(
        re.findall(r"(?<!:)\bsegments_\w+", query)
    )
    assert named
    assert named - EXPORTED.keys() - RECORDED - {"up"} == set()


@pytest.mark.parametrize("query", ASKED.values(), ids=ASKED)
def test_labels_are_those_of_the_metric(query):
    """A matcher on a label that the metric does not have matches nothing."""
    for name, matchers in re.findall(r"\b((?:segments|process)_\w+)\{(.*?)\}", query):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert labels <= EXPORTED[name] | OF_PROMETHEUS, name


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_the_matter_and_where_to_read_on(rule):
    """Severity, summary, description, and the section of the runbook that bears its name."""
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert notes["summary"].endswith(".")
    assert notes["runbook_url"] == f"deploy/runbook.md#{rule['alert'].lower()}"


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent(name):
    """An alert that never fired in a test may never fire; one that is never silent is switched off."""
    assert [case for case in TESTS if case.startswith(f"{name} fires")]
    assert [case for case in TESTS if case.startswith(f"{name} is silent")]


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_has_a_section_of_the_runbook(name):
    """What it means, what to look at, what to type."""
    section = re.search(rf"^## {name}$(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert section is not None
    for part in ("**Look at**", "**Type**", "```sh"):
        assert part in section[1], f"{name}: no {part}"


LABELS = {
    "arm", "cause", "deployment_id", "destination", "digest", "instance", "job", "kind", "le", "model", "notice", "outcome", "partition", "reason", "result", "segment", "stage", "state", "topic", "wait",
    "transition", "version", "engine",
}  # fmt: skip
"""Each has few values, that we or the topics' owner chose."""


def test_no_label_can_hold_what_a_producer_makes_up():
    """No customer, event, product or kind of event: whoever sends events cannot make series."""
    assert set().union(*EXPORTED.values()) <= LABELS


def test_the_runbook_has_no_section_for_an_alert_that_is_gone():
    """A section without its alert is never looked up."""
    assert sorted(re.findall(r"^## (Segment\w+)$", RUNBOOK, re.MULTILINE)) == NAMES


def typed():
    """Each command of ours in the runbook, with its options."""
    for block in re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL):
        for line in block.splitlines():
            words = re.split(r"\s[#|>]", line)[0].split()
            if words[:1] == ["segments"]:
                yield " ".join(words)


@pytest.mark.parametrize("line", sorted(set(typed())))
def test_what_the_runbook_says_to_type_can_be_typed(line):
    """The command, its part and its options exist."""
    context, command, words = click.Context(main), main, line.split()[1:]
    while isinstance(command, click.Group) and words:
        command = command.get_command(context, words.pop(0))
    assert command is not None, line
    known = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("-")} <= known
