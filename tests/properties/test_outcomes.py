"""What comes of enters into segments with goals: the engine against the oracle, and against itself in pieces."""

from collections import Counter
from random import Random

from hypothesis import given

from segments import engine
from tests.properties.aims import aimed, aimed_anew
from tests.properties.comparing import differences, names, orderly
from tests.properties.drive import Worker, at_random, whole
from tests.properties.model import World
from tests.properties.picking import by_chance, picked
from tests.properties.refusals import in_records
from tests.properties.running import EXAMPLES, LEAST, LONG, SEED, alike, thorough
from tests.properties.stories import Example

pytestmark = LONG

MET = (
    "converted",
    "matured",
    "late_event",
    "timer",
    "control",
    "treated",
    "revenue",
    "many",
    "late",
    "same value",
    "version",
)
"""What the outcomes of the run by plain chance have to show."""


@thorough(0.15)
@given(picked(aimed))
def test_engine_and_oracle_agree_on_outcomes(drawn: Example) -> None:
    """Every outcome with all its fields, in order; arms of enters, exits and memberships."""
    agreed(drawn)


def test_outcomes_by_plain_chance() -> None:
    """The same over longer stories, in which each kind of outcome is met."""
    met: Counter[str] = Counter()
    for drawn in by_chance(aimed, EXAMPLES // 5, SEED):
        met.update(shown(agreed(drawn)))
    for drawn in by_chance(aimed_anew, EXAMPLES // 8, SEED):
        met.update(shown(agreed(drawn)))
    assert EXAMPLES < LEAST or not [each for each in MET if not met[each]], met


@thorough(0.1)
@given(picked(aimed_anew))
def test_watches_under_other_rules(drawn: Example) -> None:
    """A watch goes on while its rule is measured by the same, and is dropped with it or by another goal."""
    agreed(drawn)


@thorough(0.1)
@given(picked(aimed_anew))
def test_a_crash_changes_no_outcome(drawn: Example) -> None:
    """Told once each, with the same id, whatever was committed; what is awaited is the same."""
    at_once = whole(drawn)
    alike(drawn, at_once, at_random(drawn, Random(repr(drawn)), crashes=True, rules=at_once.rule_sets))


@thorough(0.05)
@given(picked(aimed))
def test_outcomes_of_customers_in_two_records(drawn: Example) -> None:
    """A watch stands in the first record, however much a customer has done."""
    at_once = whole(drawn)
    alike(drawn, at_once, in_records(drawn, engine, at_once.rule_sets))


def agreed(drawn: Example) -> Worker:
    """The engine's life of a story, with the outcome of the oracle's."""
    world = World(drawn)
    expected, worker = world.run(), whole(drawn)
    found = [*differences(drawn, expected, worker, world.unsaid), *names(drawn, worker), *orderly(worker)]
    assert not found, "\n".join([repr(drawn), *found])
    watched = {
        (each["segment"], each["episode"], each["entered_at"], each["kind"])
        for told in worker.output.told.values()
        for each in told
    }
    ids = [each["event_id"] for told in worker.output.told.values() for each in told]
    assert len(ids) == len(set(ids)) >= len(watched), "two outcomes of one id"
    open_ = sum(len(each["watches"]) for each in worker.customers.values())
    assert sum(worker.watches.values()) == open_, (repr(drawn), worker.watches)
    return worker


def shown(worker: Worker) -> set[str]:
    """What the outcomes of a story are."""
    versions = dict(zip(worker.rules.ids, worker.rules.versions, strict=True))
    found: set[str] = set()
    for told in worker.output.told.values():
        for each in told:
            found |= {each["kind"], each["reason"], each["arm"] or "no arm"}
            found |= {"revenue"} if each["revenue"] else set()
            found |= {"many"} if each["goals"] > 1 else set()
            late = each["kind"] == "converted" and each["first_goal_at"] < each["occurred_at"]
            found |= {"late"} if late else set()
            found |= {"same value"} if ".by(" in each["goal"] and each["goals"] else set()
            found |= (
                {"version"}
                if versions.get(each["segment"], each["segment_version"]) != each["segment_version"]
                else set()
            )
    return found
