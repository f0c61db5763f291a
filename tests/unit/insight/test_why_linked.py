"""`segments why --file` of ids that were merged: the answer is that of who goes on, in whatever partition."""

import json

import pytest
from click.testing import CliRunner

from segments.insight.identity import followed
from streams.cli.identities import ids_in
from streams.cli.why import command
from tests.unit.insight.logins import DAY, LOG, START, VISITOR

RULE = "three_visits_without_conversion"


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Asks about a customer of a file with these lines."""
    for name in ("SEGMENTS_RULES", "SEGMENTS_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)

    def why(customer, *lines, options=(), stdin=False):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / "log.jsonl").write_text(text)
        file = "-" if stdin else str(tmp_path / "log.jsonl")
        arguments = [customer, RULE, "--file", file, "--partitions", "4", *options]
        done = CliRunner().invoke(command, arguments, input=text if stdin else None, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return why


@pytest.mark.parametrize("stdin", [False, True], ids=["file", "stdin"])
def test_an_absorbed_id_is_answered_by_who_goes_on(ask, stdin):
    """The visits of both ids count, and the answer says whose it is and by which ids it was found."""
    found = json.loads(ask(VISITOR, *LOG, options=["--json"], stdin=stdin))
    assert (found["customer_id"], found["redirected_from"]) == ("anna", [VISITOR])
    assert found["segments"][0]["inside"]
    assert found["segments"][0]["evidence"][0]["value"] == "3"
    assert [each["customer_id"] for each in found["identity"]["merged"]] == [VISITOR]
    assert ids_in(found, VISITOR) == [VISITOR, "anna"]


def test_the_way_is_told_in_words(ask):
    """Two lines before the segments: where the id goes on, and what was merged there."""
    lines = ask(VISITOR, *LOG).splitlines()
    assert lines[0] == f"{VISITOR} goes on as anna"
    assert f"with what {VISITOR} did, which was merged" in lines


def test_what_a_worker_has_followed_is_not_forgotten():
    """Whoever answers may follow redirects in its own partitions; the rest of the way is asked for elsewhere."""
    answers = {
        "a": {"customer_id": "b", "identity": {"into": "c"}, "redirected_from": ["a"]},
        "c": {"customer_id": "d", "identity": None, "redirected_from": ["c"]},
        "x": {"customer_id": "x", "identity": {"into": "gone"}, "redirected_from": []},
    }
    assert followed(answers.get, "a")["redirected_from"] == ["a", "b", "c"]
    assert followed(answers.get, "d") is None
    assert followed(answers.get, "x")["customer_id"] == "x"


def test_before_the_link_an_id_is_itself(ask):
    """As of an instant before the link nobody goes on as anybody."""
    until = ["--json", "--until", str(START + 2 * DAY)]
    found = json.loads(ask(VISITOR, *LOG, options=until))
    assert (found["customer_id"], found["redirected_from"], found["identity"]) == (VISITOR, [], None)
