"""The documents cannot drift from the code: their generated parts are current, and what they name exists."""

import re

import pytest

from deploy.dev.docs import PARTS, made
from schemas import DecodeError
from streams.cli import COMMANDS, main
from streams.settings.settings import Settings, variable
from streams.telemetry.console import ConsoleMetrics
from streams.telemetry.delivery import DeliveryMetrics
from streams.telemetry.metrics import Metrics
from streams.worker.caution import TOO_LARGE
from tests.unit.repository import ROOT, files, name

LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
WRITTEN = [file for file in files() if file.suffix == ".md"]
MADE = made()
METRICS_PAGE, OPERATIONS, RUNBOOK, DELIVERY, CONSOLE = (
    (ROOT / "deploy" / f"{page}.md").read_text(encoding="utf-8")
    for page in ("metrics", "operations", "runbook", "delivery", "console")
)


@pytest.mark.parametrize("path", MADE)
def test_what_is_generated_is_current(path):
    """Commands, settings, metrics, fields, rules, figures and the dashboard are as the code has them."""
    assert (ROOT / path).read_text(encoding="utf-8") == MADE[path], "stale: make docs"


def test_no_part_is_without_its_maker():
    """A marker that nothing fills would keep its text for ever."""
    begun = {
        name(page): re.findall(r"^<!-- ([a-z]+) -->$", page.read_text(encoding="utf-8"), re.MULTILINE)
        for page in WRITTEN
    }
    assert {page: parts for page, parts in begun.items() if parts} == {
        page: list(parts) for page, parts in PARTS.items()
    }


def test_the_front_page_is_short():
    """README is read by everybody, so it is at most 9 kB."""
    assert len((ROOT / "README.md").read_bytes()) <= 9_000


def test_every_variable_in_the_documents_is_a_setting():
    """No document promises a setting that is unknown to the code."""
    known = set(map(variable, Settings.model_fields))
    found = {page: set(re.findall(r"\bSEGMENTS_[A-Z_]*[A-Z]\b", page.read_text())) for page in WRITTEN}
    assert {name(page): unknown for page, each in found.items() if (unknown := each - known)} == {}


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_command_in_the_documents_exists(page):
    """What stands in backquotes or at the start of a line can be typed."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)segments ([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= set(main.list_commands(None)), sorted(COMMANDS)


def test_every_metric_in_the_documents_exists():
    """A page for operators that names a metric which is not scraped would be no help at night."""
    scraped = set()
    for metrics in (Metrics(), DeliveryMetrics(), ConsoleMetrics()):
        metrics.watch(list)
        scraped |= set(re.findall(r"^# TYPE (\w+) ", metrics.text().decode(), re.MULTILINE))
    named = set(re.findall(r"`(segments_[a-z_]+)", METRICS_PAGE + OPERATIONS + RUNBOOK + DELIVERY + CONSOLE))
    assert named
    assert named - scraped == set()


def test_every_reason_of_a_dead_letter_is_documented():
    """Each reason that the code can give stands in the pages of operations and of semantics, and no other."""
    reasons = {DecodeError.UNDECODABLE, DecodeError.UNKNOWN_SCHEMA, TOO_LARGE, *reasons_of_the_engine()}
    semantics = (ROOT / "segments" / "SEMANTICS.md").read_text(encoding="utf-8")
    for text in (OPERATIONS.partition("### Dead letters")[2], semantics.partition("## 6. Bad input")[2]):
        assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == reasons


def reasons_of_the_engine():
    """The names of the crate's reasons."""
    source = ROOT / "segments" / "engine" / "native" / "src" / "wire" / "refusals.rs"
    return re.findall(r'^ +Reason::\w+ => "(\w+)",$', source.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_links_lead_somewhere(page):
    """A link to a file of the repository leads to one, and a link to a heading to one that is there."""
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            file = page.parent / target if target else page
            assert file.exists(), target
            assert not anchor or anchor[1:] in headings(file), f"{target}{anchor}"


def headings(page):
    """The anchors that GitHub gives the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
