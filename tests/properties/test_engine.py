"""The engine against the oracle, over random rules and random stories, and against itself done in pieces."""

import sys
from random import Random

import pytest
from hypothesis import given

from segments import engine
from segments.language.catalogue import is_source
from tests.properties import by_hand
from tests.properties.comparing import differences, names, orderly
from tests.properties.coverage import Coverage
from tests.properties.drive import Worker, at_random, whole
from tests.properties.model import World
from tests.properties.orders import Shuffled, shuffled
from tests.properties.picking import by_chance, picked
from tests.properties.refusals import in_records
from tests.properties.running import EXAMPLES, LONG, SEED, alike, thorough
from tests.properties.stories import Example, example

pytestmark = LONG

DRAWN = 10_000
"""Examples drawn at most for the rare cells: ten seconds, if none of them fills one."""


def test_engine_and_oracle_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Every flip with all its fields, every record of memberships, every outcome; no cell of the table is thin."""
    coverage = Coverage()

    # Hypothesis draws small stories and shrinks what fails; plain chance draws long ones, in which everything happens.
    @thorough()
    @given(picked(example))
    def agree(drawn: Example) -> None:
        coverage.add(drawn, agreed(drawn))

    agree()
    for drawn in by_chance(example, EXAMPLES // 2, SEED):
        coverage.add(drawn, agreed(drawn))
    # What is rare by chance is drawn on purpose.
    for drawn in coverage.towards(DRAWN, SEED):
        coverage.add(drawn, agreed(drawn))
    with capsys.disabled():
        sys.stdout.write(f"\n{coverage}\n")
    assert not coverage.thin


def agreed(drawn: Example) -> World:
    """The story as the oracle lived through it, with the same outcome."""
    world = World(drawn)
    expected, worker = world.run(), whole(drawn)
    found = [*differences(drawn, expected, worker), *names(drawn, worker), *orderly(worker)]
    assert not found, "\n".join([repr(drawn), *found])
    return world


@pytest.mark.parametrize("drawn", by_hand.STORIES)
def test_engine_and_oracle_agree_on_what_chance_would_hardly_tell(drawn: Example) -> None:
    """Ties, the last millisecond, visits that a late event joins, ids that come again."""
    agreed(drawn)


@thorough(0.25)
@given(picked(example))
def test_runs_cut_anew_give_the_same(drawn: Example) -> None:
    """A fetched run is a unit of delivery, never of meaning; nor is a commit, a question or a step of `advance`."""
    at_once = whole(drawn)
    alike(drawn, at_once, at_random(drawn, Random(repr(drawn)), crashes=False, rules=at_once.rule_sets))


@thorough(0.25)
@given(picked(example))
def test_a_crash_at_any_moment_changes_nothing(drawn: Example) -> None:
    """What was not committed is done again, from the states as committed."""
    at_once = whole(drawn)
    alike(drawn, at_once, at_random(drawn, Random(repr(drawn)), crashes=True, rules=at_once.rule_sets))


@thorough(0.25)
@given(picked(example))
def test_what_is_older_in_a_record_of_its_own_changes_nothing(drawn: Example) -> None:
    """However a customer is written: told anew after crashes, and all that is remembered is the same."""
    at_once = whole(drawn)
    alike(drawn, at_once, in_records(drawn, engine, at_once.rule_sets))


@thorough(0.25)
@given(picked(shuffled))
def test_the_order_of_arrival_does_not_matter_in_the_end(drawn: Shuffled) -> None:
    """Rules without `until`, distinct instants, nothing refused: the same segments at the same clock."""
    told, retold = whole(drawn.told), whole(drawn.retold)
    assert told.output.clock == retold.output.clock
    met = {*told.output.outcomes, *retold.output.outcomes}
    assert {outcome for topic, outcome in met if not is_source(topic)} <= {"applied"}
    assert inside(told) == inside(retold), f"{drawn.told!r}\nretold {drawn.retold!r}"


def inside(worker: Worker) -> dict[str, list[str]]:
    """The segments of each customer who is in any."""
    last = {name: records[-1] for name, records in worker.output.memberships.items()}
    found = {
        name: [stay["segment"] for stay in record["segments"]] for name, record in last.items() if record
    }
    return {name: segments for name, segments in found.items() if segments}
