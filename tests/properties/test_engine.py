"""The engine against the oracle, over random rules and random stories, and against itself done in pieces."""

import os
import sys
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from .comparing import differences, names
from .coverage import Coverage
from .drive import Worker, at_random, whole
from .model import World
from .orders import Shuffled, shuffled
from .picking import picked
from .stories import Example, example

EXAMPLES = int(os.environ.get("SEGMENTS_EXAMPLES", "2000"))
"""`make soak` asks for more, and for other ones each time."""
SOAK = "SEGMENTS_EXAMPLES" in os.environ


def thorough(share: float = 1.0) -> settings:
    """So many examples, the same ones in each run unless more are asked for."""
    return settings(
        max_examples=max(50, int(EXAMPLES * share)),
        derandomize=not SOAK,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=SOAK,
    )


def test_engine_and_oracle_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Every flip with all its fields, every record of memberships, every outcome; no cell of the table is empty."""
    coverage = Coverage()

    @thorough()
    @given(picked(example))
    def agree(drawn: Example) -> None:
        world = World(drawn)
        expected, worker = world.run(), whole(drawn)
        found = [*differences(drawn, expected, worker), *names(drawn, worker)]
        assert not found, "\n".join([repr(drawn), *found])
        coverage.add(drawn, world)

    agree()
    with capsys.disabled():
        sys.stdout.write(f"\n{coverage}\n")
    assert not coverage.empty


@thorough(0.25)
@given(picked(example))
def test_runs_cut_anew_give_the_same(drawn: Example) -> None:
    """A fetched run is a unit of delivery, never of meaning; nor is a commit, a question or a step of `advance`."""
    at_once = whole(drawn)
    alike(drawn, at_once, at_random(drawn, Random(repr(drawn)), crashes=False, rules=at_once.rules))


@thorough(0.25)
@given(picked(example))
def test_a_crash_at_any_moment_changes_nothing(drawn: Example) -> None:
    """What was not committed is done again, from the states as committed."""
    at_once = whole(drawn)
    alike(drawn, at_once, at_random(drawn, Random(repr(drawn)), crashes=True, rules=at_once.rules))


def alike(drawn: Example, at_once: Worker, in_pieces: Worker) -> None:
    """Everything published is the same, and so are the bytes of every customer's state."""
    for name in ("flips", "memberships", "outcomes", "offsets", "clock"):
        left, right = getattr(at_once.output, name), getattr(in_pieces.output, name)
        assert left == right, f"{drawn!r}\n{name} at once: {left}\n{name} in pieces: {right}"
    assert +at_once.members == +in_pieces.members, repr(drawn)
    for key in {*at_once.customers, *in_pieces.customers}:
        assert at_once.customers.get(key) == in_pieces.customers.get(key), f"{drawn!r}\nstate of {key!r}"


@thorough(0.25)
@given(picked(shuffled))
def test_the_order_of_arrival_does_not_matter_in_the_end(drawn: Shuffled) -> None:
    """Rules without `until`, distinct instants, nothing refused: the same segments at the same clock."""
    told, retold = whole(drawn.told), whole(drawn.retold)
    assert told.output.clock == retold.output.clock
    met = {*told.output.outcomes, *retold.output.outcomes}
    assert {outcome for topic, outcome in met if topic != "profiles"} <= {"applied"}
    assert inside(told) == inside(retold), f"{drawn.told!r}\nretold {drawn.retold!r}"


def inside(worker: Worker) -> dict[str, list[str]]:
    """The segments of each customer who is in any."""
    last = {name: records[-1] for name, records in worker.output.memberships.items()}
    found = {
        name: [stay["segment"] for stay in record["segments"]] for name, record in last.items() if record
    }
    return {name: segments for name, segments in found.items() if segments}
