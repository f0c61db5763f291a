"""One customer who occupies too much, and bugs in the engine: what is refused is as if it had not been sent."""

from hypothesis import given

from segments import engine
from tests.properties.comparing import orderly
from tests.properties.drive import Worker, whole
from tests.properties.picking import picked
from tests.properties.refusals import (
    by_nobody,
    crowded,
    in_pieces,
    one_by_one,
    overfull,
    poisoned,
    prompt,
    refused_for,
    seldom_committed,
    unlike_but_for,
    without,
)
from tests.properties.running import LONG, alike, thorough
from tests.properties.stories import Example

pytestmark = LONG


@thorough(0.1)
@given(picked(crowded))
def test_a_customer_is_bounded_and_what_is_beyond_is_as_if_it_had_not_come(drawn: Example) -> None:
    """`customer_limit`: the same for everybody, neighbours and the customer, as without the dead letters."""
    slowly = one_by_one(drawn)
    worker = whole(slowly)
    refused = refused_for(worker, "customer_limit")
    bare = whole(without(slowly, refused), rules=worker.rule_sets)
    assert not refused_for(bare, "customer_limit"), repr(drawn)
    found = [*overfull(worker), *orderly(worker), *unlike_but_for(worker, bare)]
    assert not found, "\n".join([repr(drawn), *found])


@thorough(0.1)
@given(picked(crowded))
def test_what_is_beyond_the_limit_is_a_function_of_the_state_alone(drawn: Example) -> None:
    """Where runs were cut, what was committed, what was lost in a crash, and how often it was counted decide nothing."""
    at_once = whole(drawn)
    alike(drawn, at_once, in_pieces(drawn, engine, at_once.rule_sets))


@thorough(0.1)
@given(picked(prompt))
def test_a_bug_in_the_engine_undoes_one_record(drawn: Example) -> None:
    """`engine_error`: the same as if somebody else had sent the record; several to a commit."""
    worker = poisoned(drawn)
    spared = by_nobody(drawn, refused_for(worker, "engine_error"))
    found = [*orderly(worker), *unlike_but_for(worker, seldom_committed(Worker(spared)))]
    assert not found, "\n".join([repr(drawn), *found])
