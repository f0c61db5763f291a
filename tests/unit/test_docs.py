"""The documents cannot drift from the code: their generated parts are current, and what they name exists."""

import ast
import re

import pytest

from deploy.dev.docs import PAGES, filled
from schemas import DecodeError
from streams.cli import COMMANDS, main
from streams.settings.settings import Settings, variable
from streams.telemetry.metrics import Metrics
from tests.unit.repository import ROOT, files, name

TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
README, OPERATIONS = TEXTS.values()
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


WRITTEN = [file for file in files() if file.suffix == ".md"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_generated_parts_are_current(page):
    """Rules, commands, settings and metrics are as the code has them."""
    assert filled(TEXTS[page]) == TEXTS[page], "write them anew with: python -m deploy.dev.docs"


def test_every_part_has_a_place():
    """A part whose marker was lost would stay as it is for ever, and pass the test above."""
    begun = re.findall(r"^<!-- (\w+) -->$", README + OPERATIONS, re.MULTILINE)
    ended = re.findall(r"^<!-- /(\w+) -->$", README + OPERATIONS, re.MULTILINE)
    assert begun == ended == ["rules", "commands", "settings", "benchmarks", "metrics"]


def test_every_setting_is_documented():
    """Whoever greps the README for a variable finds it."""
    assert [each for each in map(variable, Settings.model_fields) if f"`{each}`" not in README] == []


def test_every_variable_in_the_documents_is_a_setting():
    """No document promises a setting that is unknown to the code."""
    known = set(map(variable, Settings.model_fields))
    found = {page: set(re.findall(r"\bSEGMENTS_[A-Z_]*[A-Z]\b", page.read_text())) for page in WRITTEN}
    assert {name(page): unknown for page, each in found.items() if (unknown := each - known)} == {}


def test_every_command_is_documented():
    """Each command that exists has its help in the README."""
    missing = [each for each in main.list_commands(None) if f"Usage: segments {each} " not in README]
    assert missing == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_command_in_the_documents_exists(page):
    """What stands in backquotes or at the start of a line can be typed."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)segments ([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= set(main.list_commands(None)), sorted(COMMANDS)


def test_every_metric_is_documented():
    """Each name that a scrape shows is in the table of deploy/README.md."""
    metrics = Metrics()
    metrics.watch(list)
    scraped = set(re.findall(r"^# TYPE (\w+) ", metrics.text().decode(), re.MULTILINE))
    shown = {each for each in scraped if not each.endswith("_created")}
    assert shown
    assert [each for each in sorted(shown) if f"`{each}`" not in OPERATIONS] == []


def test_every_metric_in_the_runbook_exists():
    """A runbook that names a metric which is not scraped would be no help at night."""
    metrics = Metrics()
    metrics.watch(list)
    scraped = set(re.findall(r"^# TYPE (\w+) ", metrics.text().decode(), re.MULTILINE))
    named = set(re.findall(r"`(segments_[a-z_]+)", OPERATIONS))
    assert named <= scraped


def test_every_reason_of_a_dead_letter_is_documented():
    """Each reason that the code can give stands in the runbook, and no other."""
    rows = set(re.findall(r"^\| `(\w+)` \|", OPERATIONS.partition("### Dead letters")[2], re.MULTILINE))
    assert rows == {DecodeError.UNDECODABLE, DecodeError.UNKNOWN_SCHEMA, *reasons_of_the_engine()}


def reasons_of_the_engine():
    """The first argument of each Refusal, where it is a text."""
    for file in (ROOT / "segments" / "engine").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Refusal":
                yield from (each.value for each in node.args[:1] if isinstance(each, ast.Constant))


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_links_lead_somewhere(page):
    """A link to a file of the repository leads to one."""
    targets = [target for target, _ in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []
