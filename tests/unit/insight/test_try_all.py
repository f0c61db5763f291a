"""`segments try` without a rule: all rules on a file of events, in one pass."""

import json

import pytest

from segments.engine import EngineSettings, load
from streams.history.files import read_log
from streams.history.reader import FileHistory
from streams.jobs.trial_of_all import AllRules, run_all
from tests.unit.insight.visitors import EVENTS, view

RULES = {
    "looking": 'Segment(en="Looks", nl="Kijkt", when=page_view.within(days=7).count() >= 2)',
    "buyer": "Segment(when=purchase.within(days=30).count() >= 1)",
    "topical": "Segment(for_each=page_view.page, when=page_view.by(page_view.page).within(days=7).count() >= 1)",
    "rich": "Segment(when=purchase.within(days=30).sum(purchase.amount) >= top(percent=50))",
}
UNTIL = ("--until", "2026-01-04T00:00:00Z")


@pytest.fixture
def folder(tmp_path):
    """Four rules, and a log of three customers."""
    for name, rule in RULES.items():
        (tmp_path / f"{name}.py").write_text(f"from segments.language import *\n{name} = {rule}\n")
    log = [each | {"page": "/a"} if each["topic"] == "clickstream" else each for each in EVENTS]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in log))
    return tmp_path


def tried(run, folder, *more):
    """The command's output on this log."""
    arguments = ("try", "--file", str(folder / "log.jsonl"), *more)
    done = run(*arguments, env={"SEGMENTS_RULES": str(folder)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("partitions", ["1", "3"])
def test_sizes_of_all_rules(run, folder, partitions):
    """Two of three look, one buys, nobody is in none, whatever the partitions; the border is that of the history."""
    found = json.loads(tried(run, folder, *UNTIL, "--json", "--partitions", partitions))
    sizes = {
        name: (each["members"], each["entered"], each["left"]) for name, each in found["segments"].items()
    }
    assert sizes == {"buyer": (1, 1, 0), "looking": (2, 2, 0), "rich": (1, 1, 0), "topical": (3, 3, 0)}
    assert (found["customers"], found["in_none"], found["now"]) == (3, 0, "2026-01-04T00:00:00.000Z")
    assert {"segments": ["buyer", "looking"], "customers": 1} in found["overlap"]
    assert (found["history"]["records"], found["history"]["needed_since"]) == (
        {"applied": 6},
        "2025-11-06T00:00:00.000Z",
    )
    assert [(each["value"], each["by_history"]) for each in found["borders"]] == [("5", True)]


def test_days_bound_what_entered(run, folder):
    """Of the last day nobody entered anything."""
    found = json.loads(tried(run, folder, *UNTIL, "--json", "--days", "1"))
    assert [(each["entered"], each["left"]) for each in found["segments"].values()] == [(0, 0)] * 4


def test_it_is_told(run, folder):
    """A table, the values of a condition with the bound after two groups, and pairs; in Dutch, too."""
    lines = tried(run, folder, *UNTIL).splitlines()
    assert "3 customers known, 0 of them in no segment (0%)" in lines
    assert "looking          2        67%          2          0  Looks" in lines
    assert (
        f"  ·▄│█{'·' * 28}  looking: the number of page views in the past 7 days, bound 2: 2 hold it, "
        "1 lie just below the bound, from 1 on; median 2, 90th percentile 2"
    ) in lines
    (spent,) = (line for line in lines if "rich: " in line)
    assert spent.endswith("from EUR 4.50 on; median EUR 0.00, 90th percentile EUR 5.00")
    assert "          1  buyer, looking" in lines
    assert "3 bekende klanten, van wie 0 in geen enkel segment (0%)" in tried(
        run, folder, *UNTIL, "--lang", "nl"
    )


def test_nothing_to_try_on(run, folder):
    """A log without events says so."""
    (folder / "log.jsonl").write_text("")
    assert "there is nothing to try" in tried(run, folder)


def test_against_is_of_one_rule(run, folder):
    """Comparing needs a rule to compare."""
    done = run("try", "--against", str(folder / "buyer.py"), env={"SEGMENTS_RULES": str(folder)})
    assert (done.returncode, "name a RULE" in done.stderr) == (2, True)


def test_one_of_two_values_is_left(folder):
    """Who left one value and stays in another is a member still, as a dry run of a deployment counts them."""
    more = [view("bob", 1) | {"page": "/b", "event_id": "b9", "occurred_at": "2026-01-06T00:00:00Z"}]
    log = [each | {"page": "/a"} for each in EVENTS if each["topic"] == "clickstream"] + more
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in log))
    now = 1_767_960_000_000  # 2026-01-09 12:00
    with (folder / "log.jsonl").open("rb") as file:
        history = FileHistory(read_log((file,), None, now), None, 0)
        rules = AllRules(load([folder / "topical.py"]))
        counted = run_all(rules, history, EngineSettings(), now, lambda _: None).counted
    assert counted.members == {"topical": {b"bob"}}
    assert (counted.flips("topical", "enter", 0), counted.flips("topical", "exit", 0)) == (4, 3)
