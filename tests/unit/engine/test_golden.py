"""The golden vectors through Python's door; `cargo test` lives through all of them, and through states of before."""

import pytest

from tests.golden import linked
from tests.golden.cases import FOLDER, told
from tests.golden.vectors import effects, lived, log, text


@pytest.mark.parametrize("name", ["shipped", "every_condition", "sources"])
def test_what_is_told_comes_out_as_the_files_say(name):
    """Segment events, memberships, outcomes, clock and members, field by field; writing a case again changes nothing."""
    example, folder = told()[name], FOLDER / name
    assert text(log(example)) == (folder / "log.jsonl").read_text(encoding="utf-8")
    assert text(effects(lived(example))) == (folder / "effects.jsonl").read_text(encoding="utf-8")


def test_ids_that_became_one_customer_come_out_as_the_file_says():
    """Links of every outcome, in one partition: those who go on are in the segments of one customer who did it all."""
    worker = linked.lived()
    folder = FOLDER / linked.NAME
    assert text(log(worker.example, worker.topics)) == (folder / "log.jsonl").read_text(encoding="utf-8")
    assert text(effects(worker)) == (folder / "effects.jsonl").read_text(encoding="utf-8")
    assert not linked.differences(worker)
