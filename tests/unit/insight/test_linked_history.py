"""Ids that became one customer, for who reads the past: `segments try`, `fit`, and the functions of Python."""

import json

import pytest
from click.testing import CliRunner

import segments
from segments.language import Segment, page_view
from streams.cli import main
from tests.unit.insight.logins import LOG, VISITOR

THREE = Segment(id="three", when=page_view.within(days=7).count() >= 3)
UNTIL = "2026-01-05T12:00:00Z"


def test_python_follows_links():
    """The visits of both ids are three of one customer: a flip, a member, an answer about whoever is asked for."""
    flips = segments.replay(LOG, THREE, partitions=4)
    assert [(each["customer_id"], each["transition"]) for each in flips] == [("anna", "enter")]
    found = segments.why(LOG, THREE, VISITOR, partitions=4)
    assert (found["customer_id"], found["redirected_from"]) == ("anna", [VISITOR])
    assert found["segments"][0]["inside"]
    assert [each["at"] for each in found["identity"]["merged"]] == ["2026-01-05T00:00:00.000Z"]
    sizes = segments.try_rules(LOG, THREE, UNTIL, partitions=4)
    assert (sizes["customers"], sizes["in_none"], sizes["segments"]["three"]["members"]) == (1, 0, 1)


def test_without_links_only_the_partition_of_the_customer_is_lived_through():
    """Nobody goes on as anybody; an unknown segment is still told."""
    alone = [each for each in LOG if each["topic"] != "identities"]
    found = segments.why(alone, THREE, VISITOR, partitions=4)
    assert (found["customer_id"], found["redirected_from"]) == (VISITOR, [])
    with pytest.raises(segments.language.errors.SegmentsError, match="no segment"):
        segments.why(LOG, THREE, VISITOR, "four", partitions=4)


@pytest.mark.parametrize("partitions", ["1", "4"])
@pytest.mark.parametrize("rule", ["three", None], ids=["a rule", "all rules"])
def test_try_follows_links(monkeypatch, tmp_path, partitions, rule):
    """One customer, who is in it, with all three visits."""
    (tmp_path / "three.py").write_text(
        "from segments.language import *\nthree = Segment(when=page_view.within(days=7).count() >= 3)\n"
    )
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in LOG))
    monkeypatch.setenv("SEGMENTS_RULES", str(tmp_path))
    arguments = ["try", *([] if rule is None else [rule]), "--file", str(tmp_path / "log.jsonl"), "--json"]
    done = CliRunner().invoke(main, [*arguments, "--partitions", partitions, "--until", UNTIL])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["customers"] == 1
    assert (found if rule else found["segments"]["three"])["members"] == 1
    assert found["history"]["records"] == {"applied": 3}
