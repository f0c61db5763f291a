"""Outcomes read for a report: by the engine many at a time, and one by one in Python; both give the same."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

import schemas
from segments.engine import Records
from segments.insight.outcomes.gathering import Gathering
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.sums import Sums
from streams.report.taking import OUTCOMES, takes
from tests.unit.wire_batches import EXAMPLES, batch, runs

OURS = schemas.written_id(schemas.SEGMENT_OUTCOME)


def drawn(chance: random.Random) -> dict[str, Any]:
    """An outcome with or without each field that may be null, and with numbers of every size."""
    control = chance.choice([None, "10", "12.5"])
    return EXAMPLES["SegmentOutcome"] | {
        "customer_id": chance.choice(["ann", "zoë", ""]),
        "entered_as": chance.choice(["ann", "bob"]),
        "segment": chance.choice(["a", "b"]),
        "value": chance.choice([None, "", "schoenen €"]),
        "kind": chance.choice(["converted", "matured"]),
        "reason": chance.choice(["event", "timer"]),
        "arm": chance.choice([None, "control", "treated", "mixed"]),
        "experiment": None if control is None else chance.choice(["winter", "a"]),
        "control": control,
        "episode": chance.choice([1, 63, 64, 1 << 40]),
        "entered_at": chance.choice([0, -1, 1 << 50]),
        "first_goal_at": chance.choice([None, 0, 1 << 41]),
        "occurred_at": chance.randrange(1 << 50),
        "goals": chance.choice([0, 1, 1 << 33]),
        "revenue": chance.choice(
            [None, 0, -1, 127, 128, -129, 1 << 62, 1 << 63, -(1 << 63) - 1, 10**36, -(10**36)]
        ),
    }


def records(rows: Sequence[tuple[bytes | None, bytes | None]]) -> Records:
    """The only run of a fetch with these keys and values."""
    (found,) = runs(batch(list(rows)))
    return found


def test_the_engine_reads_what_python_reads() -> None:
    """Each field of a thousand outcomes, in order, and until when they tell."""
    chance = random.Random(1)
    outcomes = [drawn(chance) for _ in range(1000)]
    rows = [
        (each["customer_id"].encode(), schemas.encode(schemas.SEGMENT_OUTCOME, each)) for each in outcomes
    ]
    fast, slow = gathering(), gathering()
    found = records(rows).outcomes(OURS)
    assert found is not None
    fast.outcomes(*found)
    for _, value in rows:
        slow.outcome(schemas.decode(schemas.SEGMENT_OUTCOME, value or b""))
    assert fast._outcomes == slow._outcomes
    assert fast._told_until == slow._told_until == max(each["occurred_at"] for each in outcomes)


@pytest.mark.parametrize(
    "strange",
    [
        None,
        b"",
        b"\x01\x00\x00\x00\x07nonsense",
        schemas.encode(schemas.SEGMENT_OUTCOME, EXAMPLES["SegmentOutcome"])[:-1],
        schemas.encode(schemas.SEGMENT_OUTCOME, EXAMPLES["SegmentOutcome"]) + b"\x00",
        schemas.encode(schemas.SEGMENT_OUTCOME, EXAMPLES["SegmentOutcome"]).replace(b"cart", b"c\xffrt"),
    ],
    ids=["null", "empty", "another schema", "cut", "too long", "no text"],
)
def test_one_that_is_not_as_we_write_it_is_left_to_python(strange: bytes | None) -> None:
    """The engine takes none of such a run; Python passes over the strange one and takes all others."""
    good = EXAMPLES["SegmentOutcome"]
    rows = [(b"anna", schemas.encode(schemas.SEGMENT_OUTCOME, good)), (b"anna", strange)]
    run = records([*rows, rows[0]])
    assert run.outcomes(OURS) is None
    found = gathering()
    takes(found)[OUTCOMES](run)
    assert [len(each) for each in found._outcomes.values()] == [2]


def test_an_outcome_under_another_key_is_no_number() -> None:
    """Whoever wrote it, it is not what came of that customer."""
    value = schemas.encode(schemas.SEGMENT_OUTCOME, EXAMPLES["SegmentOutcome"])
    assert records([(b"bob", value), (None, value), (b"anna", value)]).outcomes(OURS) is not None
    found = gathering()
    takes(found)[OUTCOMES](records([(b"bob", value), (None, value), (b"anna", value)]))
    assert {customer: len(each) for customer, each in found._outcomes.items()} == {"anna": 1}


def gathering() -> Gathering:
    """Of a partition, with nothing in it yet."""
    return Gathering(Sums(Period(1 << 60)), "EUR", inputs=False)
