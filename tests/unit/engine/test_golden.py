"""The golden vectors through Python's door; `cargo test` lives through all of them, and through states of before."""

from tests.golden.cases import FOLDER, _shipped
from tests.golden.vectors import effects, lived, log, text


def test_the_stories_of_the_shipped_rules_come_out_as_the_file_says():
    """Segment events, memberships, outcomes, clock and members, field by field."""
    example = _shipped()
    assert text(log(example)) == (FOLDER / "shipped" / "log.jsonl").read_text(encoding="utf-8")
    assert text(effects(lived(example))) == (FOLDER / "shipped" / "effects.jsonl").read_text(encoding="utf-8")
