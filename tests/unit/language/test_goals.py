"""`goal`, `revenue`, `control`, `experiment`: as an author writes them, as they are told, as the oracle watches them."""

from decimal import Decimal

import pytest

from segments.insight.about import about
from segments.language import (
    Segment,
    any_event,
    cart_add,
    email_click,
    event,
    hours,
    product_view,
    purchase,
    visit,
)
from segments.language.checking.lint import lint, refuse
from segments.language.errors import RuleError
from segments.language.truth.drawn import bucket
from segments.language.truth.life import Customer, Step
from segments.plan.version import version

HOUR, DAY = 3_600_000, 86_400_000
CART = cart_add.within(days=2).idle >= hours(1)
GOAL = purchase.within(days=7)
LINES = purchase.items
VALUED = {
    "for_each": product_view.category,
    "when": product_view.by(product_view.category).within(days=7).count() >= 1,
}


def rule(**given) -> Segment:
    """A rule with these."""
    return Segment(id=given.pop("id", "cart"), when=given.pop("when", CART), en="Cart", nl="Kar", **given)


REFUSED = {
    "a measure": ({"goal": GOAL.count()}, "a set of events was expected"),
    "a visit": ({"goal": visit.within(days=7)}, "a visit is no event of its own"),
    "since": ({"goal": purchase.since(email_click).within(days=7)}, "narrowed by where and within only"),
    "after": ({"goal": purchase.after(email_click, days=1).within(days=7)}, "narrowed by where"),
    "ago": ({"goal": GOAL.ago(days=1)}, "narrowed by where"),
    "by": ({"goal": purchase.by(purchase.channel).within(days=7)}, "this rule has no for_each"),
    "by of another type": (
        {"goal": LINES.by(purchase.items.quantity).within(days=7), **VALUED},
        "another type than for_each=product_view.category",
    ),
    "no window": ({"goal": purchase}, "Say how long after the enter it counts: goal=purchase.within"),
    "revenue alone": ({"revenue": purchase.amount}, "there is no goal whose revenue it is"),
    "no money": ({"goal": GOAL, "revenue": purchase.channel}, "a field of money was expected"),
    "another set": ({"goal": GOAL, "revenue": purchase.items.price}, "the goal is of purchase"),
    "nobody": ({"goal": GOAL, "control": 0}, "over 0 and of at most 50"),
    "too many": ({"goal": GOAL, "control": 50.01}, "over 0 and of at most 50"),
    "three decimals": ({"goal": GOAL, "control": 12.345}, r"Write control=12\.34\."),
    "a truth": ({"goal": GOAL, "control": True}, "a percentage of the customers was expected"),
    "nan": ({"goal": GOAL, "control": float("nan")}, "over 0 and of at most 50"),
    "no name": ({"goal": GOAL, "control": 10, "experiment": 7}, "the name of an experiment was expected"),
}


@pytest.mark.parametrize(("given", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_measured_is_refused(given, told):
    """A goal is events in a window, revenue its money, control a percentage up to 50 of two decimals."""
    with pytest.raises(RuleError, match=told):
        rule(**given)


@pytest.mark.parametrize(
    "goal",
    [GOAL, any_event.within(hours=1), purchase.items.within(days=1), event("wish").within(minutes=1)],
    ids=str,
)
def test_clicks_transactions_lines_and_all_are_goals(goal):
    """Every set of events but visits can be a goal."""
    assert rule(goal=goal).aim.goal is goal


def test_a_percentage_is_what_it_prints_as():
    """A float means its decimal, and equal percentages are one."""
    found = [rule(control=each).aim.control for each in (12.5, Decimal("12.50"), 10.0, Decimal(10))]
    assert found == [Decimal("12.5"), Decimal("12.5"), 10, 10]


def test_they_are_no_part_of_the_version():
    """A goal can be changed without a flip."""
    with_all = rule(goal=GOAL, revenue=purchase.amount, control=10, experiment="winter")
    assert version(with_all) == version(rule())


def test_the_experiment_is_by_default_the_id():
    """Rules of one experiment hold the same customers out."""
    assert [rule(control=10).aim.experiment, rule(experiment="winter").aim.experiment] == ["cart", "winter"]


def test_they_are_told_in_both_languages():
    """`show` has the goal as written, and in words."""
    said = about(rule(goal=GOAL, revenue=purchase.amount, control=12.5, experiment="winter"))
    assert said["goal"] == "purchase.within(days=7), revenue=purchase.amount"
    assert said["goal_en"] == (
        "The goal: purchases within 7 days after the customer enters. Its revenue is the amount of each of them. "
        "12.5 % of all customers are left alone to compare with: the control group of the experiment “winter”."
    )
    assert said["goal_nl"] == (
        "Het doel: aankopen binnen 7 dagen nadat de klant in het segment kwam. De omzet is het bedrag daarvan. "
        "12,5 % van alle klanten wordt met rust gelaten om mee te vergelijken: de controlegroep van het experiment “winter”."
    )
    assert about(rule())["goal_en"] == ""


@pytest.mark.parametrize("given", [{"goal": GOAL}, {"goal": GOAL, "control": 10}], ids=["goal", "control"])
def test_a_rule_with_a_goal_is_a_rule_of_the_engine(given):
    """Neither the goal nor the control group is a reason to refuse it."""
    refuse([rule(**given)])


def test_lint_tells_a_control_group_that_nothing_is_compared_by():
    """`control` without `goal`."""
    told = [each.problem for each in lint([rule(control=10)])]
    assert "control=10 without goal: nothing tells whether it did any good." in told
    assert not [each for each in lint([rule(control=10, goal=GOAL)]) if "without goal" in each.problem]


def test_lint_tells_an_experiment_with_two_percentages():
    """Nobody could say how many the experiment holds out."""
    one = rule(id="one", goal=GOAL, control=10, experiment="winter")
    two = rule(id="two", goal=GOAL, control=20, experiment="winter")
    (told,) = [each for each in lint([two, one]) if "experiment=" in each.problem]
    assert (told.rule, told.problem) == (
        "two",
        'experiment="winter" has control=20 here and control=10 in one.',
    )
    same = rule(id="two", goal=GOAL, control=10.0, experiment="winter")
    assert not [each for each in lint([one, same]) if "experiment=" in each.problem]


def test_a_goal_is_checked_like_other_events():
    """A field of another set, or a kind that is much like one that the language knows."""
    odd = rule(goal=purchase.where(cart_add.category == "shoes").within(days=7))
    assert any("used for purchase" in each.problem for each in lint([odd]))


def test_a_split_is_the_hash_of_name_and_customer():
    """The first eight bytes of BLAKE2b, big-endian, modulo 10,000: known values, and nearly a tenth in ten percent."""
    assert [bucket("winter", each) for each in ("anna", "märz", "")] == KNOWN
    held_out = sum(bucket("winter", f"customer-{each}") < 1_000 for each in range(20_000))
    assert abs(held_out - 2_000) < 130  # three standard deviations of a binomial with n 20,000, p 0.1


KNOWN = [7827, 3832, 4571]


class Life:
    """The oracle's life of one customer, told in records."""

    def __init__(self, *rules: Segment, name: str = "anna") -> None:
        self.customer, self.clock, self.count = Customer(rules, name=name), float("-inf"), 0

    def record(self, at: int, kind: str, topic: str = "clickstream", **fields) -> None:
        """A record at this instant, and the clock of its partition with it."""
        self.count += 1
        event = {"event_id": str(self.count), "kind": kind, "occurred_at": at, **fields}
        cause = {"topic": topic, "partition": 0, "offset": self.count, "event_id": event["event_id"]}
        self.customer.apply(Step(cause, event, at), self.clock)
        self.clock = max(self.clock, at)

    def buy(self, at: int, cents: int = 10_00, currency: str = "EUR") -> None:
        """A purchase."""
        self.record(at, "purchase", "transactions", amount=cents, currency=currency, items=[], channel=None)

    def until(self, at: int) -> list[dict]:
        """What is published until then."""
        self.customer.fire(at + 1)
        return self.customer.watches.outcomes


def entered(**given) -> Life:
    """A customer who enters at one hour, by time."""
    life = Life(rule(goal=GOAL, revenue=purchase.amount, **given))
    life.record(0, "cart_add")
    life.until(HOUR)
    return life


def test_the_first_goal_converts_and_the_window_matures():
    """`converted` at the first, `matured` at the end of the window with all goals and their revenue."""
    life = entered(control=10, experiment="winter")
    life.buy(2 * HOUR, 49_95)
    life.buy(3 * HOUR, 10_00, "USD")
    first, last = life.until(HOUR + 7 * DAY)
    assert [first[each] for each in ("kind", "occurred_at", "goals", "revenue")] == [
        "converted",
        2 * HOUR,
        1,
        Decimal("49.95"),
    ]
    assert [last[each] for each in ("kind", "occurred_at", "goals", "revenue")] == [
        "matured",
        HOUR + 7 * DAY,
        2,
        Decimal("49.95"),
    ]
    assert (last["entered_at"], last["first_goal_at"], last["episode"], last["reason"]) == (
        HOUR,
        2 * HOUR,
        1,
        "timer",
    )
    assert (last["experiment"], last["control"]) == ("winter", "10")
    assert last["arm"] in ("control", "treated")


def test_the_ends_of_the_window_are_outside():
    """An event at the instant of the enter, or at the end of the window, is no goal."""
    life = entered()
    life.buy(HOUR)
    life.buy(HOUR + 7 * DAY)
    (only,) = life.until(HOUR + 7 * DAY)
    assert (only["kind"], only["goals"], only["first_goal_at"]) == ("matured", 0, None)


def test_a_goal_that_comes_after_the_window_was_closed_is_none():
    """What matured stays as it was, however late an event comes."""
    life = entered()
    life.record(HOUR + 8 * DAY, "login")
    life.buy(2 * HOUR)
    assert [each["kind"] for each in life.until(20 * DAY)] == ["matured"]


def test_a_late_goal_counts_while_the_window_is_open():
    """It converts at the customer's instant, and its own time is told."""
    life = entered()
    life.record(DAY, "login")
    life.buy(2 * HOUR)
    (first,) = life.until(2 * DAY)
    assert (first["occurred_at"], first["first_goal_at"]) == (DAY, 2 * HOUR)


def test_one_watch_for_a_segment():
    """An enter while the watch of an earlier one is open opens none; after it matured the next one does."""
    life = entered()
    for day in (1, 3, 8):
        life.record(day * DAY, "cart_add")
    told = life.until(30 * DAY)
    assert [(each["entered_at"], each["episode"]) for each in told] == [(HOUR, 1), (8 * DAY + HOUR, 7)]


def test_nobody_is_forgotten_before_the_watch_matures():
    """The window of the goal counts from the enter, which time brought about."""
    life = entered()
    life.until(HOUR + 7 * DAY - 1)
    assert life.customer.watches.open
    assert [each["kind"] for each in life.until(30 * DAY)] == ["matured"]
    assert life.customer.memberships[-1] is None


def test_an_erasure_drops_what_is_open():
    """Nothing is told of a customer who was erased."""
    life = entered()
    cause = {"topic": "profiles", "partition": 0, "offset": 9, "event_id": None}
    life.customer.apply(Step(cause, None, DAY), life.clock)
    assert life.until(30 * DAY) == []


def test_without_control_there_is_no_arm():
    """Arm, experiment and control are null together."""
    (last,) = entered().until(30 * DAY)
    assert (last["arm"], last["experiment"], last["control"]) == (None, None, None)


def test_a_goal_by_value_counts_what_has_the_value_that_was_entered():
    """In a rule with values; the other lines of the same order, and lines without the field, are none."""
    goal = purchase.items.by(purchase.items.category).within(days=7)
    life = Life(rule(**VALUED, goal=goal, revenue=purchase.items.total))
    for at, category in ((HOUR, "shoes"), (2 * HOUR, "hats")):
        life.record(at, "product_view", category=category)
    lines = [
        {"product_id": "p", "category": category, "quantity": 2, "price": price}
        for category, price in (("shoes", 100), ("hats", 1_000), (None, 10_000))
    ]
    life.record(
        3 * HOUR, "purchase", "transactions", amount=22_200, currency="EUR", items=lines, channel=None
    )
    matured = [each for each in life.until(8 * DAY) if each["kind"] == "matured"]
    assert {each["value"]: (each["goals"], each["revenue"]) for each in matured} == {
        "shoes": (1, Decimal(2)),
        "hats": (1, Decimal(20)),
    }
