"""What `segments/README.md` shows is true: its rules and stories run, its ideas are rules."""

import re

import pytest

from segments import language
from segments.insight.proving import engine, failures
from segments.language import Segment
from segments.language.checking.lint import lint
from segments.language.loading.load import load
from segments.language.measures import MEASURES, PREDICTIONS
from segments.language.nodes.measures import Measure
from segments.language.stories.reader import read_stories
from streams.cli import COMMANDS
from tests.unit.repository import ROOT

TEXT = (ROOT / "segments" / "README.md").read_text(encoding="utf-8")
IDEAS = re.findall(r"^\| ([^|`]+) \| (`.+`[^|]*) \|$", TEXT.partition("### Events")[0], re.MULTILINE)


def test_the_measures_are_all_there():
    """Each measure of the language has a row."""
    rows = set(re.findall(r"^\| `(\w+)(?:\(\w*\))?` \|", TEXT, re.MULTILINE))
    events = language.purchase.within(days=1)
    names = {name for name in vars(type(events)) if not name.startswith("_")} - {*PREDICTIONS, "values"}
    made = {name for name in names if isinstance(measured(events, name), Measure)}
    assert made == MEASURES.keys()
    assert made | PREDICTIONS.keys() <= rows


def measured(events, name):
    """What an attribute of an event set gives: called if it can be, with a field if it wants one."""
    made = getattr(events, name)
    try:
        return made(language.purchase.amount) if callable(made) else made
    except TypeError:
        return made()
    except language.RuleError:
        return None


RULES = re.findall(r"```python\n# segments/(\w+)\.py\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(("name", "code"), RULES, ids=[name for name, _ in RULES])
def test_its_rules_run(name, code, tmp_path):
    """Each loads, lacks nothing, and its stories come true."""
    file = tmp_path / f"{name}.py"
    file.write_text(code, encoding="utf-8")
    (segment,) = load([file])
    assert lint([segment]) == []
    assert failures(segment, engine) == []


@pytest.mark.parametrize("rule", [rule for _, rule in IDEAS], ids=[idea for idea, _ in IDEAS])
def test_each_idea_of_the_language_is_a_rule(rule):
    """What the table says can be written can be written, and the linter does not refuse it."""
    condition, *more = re.findall(r"`([^`]+)`", rule)
    names = dict(vars(language)) | {"high_value": Segment(when=language.consent("x"), id="high_value")}
    names |= {name: language.consent(name) for name in ("a", "b")}
    for each in more:
        if re.match(r"\w+ = ", each):
            exec(each, names)
    segment = Segment(id="idea", when=eval(condition, names))
    refused = [finding for finding in lint([segment]) if finding.blocking]
    assert not refused or condition == "any_of(a, b)" or "not_" in condition


def test_the_example_of_a_story_can_be_read():
    """Every form of a line that it shows is one."""
    (story,) = re.findall(r"```\n(0d .*?)```", TEXT, re.DOTALL)
    (read,) = read_stories(Segment(id="story", when=language.consent("x"), examples=story))
    assert len(read.lines) == len(story.strip().splitlines()) - 1
    assert read.told == {"enters", "leaves"}


def test_its_commands_exist():
    """No command is promised that is not there."""
    assert set(re.findall(r"`?segments ([a-z]+)(?: |`)", TEXT)) <= COMMANDS.keys()
