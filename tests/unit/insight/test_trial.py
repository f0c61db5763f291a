"""`segments try`: a rule on a log of the past, before it runs."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from segments.engine import EngineSettings, RuleSet
from segments.insight.findings import Findings, Stay, median
from segments.language import Segment, days, purchase, visit
from segments.language.nodes.durations import DAY
from segments.language.words.phrases import ENGLISH
from streams.cli.trial_text import told
from streams.history.reader import FileHistory
from streams.jobs.trial import TrialRules, needed_since
from streams.jobs.trial import run as run_trial

pytestmark = pytest.mark.timeout(180)

START = 1_767_225_600_000  # 2026-01-01
RULE = '''"""A rule."""

from segments.language import Segment, any_event, purchase, visit

{name} = Segment(en="{name}", nl="{name}", when={when})
'''
RULES = {
    "buyer": "purchase.within(days=30).count() >= 1",
    "visitor": "visit.within(days=7).count() >= 2",
    "nobody": "purchase.within(days=30).sum(purchase.amount) >= 1000000",
    "everybody": "any_event.within(days=365).count() >= 1",
}


def click(customer, at, kind="page_view"):
    """A line of a log; instants are days from the start."""
    return {
        "topic": "clickstream",
        "customer_id": customer,
        "occurred_at": START + int(at * DAY),
        "kind": kind,
    }


def bought(customer, at, amount="10.00"):
    """A purchase as a line of a log."""
    fields = {"kind": "purchase", "order_id": "o", "amount": amount, "currency": "EUR"}
    return click(customer, at) | {"topic": "transactions"} | fields


LOG = [
    click("anna", 0),
    bought("carl", 0.5),
    click("anna", 1),  # anna visits
    click("bert", 2),
    click("dora", 2.5),
    click("dora", 3),  # dora visits
    click("bert", 4),  # bert visits
    bought("bert", 5, "100.00"),
    bought("dora", 9, "500.00"),  # anna has left at 7, dora at 9.5, bert leaves at 9
    click("bert", 9.75),  # and visits again
]


def write(folder, **rules):
    """Rule files."""
    folder.mkdir(exist_ok=True)
    for name, when in rules.items():
        (folder / f"{name}.py").write_text(RULE.format(name=name, when=when))
    return folder


@pytest.fixture
def rules(tmp_path):
    """A folder of rules."""
    return write(tmp_path / "rules", **RULES)


@pytest.fixture
def log(tmp_path):
    """Writes lines to a file, with event ids."""

    def lines(*events):
        file = tmp_path / "log.jsonl"
        file.write_text(
            "".join(json.dumps({"event_id": f"e{n}"} | each) + "\n" for n, each in enumerate(events))
        )
        return str(file)

    return lines


@pytest.fixture
def tried(run, rules, log):
    """Runs `segments try`, and reads what it found."""

    def read(*arguments, events=LOG):
        done = run("try", *arguments, "--file", log(*events), "--json", env={"SEGMENTS_RULES": str(rules)})
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return read


def test_who_would_be_in_it_now(tried):
    """Members, share of the customers known, enters and leaves by day, overlap with the other segments, examples."""
    found = tried("visitor", "--days", "10", "--until", "2026-01-10T23:00:00Z")
    assert (found["members"], found["customers"], found["share"]) == (1, 4, 0.25)
    assert (found["now"], found["verdict"], found["change"]) == ("2026-01-10T23:00:00.000Z", None, None)
    flips = {
        each["day"]: (each["enters"], each["leaves"])
        for each in found["per_day"]
        if each["enters"] + each["leaves"]
    }
    assert flips == {
        "2026-01-02": (1, 0),
        "2026-01-04": (1, 0),
        "2026-01-05": (1, 0),
        "2026-01-08": (0, 1),
        "2026-01-10": (1, 2),
    }
    assert len(found["per_day"]) == 10
    assert found["median_stay"] == 6 * DAY
    assert found["overlap"] == [
        {"segment": "buyer", "members": 3, "shared": 1},
        {"segment": "everybody", "members": 4, "shared": 1},
        {"segment": "nobody", "members": 0, "shared": 0},
    ]
    [example] = found["examples"]
    assert (example["customer_id"], example["entered_at"]) == ("bert", "2026-01-10T18:00:00.000Z")
    assert example["flips_at"] == "2026-01-12T00:00:00.000Z"
    [entry] = example["evidence"]
    assert (entry["measure"], entry["value"], entry["bound"]) == ("visit.within(days=7).count()", "2", "2")


def test_as_far_as_the_events_go(tried):
    """Without --until a log ends with its last event, and what is due by then has fired."""
    found = tried("visitor")
    assert found["now"] == "2026-01-10T18:00:00.000Z"
    assert found["history"]["records"] == {"applied": len(LOG)}


def test_an_edit_against_what_runs(tried, tmp_path):
    """A file of the same name as a rule is an edit of it: who stays, who enters, who leaves, each with evidence."""
    write(tmp_path / "edit", buyer="purchase.within(days=3).max(purchase.amount) >= 50")
    found = tried(str(tmp_path / "edit" / "buyer.py"))
    change = found["change"]
    assert found["members"] == 1
    assert (change["members"], change["stays"]["count"], change["enters"]["count"]) == (3, 1, 0)
    assert [each["customer_id"] for each in change["leaves"]["examples"]] == ["bert", "carl"]
    assert change["leaves"]["examples"][0]["evidence"][0]["value"] is None
    assert change["segment_version"] != found["segment_version"]


def test_an_edit_is_read_by_the_rules_that_read_it(tried, rules, tmp_path):
    """Who would be in another segment by the edit is what the overlap tells."""
    reader = RULE.format(name="reader", when="buyer").replace(
        "from segments.language", "from buyer import buyer\nfrom segments.language"
    )
    (rules / "reader.py").write_text(reader)
    write(tmp_path / "edit", buyer="purchase.within(days=3).count() >= 1")
    overlap = {each["segment"]: each for each in tried(str(tmp_path / "edit" / "buyer.py"))["overlap"]}
    assert overlap["reader"] == {"segment": "reader", "members": 1, "shared": 1}


def test_against_a_file(tried, rules, tmp_path):
    """A rule edited in its place is compared with a copy of what runs; one of the same meaning is said to be so."""
    write(tmp_path / "old", buyer="purchase.within(days=30).count() >= 2")
    change = tried("buyer", "--against", str(tmp_path / "old" / "buyer.py"))["change"]
    assert (change["members"], change["enters"]["count"]) == (0, 3)
    found = tried("buyer", "--against", str(rules / "buyer.py"))
    assert found["change"]["segment_version"] == found["segment_version"]
    assert found["change"]["stays"]["count"] == found["members"] == 3


@pytest.mark.parametrize(
    ("rule", "verdict"), [("nobody", "too_narrow"), ("everybody", "too_broad"), ("buyer", None)]
)
def test_a_rule_that_tells_nobody_apart(tried, run, rules, log, rule, verdict):
    """Nobody or nearly everybody in it: the rule is said to be too narrow, or too broad."""
    assert tried(rule)["verdict"] == verdict
    text = run("try", rule, "--file", log(*LOG), env={"SEGMENTS_RULES": str(rules)}).stdout
    assert [name for name in ("too narrow", "too broad") if name in text] == (
        [verdict.replace("_", " ")] if verdict else []
    )


def test_what_the_terminal_shows(run, rules, log):
    """Count, share, a chart of two lines, the overlap and examples with evidence."""
    arguments = ("--days", "10", "--until", "2026-01-10T23:00:00Z", "--file", log(*LOG))
    done = run("try", "visitor", *arguments, env={"SEGMENTS_RULES": str(rules)})
    assert done.returncode == 0
    for line in (
        "in it now    1 of 4 customers known (25%)",
        "2026-01-01 to 2026-01-10, UTC",
        "enters       ·█·██····█  4, at most 1 a day",
        "leaves       ·······▄·█  3, at most 2 a day",
        "          1    100%  buyer (of 3)",
        "  bert, since 2026-01-10T18:00:00.000Z",
        "     ✓ the number of visits in the past 7 days: 2 (bound: at least 2)",
    ):
        assert line in done.stdout.splitlines()


def test_it_agrees_with_replay(run, rules, log):
    """On a random log in three partitions: flips of each day, members and overlap are those of `segments replay`."""
    chance = random.Random(7)
    events = [
        chance.choice((click, click, bought))(f"c{chance.randrange(40)}", at / 20) for at in range(1_000)
    ]
    file, env = log(*events), {"SEGMENTS_RULES": str(rules)}
    common = ("--partitions", "3", "--until", str(START + 51 * DAY))
    found = json.loads(
        run("try", "visitor", "--json", "--days", "60", "--file", file, *common, env=env).stdout
    )
    flips = [json.loads(line) for line in run("replay", file, *common, env=env).stdout.splitlines()]
    mine = [flip for flip in flips if flip["segment"] == "visitor"]
    by_day = Counter((flip["occurred_at"][:10], flip["transition"]) for flip in mine)
    assert len(mine) > 100
    for each in found["per_day"]:
        assert (each["enters"], each["leaves"]) == (by_day[each["day"], "enter"], by_day[each["day"], "exit"])
    inside = {flip["customer_id"] for flip in mine if flip["transition"] == "enter"}
    inside -= {
        each for each in inside if [f for f in mine if f["customer_id"] == each][-1]["transition"] == "exit"
    }
    assert found["members"] == len(inside) > 0
    buyers = Counter(
        flip["customer_id"] for flip in flips if (flip["segment"], flip["transition"]) == ("buyer", "enter")
    )
    buyers -= Counter(
        flip["customer_id"] for flip in flips if (flip["segment"], flip["transition"]) == ("buyer", "exit")
    )
    shared = {each["segment"]: each["shared"] for each in found["overlap"]}
    assert shared["buyer"] == len(inside & buyers.keys())


def test_a_member_by_hysteresis_is_told_as_of_the_enter(run, log, tmp_path):
    """`when` need not hold any longer of a rule with `until`: it is told as it was then, `until` as it is now."""
    write(
        tmp_path / "rules",
        buyer="purchase.within(days=3).count() >= 1, until=purchase.within(days=20).count() == 0",
    )
    arguments = ("--file", log(bought("anna", 1)), "--until", str(START + 10 * DAY))
    env = {"SEGMENTS_RULES": str(tmp_path / "rules")}
    found = json.loads(run("try", "buyer", "--json", *arguments, env=env).stdout)
    [example] = found["examples"]
    assert [(each["part"], each["value"], each["holds"]) for each in example["evidence"]] == [
        ("when", "1", True),
        ("until", "1", False),
    ]
    assert [each["as_of"] for each in example["evidence"]] == [example["entered_at"], None]
    shown = run("try", "buyer", *arguments, env=env).stdout
    assert (
        f"enters ✓ the number of purchases in the past 3 days: 1 (bound: at least 1) (as of {example['entered_at']})"
        in shown
    )
    assert "leaves ✗ the number of purchases in the past 20 days: 1 (bound: exactly 0)" in shown


def test_the_erased_are_not_known(tried):
    """Who was erased is no customer known, until they come back."""
    erase = {"topic": "profiles", "erase": True, "occurred_at": START + 10 * DAY}
    events = [*LOG, erase | {"customer_id": "bert"}, erase | {"customer_id": "anna"}, click("anna", 11)]
    found = tried("buyer", events=events)
    assert (found["customers"], found["members"]) == (3, 2)


def test_no_events_at_all(run, rules, log):
    """There is nothing to try a rule on, which is said."""
    done = run("try", "buyer", "--file", log(), env={"SEGMENTS_RULES": str(rules)})
    assert done.returncode == 0
    assert "there is nothing to try the rule on" in done.stdout
    found = run("try", "buyer", "--file", log(), "--json", env={"SEGMENTS_RULES": str(rules)})
    assert json.loads(found.stdout)["share"] is None


def test_bad_events_are_counted(tried):
    """A record that a worker would refuse is in the figures, by reason."""
    found = tried("buyer", events=[*LOG, click("x" * 200, 9.8)])
    assert found["history"]["refused"] == {"invalid_id": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("buyr",), 1, "Did you mean buyer?"),
        (("nowhere.py",), 1, "does not exist"),
        (("buyer", "--days", "0"), 2, "--days"),
        (("buyer", "--against", "nowhere.py"), 2, "nowhere.py"),
    ],
)
def test_wrong_calls(run, rules, log, arguments, code, words):
    """What was wrong, and what to write."""
    done = run("try", *arguments, "--file", log(*LOG), env={"SEGMENTS_RULES": str(rules)})
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_partitions_without_a_file(run):
    """The topics know how many partitions they have."""
    assert "--partitions goes with --file" in run("try", "high_value", "--partitions", "3").stderr


def test_a_rule_that_is_refused(run, rules, log, tmp_path):
    """With file, line and mend, before anything is read."""
    write(tmp_path / "edit", buyer="purchase.count() >= 1")
    done = run(
        "try", str(tmp_path / "edit" / "buyer.py"), "--file", log(*LOG), env={"SEGMENTS_RULES": str(rules)}
    )
    assert done.returncode == 1
    assert "buyer.py:5: purchase.count() has no within" in done.stderr


def test_progress_on_a_terminal(environment, rules, log):
    """Whoever watches sees how far it is, on stderr; stdout has nothing of it."""
    reading, writing = os.openpty()
    command = [Path(sys.executable).with_name("segments"), "try", "buyer", "--json", "--file", log(*LOG)]
    env = environment | {"SEGMENTS_RULES": str(rules), "TERM": "xterm"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=writing, env=env, check=True)
    os.close(writing)
    assert b"reading" in os.read(reading, 100_000)
    os.close(reading)
    assert json.loads(done.stdout)["members"] == 3


def test_the_median_of_stays_that_go_on():
    """Half of those who entered have left after it, whether or not we saw the others leave."""
    assert median([]) is None
    assert median([Stay(0, each, ended=True) for each in (3, 1, 2)]) == 2
    assert median([Stay(0, 1, ended=True), Stay(0, 9, ended=False)]) == 1
    assert median([Stay(0, 1, ended=True), Stay(0, 2, ended=False), Stay(0, 2, ended=False)]) is None
    gone_on = [
        Stay(0, 1, ended=False),
        Stay(0, 2, ended=True),
        Stay(0, 3, ended=True),
        Stay(0, 4, ended=True),
    ]
    assert median(gone_on) == 3


def test_the_median_is_of_those_who_entered_in_the_days_shown():
    """Who entered before does not count: of the stays from then on only the long ones would be seen."""
    found = Findings("a", "b", now=100 * DAY)
    found.stays = [Stay(10 * DAY, 85 * DAY, ended=True), Stay(98 * DAY, DAY, ended=True)]
    assert found.median_stay(5) == DAY
    assert found.median_stay(100) == DAY
    assert found.median_stay(1) is None


def chosen(*segments):
    """The first of these rules to be tried."""
    rules = RuleSet(segments)
    return TrialRules(rules, segments[0].id, None, segments[0].id)


def test_the_past_that_is_needed():
    """The days shown, before them all that the rule remembers, and of the other rules what they remember today."""
    now = 1_000 * DAY + 5
    month = Segment(id="month", when=purchase.within(days=30).count() >= 1)
    year = Segment(id="year", when=purchase.within(days=365).count() >= 1)
    kept = Segment(
        id="kept", when=visit.within(days=3).count() >= 2, until=visit.within(days=3).idle >= days(1)
    )
    assert needed_since(chosen(month), now, 10) == (1_000 - 9 - 30) * DAY
    assert needed_since(chosen(month, year), now, 10) == now - 365 * DAY
    assert needed_since(chosen(year, month), now, 10) == (1_000 - 9 - 365) * DAY
    assert needed_since(chosen(month, kept), now, 10) is None


def test_a_long_chart_shares_its_columns():
    """A year fits the terminal: a column is nine days, and that is said."""
    rule = Segment(id="buyer", when=purchase.within(days=30).count() >= 1, en="Buyers")
    found = run_trial(chosen(rule), FileHistory({0: {}}), EngineSettings(), START, lambda _count: None)
    found.customers, found.members = 1, 1
    found.enters[START // DAY - 300] = 3
    lines = [
        line
        for line in told(found, 365, "Buyers", FileHistory({0: {}}), ENGLISH)
        if line.startswith("enters")
    ]
    assert len(lines[0]) < 80
    assert "9 days a column" in "".join(told(found, 365, "Buyers", FileHistory({0: {}}), ENGLISH))
    assert "█" in lines[0]
    assert "3, at most 3 a day" in lines[0]
