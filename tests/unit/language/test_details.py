"""Details: named measures that an enter carries as text."""

import json

import pytest

from segments import replay
from segments.insight.about import about
from segments.language import Segment, Stages, any_event, cart_add, entered, purchase, refund
from segments.language.checking.lint import lint
from segments.language.errors import RuleError
from segments.language.nodes.order import reads
from segments.language.truth.carried import cut, shortened
from segments.language.truth.matters import retention
from segments.language.words.rule import words
from segments.plan.planner import plan
from segments.plan.version import version

DAY = 86_400_000
CART = cart_add.within(days=7)
ADDED = CART.count() >= 3


def segment(**details):
    """A rule that three additions to the cart let in."""
    return Segment(id="rule", when=ADDED, details=details)


def enter(rule, *products):
    """The details of the enter, of additions to the cart an hour apart; the exit tells none."""
    events = [
        {
            "topic": "clickstream",
            "event_id": f"e{number}",
            "customer_id": "anna",
            "occurred_at": f"2026-01-01T{number:02}:00:00Z",
            "kind": "cart_add",
            "product_id": product,
        }
        for number, product in enumerate(products)
    ]
    first, *last = replay(events, [rule], until="2026-02-01T00:00:00Z")
    assert [each["details"] for each in last] == [{}]
    return first["details"]


def test_an_enter_carries_its_details_as_text():
    """Measures are told as in the evidence, values as a JSON array; what has no value is left out."""
    rule = segment(
        products=CART.values(cart_add.product_id),
        count=CART.count(),
        spent=purchase.within(days=30).sum(purchase.amount),
        returned=refund.within(days=30).last(refund.channel),
        sold=purchase.within(days=30).values(purchase.order_id),
    )
    assert enter(rule, "wax", "märz", "wax") == {"products": '["wax","märz"]', "count": "3", "spent": "0"}


def test_values_are_cut_and_counted():
    """At most twenty values, each of at most 256 bytes, in an array of at most 1,024."""
    rule = Segment(id="rule", when=CART.count() >= 23, details={"products": CART.values(cart_add.product_id)})
    told = enter(rule, *(f"p{number}" for number in range(23)))
    assert json.loads(told["products"]) == [f"p{number}" for number in range(22, 2, -1)]
    told = enter(segment(products=CART.values(cart_add.product_id)), *(each * 300 for each in "abc"))
    assert json.loads(told["products"]) == [each * 253 + "…" for each in "cba"]


def test_a_long_text_is_cut():
    """A text has at most 1,024 bytes, the mark included."""
    told = enter(segment(last=CART.last(cart_add.product_id)), "a", "b", "c" * 2_000)
    assert told == {"last": "c" * 1_021 + "…"}


def test_a_membership_keeps_less():
    """Its details have 2,048 bytes together: texts are cut by ascending name, a list without room is left out."""
    rule = segment(
        a=CART.last(cart_add.product_id),
        b=CART.first(cart_add.product_id),
        c=CART.values(cart_add.product_id),
        d=CART.max(cart_add.product_id),
    )
    told = {"a": "a" * 1_000, "b": "b" * 1_000, "c": "[" + "1" * 98 + "]", "d": "d" * 90}
    kept = {"a": "a" * 1_000, "b": "b" * 1_000, "d": "d" * 45 + "…"}
    assert shortened(rule, told) == kept
    assert cut("é" * 10, 9) == "é" * 3 + "…"


def test_details_are_of_the_version_and_of_r():
    """Another measure or name is another rule; events are kept for as long as the longest window of a detail."""
    plain, told = (
        Segment(id="rule", when=ADDED),
        segment(spent=purchase.within(days=400).sum(purchase.amount)),
    )
    assert len({version(plain), version(told), version(segment(paid=told.details[0][1]))}) == 3
    assert version(plain) == version(Segment(id="rule", when=ADDED, details={}))
    assert version(told, "USD") != version(told)
    assert plan([told]).retention == retention(told) == 400 * DAY
    assert plan([plain]).retention == 7 * DAY


def test_a_detail_may_read_the_flips_of_another_segment():
    """The rule is then evaluated after that one."""
    other = Segment(id="other", when=ADDED)
    assert reads(segment(before=entered(other).within(days=7).count())) == [other]


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        (["spent"], "names with measures were expected"),
        ({"": CART.count()}, "is no name"),
        ({3: CART.count()}, "is no name"),
        ({"many": CART.count() >= 3}, "a measure was expected"),
        ({"twice": 2 * CART.count()}, "a calculation: a measure was expected"),
        ({"cart": CART}, "a set of events: a measure was expected"),
    ],
)
def test_what_is_no_detail_is_refused(details, problem):
    """Names are texts, and each has a measure without a comparison."""
    with pytest.raises(RuleError, match=problem):
        Segment(id="rule", when=ADDED, details=details)


def test_a_list_of_values_is_for_details_alone():
    """It is compared with nothing, and nothing is calculated with it."""
    values = CART.values(cart_add.product_id)
    for wrong in (lambda: values == "a", lambda: values >= 3, lambda: values.is_in("a")):
        with pytest.raises(RuleError, match="for details alone"):
            wrong()
    with pytest.raises(RuleError, match="is a text"):
        _ = values + 1


@pytest.mark.parametrize(
    ("measure", "problem"),
    [
        (cart_add.count(), "has no within"),
        (CART.by(cart_add.product_id).count(), "into no value"),
    ],
)
def test_the_linter_looks_at_details(measure, problem):
    """A detail needs a window, and has no `by` in a segment without values."""
    found = [each.problem for each in lint([segment(what=measure)]) if each.blocking]
    assert len(found) == 1
    assert problem in found[0]


def each_product(**details):
    """A rule for each product that was added twice."""
    when = CART.by(cart_add.product_id).count() >= 2
    return Segment(id="rule", for_each=cart_add.product_id, when=when, details=details)


def test_details_of_a_value_are_taken_at_it():
    """With `for_each` a measure with `by` is told of the value entered, one without of all."""
    keyed = CART.by(cart_add.product_id)
    rule = each_product(times=keyed.count(), pages=keyed.values(cart_add.kind), of=CART.count())
    events = [
        {
            "topic": "clickstream",
            "event_id": f"e{number}",
            "customer_id": "anna",
            "occurred_at": f"2026-01-01T{number:02}:00:00Z",
            "kind": "cart_add",
            "product_id": product,
        }
        for number, product in enumerate(("wax", "hat", "wax", "wax", "hat"))
    ]
    found = replay(events, [rule], until="2026-01-02T00:00:00Z")
    told = {"times": "2", "pages": '["cart_add"]'}
    assert [(each["value"], each["details"]) for each in found] == [
        ("wax", {**told, "of": "3"}),
        ("hat", {**told, "of": "5"}),
    ]


def test_a_detail_by_another_type_is_refused():
    """Its value can't be one of the segment's."""
    rule = each_product(hours=CART.by(cart_add.hour).count())
    assert any("can't be one value" in each.problem for each in lint([rule]) if each.blocking)


def test_stages_carry_details():
    """An enter into a stage has them like any other."""
    rule = Stages(
        id="rule", stages={"filling": ADDED}, details={"products": CART.values(cart_add.product_id)}
    )
    assert enter(rule, "wax", "hat", "wax") == {"products": '["wax","hat"]'}
    assert words(rule, "en").endswith("additions to the cart in the past 7 days.")


def test_details_are_told_in_words():
    """`show` has them as they are written, and the sentence of a rule what they are."""
    rule = segment(products=CART.values(cart_add.product_id), last=any_event.within(days=1).idle)
    assert about(rule)["details"] == [
        "last: any_event.within(days=1).idle",
        "products: cart_add.within(days=7).values(cart_add.product_id)",
    ]
    assert words(rule, "en").endswith(
        "An enter tells “last”: the time since the latest event in the past day; “products”: the latest different "
        "products of the additions to the cart in the past 7 days."
    )
    assert "de laatste verschillende producten van de toevoegingen aan de winkelwagen" in words(rule, "nl")
