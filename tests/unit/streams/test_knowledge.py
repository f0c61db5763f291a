"""What the measures of a group know is told by its deployments: since when, for how long, and what is to be filled."""

from segments.engine import BEFORE_ALL, RuleSet, listening
from segments.language import Segment, page_view, purchase
from streams.cli.rollback import forgotten
from streams.deployments.knowledge import known_since, looked_back, unknown
from streams.deployments.records import Chains, Deployed, packed
from tests.unit.driving import DAY, START

SEEN = Segment(id="seen", when=page_view.within(days=7).count() >= 2)
BUYER = Segment(id="buyer", when=purchase.within(days=30).count() >= 2)
PAGES, ORDERS = "page_view.within(days=7).count()", "purchase.within(days=30).count()"


def deployed(offset, at, plan, kind="rules", id=None):
    """A record as it comes back from the topic."""
    fields = {"deployment_id": id or f"d{offset}", "kind": kind, "plan": packed(plan.data.to_bytes())}
    return Deployed(offset, START + at, fields)


def chain(*rules, fills=()):
    """Rule sets, each with the milliseconds after the start at which it was deployed."""
    found = [deployed(offset, at, RuleSet(each)) for offset, (at, each) in enumerate(rules)]
    return Chains(tuple(found), fills=tuple(fills))


def test_what_came_with_the_first_deployment_is_always_known():
    """A measure of a later one is known since then, to the end of its window in part."""
    chains = chain((0, [SEEN]), (DAY, [SEEN, BUYER]))
    assert known_since(chains, START + DAY) == {PAGES: BEFORE_ALL, ORDERS: START + DAY}
    plan = chains.running.planned.data
    for now, found in ((30 * DAY, (ORDERS,)), (31 * DAY, ())):
        assert unknown(plan, known_since(chains, START + now), START + now) == found


def test_what_was_dropped_is_kept_for_seven_days():
    """It goes on within them, and customers are remembered as long as it needs; later it is new."""
    chains = chain((0, [SEEN, BUYER]), (DAY, [SEEN]))
    for now, known, reach in ((8 * DAY - 1, {PAGES, ORDERS}, 30), (8 * DAY, {PAGES}, 7)):
        assert known_since(chains, START + now).keys() == known
        assert looked_back(chains, START + now) == reach * DAY
    back = chain((0, [SEEN, BUYER]), (DAY, [SEEN]), (2 * DAY, [SEEN, BUYER]))
    late = chain((0, [SEEN, BUYER]), (DAY, [SEEN]), (9 * DAY, [SEEN, BUYER]))
    assert known_since(back, START + 10 * DAY)[ORDERS] == BEFORE_ALL
    assert known_since(late, START + 10 * DAY)[ORDERS] == START + 9 * DAY


def test_what_was_filled_is_known():
    """By the filling that has the id of the rules that it was made for."""
    rules = RuleSet([SEEN, BUYER])
    asked = listening(rules, [ORDERS])
    mine, other = (deployed(9, 0, asked, "fill", id) for id in ("d1-fill", "d7-fill"))
    for fills, since in (((mine,), BEFORE_ALL), ((other,), START + DAY)):
        chains = chain((0, [SEEN]), (DAY, [SEEN, BUYER]), fills=fills)
        assert known_since(chains, START + 2 * DAY)[ORDERS] == since


def test_a_rollback_says_what_goes_on_and_what_is_new():
    """Within seven days the memory goes on; later a measure is new, or to be filled, and customers were forgotten."""
    chains = chain((0, [SEEN, BUYER]), (DAY, [SEEN]))
    gone = "  customers without an event for 7 days are forgotten meanwhile"
    for now, backfill, said in (
        (8 * DAY - 1, False, [f"  was kept, and goes on: {ORDERS}"]),
        (8 * DAY, False, [f"  knows events from now on only: {ORDERS}", gone]),
        (8 * DAY, True, [f"  to be filled: {ORDERS}", gone]),
    ):
        known = known_since(chains, START + now)
        assert list(forgotten(chains.rules[0], chains, known, START + now, backfill=backfill)) == said


def test_a_rollback_fills_what_never_knew_its_whole_window():
    """A measure that was deployed without its past is kept, and still to be filled."""
    chains = chain((0, [SEEN]), (DAY, [SEEN, BUYER]), (2 * DAY, [SEEN]))
    known = known_since(chains, START + 3 * DAY)
    said = forgotten(chains.rules[1], chains, known, START + 3 * DAY, backfill=True)
    assert list(said) == [f"  to be filled: {ORDERS}"]
