"""Rules that change while customers are in their segments: the engine against the oracle, and against crashes."""

from random import Random

from hypothesis import given

from .changes import changing
from .comparing import differences, names, orderly
from .drive import at_random, whole
from .model import World
from .picking import by_chance, picked
from .running import EXAMPLES, SEED, alike, thorough
from .stories import Example


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
