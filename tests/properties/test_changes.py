"""Rules that change while customers are in their segments: the engine against the oracle, and against crashes."""

from random import Random

from hypothesis import given

from segments.language import Segment, page_view
from tests.properties.changes import changing
from tests.properties.comparing import differences, names, orderly
from tests.properties.drive import at_random, whole
from tests.properties.model import World
from tests.properties.picking import by_chance, picked
from tests.properties.records import DAY, START, click
from tests.properties.running import EXAMPLES, LONG, SEED, alike, thorough
from tests.properties.stories import Example, Phase

pytestmark = LONG


@thorough(0.25)
@given(picked(changing))
def test_other_rules_take_over_as_the_oracle_says(drawn: Example) -> None:
    """What goes on goes on, what changed flips at the clock, a new measure knows events from then on."""
    agreed(drawn)


def test_other_rules_take_over_by_plain_chance() -> None:
    """The same over stories that Hypothesis would hardly draw."""
    for drawn in by_chance(changing, EXAMPLES // 8, SEED):
        agreed(drawn)


def agreed(drawn: Example) -> None:
    """The oracle and the engine live through a story with the same outcome."""
    world = World(drawn)
    expected, worker = world.run(), whole(drawn)
    found = [*differences(drawn, expected, worker, world.unsaid), *names(drawn, worker), *orderly(worker)]
    assert not found, "\n".join([repr(drawn), *found])


@thorough(0.15)
@given(picked(changing))
def test_a_crash_in_the_middle_of_a_sweep_changes_nothing(drawn: Example) -> None:
    """Customers are taken over once each, whatever was committed of the sweep."""
    at_once = whole(drawn)
    alike(drawn, at_once, at_random(drawn, Random(repr(drawn)), crashes=True, rules=at_once.rule_sets))


SEEN = Segment(id="seen", when=page_view.within(hours=1).count() >= 1)
OFTEN = Segment(id="seen", when=page_view.within(hours=1).count() >= 2)
BEFORE = click(DAY, "login", customer="zoe")


def test_one_forgotten_right_after_a_change_leaves_no_state() -> None:
    """Taken over and forgotten within one commit: the state that the rules before had written is deleted."""
    after = click(5 * DAY, "login", customer="zoe")
    phases = Phase((click(0, "page_view"), BEFORE), None), Phase((after,), None)
    assert sorted(whole(Example((SEEN,), 0, phases)).customers) == [b"zoe"]
    assert sorted(whole(Example((SEEN,), 0, phases, {1: (OFTEN,)})).customers) == [b"zoe"]


def test_a_wall_clock_read_in_a_sweep_waits() -> None:
    """Everybody is taken over at the clock as it was committed, however long the sweep takes."""
    phases = Phase((click(DAY - 1, "page_view"), BEFORE), None), Phase((), START + 2 * DAY)
    flips = whole(Example((SEEN,), 0, phases, {1: (OFTEN,)})).output.flips["ann"]
    assert [(flip["reason"], flip["occurred_at"] - START) for flip in flips] == [
        ("event", DAY - 1),
        ("rule_changed", DAY),
    ]
