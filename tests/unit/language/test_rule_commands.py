"""`segments list`, `show`, `lint`, `test` and `new`, as a rule author runs them."""

import json
from pathlib import Path

import pytest

from segments import language

pytestmark = pytest.mark.timeout(120)

SHIPPED = Path(language.__file__).parent.parent
GOOD = '''"""Two visits.

Says nothing about a marketer.
"""

from segments.language import Segment, visit

two_visits = Segment(
    en="Two visits in a week",
    nl="Twee bezoeken in een week",
    when=visit.within(days=7).count() >= 2,
    examples="""
        0d  page_view
        1d  page_view   enters
        7d              leaves
        ---
        0d  page_view
    """,
)
'''


@pytest.fixture
def rules(tmp_path):
    """A folder with one good rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "two_visits.py").write_text(GOOD)
    return folder


@pytest.fixture
def own(rules):
    """The settings that name that folder."""
    return {"SEGMENTS_RULES": str(rules)}


def test_list_shows_the_shipped_rules(run):
    """Id, version, title in both languages, and how long they remember."""
    done = run("list")
    assert done.returncode == 0
    for file in SHIPPED.glob("[!_]*.py"):
        assert f"{file.stem}  " in done.stdout
    assert "en  No activity for 90 days" in done.stdout
    assert "nl  90 dagen geen activiteit" in done.stdout


def test_list_and_show_as_json(run, own):
    """One object a line, for machines, with everything that show says."""
    (line,) = run("list", "--json", env=own).stdout.splitlines()
    listed = json.loads(line)
    assert listed == json.loads(run("show", "two_visits", "--json", env=own).stdout)
    assert listed["id"] == "two_visits"
    assert listed["when"] == "visit.within(days=7).count() >= 2"
    assert len(listed["version"]) == 12


def test_show_tells_all_of_a_rule(run, own):
    """Purpose, words, condition, state, flips by time, retention, stories."""
    done = run("show", "two_visits", env=own)
    assert done.returncode == 0
    for said in (
        "Says nothing about a marketer.",
        "there are at least 2 visits in the past 7 days",
        "die in de afgelopen 7 dagen minstens 2 keer op bezoek is geweest",
        "visit.within(days=7).count() >= 2",
        "visit: the time of each, for 7 days and 30 minutes",
        "the earliest of the latest 2 visits is 7 days old",
        "1d  page_view   enters",
    ):
        assert said in done.stdout


def test_show_of_a_rule_that_does_not_exist(run, own):
    """The nearest name is told."""
    done = run("show", "two_visit", env=own)
    assert done.returncode == 1
    assert "Did you mean two_visits?" in done.stderr


def test_lint_and_test_of_good_rules(run, own, rules):
    """The shipped ones, a folder, and a file: exit code 0."""
    assert run("lint").returncode == 0
    assert run("test").returncode == 0
    for path in (rules, rules / "two_visits.py"):
        assert run("lint", str(path)).returncode == 0
        done = run("test", str(path))
        assert (done.returncode, done.stderr) == (0, "")
        assert "two_visits" in done.stdout
    assert "1 rule: nothing to mend" in run("lint", env=own).stdout


def test_a_refused_rule(run, rules):
    """`lint` says so with file, line and mend; `test` does not run what a worker would refuse."""
    file = rules / "two_visits.py"
    file.write_text(GOOD.replace(".within(days=7)", ""))
    linted = run("lint", str(file))
    assert linted.returncode == 1
    assert f"{file}:11: visit.count() has no within" in linted.stdout
    assert "(refused)" in linted.stdout
    tested = run("test", str(file))
    assert tested.returncode == 1
    assert f"{file}:11: visit.count() has no within" in tested.stderr


@pytest.mark.parametrize("command", ["list", "lint", "test"])
def test_a_file_that_is_no_rule(run, own, rules, command):
    """Every command ends in one line for each error, with file, line and mend, and no traceback."""
    (rules / "broken.py").write_text("x = (\n")
    (rules / "empty.py").write_text("x = 1\n")
    done = run(command, env=own)
    assert done.returncode == 1
    assert f"{rules.resolve()}/broken.py:1: Syntax error" in done.stderr
    assert f"{rules.resolve()}/empty.py:1: empty.py defines no segment of its own." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_story(run, rules):
    """File, line, what was told and what happened; the other rules are run all the same."""
    (rules / "another.py").write_text(GOOD.replace("two_visits =", "another ="))
    file = rules / "two_visits.py"
    file.write_text(GOOD.replace("7d              leaves", "8d              leaves"))
    done = run("test", str(rules))
    assert done.returncode == 1
    assert f"{file}:15" in done.stdout
    assert (
        "The story tells: enters at 1d, then leaves at 8d; happened: enters at 1d, then leaves at 7d."
        in done.stdout
    )
    assert "ok    another: 2 stories" in done.stdout


def test_a_story_that_cannot_be_read_is_no_end_for_the_others(run, rules):
    """Each bad line is told with its place, the stories of the other rules are run, and the rule counts as failing."""
    (rules / "another.py").write_text(GOOD.replace("two_visits =", "another ="))
    file = rules / "two_visits.py"
    file.write_text(GOOD.replace("0d ", "0x "))
    done = run("test", str(rules))
    assert done.returncode == 1
    assert "FAILS two_visits: the stories cannot be read" in done.stdout
    assert done.stdout.count(f"{file}:") == GOOD.count("0d ")
    assert "ok    another: 2 stories" in done.stdout


def test_show_takes_a_file(run, tmp_path):
    """A rule that is in no folder of SEGMENTS_RULES is shown all the same; conditions as they are written."""
    file = tmp_path / "elsewhere.py"
    file.write_text(GOOD.replace("two_visits =", "elsewhere ="))
    done = run("show", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "elsewhere"
    missing = run("show", str(tmp_path / "nowhere.py"))
    assert missing.returncode == 1
    assert "nowhere.py does not exist" in missing.stderr


def test_a_rule_that_calculates_is_shown(run, rules):
    """In words, with what it keeps, and no worker refuses it."""
    text = GOOD.replace("two_visits =", "habit =").replace(
        "visit.within(days=7).count() >= 2", "visit.within(days=40).idle > 2 * visit.within(days=40).gap"
    )
    (rules / "habit.py").write_text(text)
    env = {"SEGMENTS_RULES": str(rules)}
    habit = json.loads(run("show", "habit", "--json", env=env).stdout)
    assert habit["state"][0].startswith("visit: the time of each, for 40 days and 30 minutes")
    assert habit["retention"] == "40 days and 30 minutes"
    assert "2 times the average time between the visits" in habit["words_en"]
    assert json.loads(run("show", "two_visits", "--json", env=env).stdout)["state"]
    assert len(run("list", env=env).stdout.splitlines()) > 4
    assert "(refused)" not in run("lint", str(rules)).stdout


def test_a_path_that_does_not_exist(run, tmp_path):
    """It is named."""
    for command in ("lint", "test"):
        done = run(command, str(tmp_path / "nowhere"))
        assert done.returncode == 1
        assert f"{tmp_path / 'nowhere'} does not exist" in done.stderr


def test_only_what_was_named_is_run(run, rules):
    """A file brings the rules that it imports, but their stories are not asked for."""
    (rules / "reader.py").write_text(
        GOOD.replace("two_visits =", "reader =").replace(
            "from segments.language", "from two_visits import two_visits\nfrom segments.language"
        )
    )
    done = run("test", str(rules / "reader.py"))
    assert done.returncode == 0
    assert "reader" in done.stdout
    assert "two_visits" not in done.stdout


def test_new_begins_a_rule(run, own, rules):
    """It loads, no worker refuses it, its stories fail, and the linter says what is missing."""
    done = run("new", "big_spender", env=own)
    file = rules / "big_spender.py"
    assert done.returncode == 0
    assert str(file) in done.stdout
    tested = run("test", str(file))
    assert tested.returncode == 1
    assert "FAILS big_spender" in tested.stdout
    linted = run("lint", str(file))
    assert linted.returncode == 1
    assert "(refused)" not in linted.stdout


def test_new_overwrites_nothing_and_knows_what_an_id_is(run, own, rules):
    """A rule that exists stays as it is; an id is a name in Python."""
    again = run("new", "two_visits", env=own)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert (rules / "two_visits.py").read_text() == GOOD
    for wrong in ("two visits", "../two", "class", "_two", "9th"):
        assert run("new", wrong, env=own).returncode == 1
    assert [file.name for file in rules.parent.rglob("*.py")] == ["two_visits.py"]


def test_new_in_a_folder_of_ones_own(run, tmp_path):
    """--folder says where."""
    assert run("new", "mine", "--folder", str(tmp_path)).returncode == 0
    assert (tmp_path / "mine.py").exists()
    assert run("new", "mine", "--folder", str(tmp_path / "nowhere")).returncode == 2
