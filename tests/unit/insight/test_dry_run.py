"""`segments deploy --dry-run` counts on the history: both rule sets live through it once."""

import json

import pytest
from click.testing import CliRunner

import schemas
from streams.cli import deploy, main
from streams.deployments.planning import plan, record
from streams.deployments.records import Chains, Deployed
from streams.settings.settings import Settings

RULE = '''"""Who looked so often: greet them."""

from segments.language import Segment, page_view

{name} = Segment(
    en="Looked {count} times",
    nl="Keek {count} keer",
    when=page_view.within(days={days}).count() >= {count},
    examples="""
    {story}  page_view  enters
    """,
)
'''
START = 1_767_225_600_000
DAY = 86_400_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of rules, deployed with one of them; call it to write another."""
    path = tmp_path / "rules"
    path.mkdir()

    def write(name, count, days=7):
        story = "0d" if count == 1 else f"0d x{count} every 1h"
        (path / f"{name}.py").write_text(RULE.format(name=name, count=count, days=days, story=story))
        return path

    monkeypatch.setenv("SEGMENTS_RULES", str(path))
    return write


@pytest.fixture(autouse=True)
def deployed(folder, monkeypatch):
    """What the group runs: who looked once in a week."""
    settings = Settings(rules=str(folder("looked", 1)))
    planned = plan(settings, settings.rules, None, stories=False)
    made = record(settings, planned, Chains(()), START, "", at_once=False)
    fields = schemas.decode(schemas.DEPLOYMENT, schemas.encode(schemas.DEPLOYMENT, made))
    found = Deployed(0, START, fields)
    chains = Chains((found,), {0: frozenset([found.id])})
    monkeypatch.setattr(deploy, "read_chains", lambda _settings: chains)


@pytest.fixture
def log(tmp_path):
    """Ann looks four times, bob twice, cat once and long ago."""
    views = [("cat", 0), ("ann", 20), ("ann", 21), ("bob", 21), ("ann", 22), ("bob", 22), ("ann", 23)]
    lines = [
        {
            "topic": "clickstream",
            "event_id": f"{who}{day}",
            "customer_id": who,
            "kind": "page_view",
            "occurred_at": START + day * DAY,
        }
        for who, day in views
    ]
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(file)


def called(*words):
    """The command in a dry run: its exit code and what it said."""
    done = CliRunner().invoke(main, ["deploy", "--dry-run", *words])
    return done.exit_code, done.stdout, done.stderr


def test_who_would_move_is_counted_on_the_history(folder, log):
    """Of each changed rule who enters, leaves and stays, with examples; a rule that is new, and one that is gone too."""
    folder("looked", 3)
    folder("newcomer", 1, days=30)
    code, out, err = called("--file", log, "--json", "--exit-code")
    assert code == 6, err
    moved = json.loads(out)["would_move"]
    assert (moved["customers"], moved["unknown"]) == (3, [])
    assert moved["members"] == {"looked": 2, "newcomer": 0}
    assert moved["enters"] == {"looked": 0, "newcomer": 3}
    assert moved["exits"] == {"looked": 1, "newcomer": 0}
    assert moved["stays"] == {"looked": 1, "newcomer": 0}
    assert moved["examples"]["looked"] == {"enters": [], "leaves": ["bob"], "stays": ["ann"]}
    assert moved["as_of"] == schemas.to_iso(START + 23 * DAY)
    told = called("--file", log)[1]
    assert "looked: 0 would enter, 1 leave, 1 stay" in told
    assert "    enters: ann, bob, cat" in told


def test_nothing_is_counted_where_nothing_would_change(log):
    """The rules deployed already: exit code 0, and nobody moves."""
    code, out, err = called("--file", log, "--json", "--exit-code")
    assert (code, json.loads(out)["would_move"]) == (0, None), err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--file", "LOG"], "goes with --dry-run"),
        (["--exit-code"], "goes with --dry-run"),
        (["--dry-run", "--partitions", "2"], "--partitions goes with --file"),
        (["--backfill", "--no-wait", "--yes"], "--no-wait does not go with --backfill"),
        ([], "say --yes"),
    ],
)
def test_a_wrong_call_is_told(log, words, said):
    """Exit code 2, before anything is asked or written."""
    done = CliRunner().invoke(main, ["deploy", *(log if word == "LOG" else word for word in words)])
    assert (done.exit_code, said in done.output) == (2, True), done.output
