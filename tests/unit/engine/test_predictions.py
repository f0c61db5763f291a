"""Rules that ask a model: the flips of whole lives to the millisecond, by the engine and by the oracle."""

import json
from decimal import Decimal

import pytest

from segments.engine import RuleSet
from segments.language import RuleError, Segment, event, model, purchase, visit
from segments.language.checking.lint import lint
from segments.language.truth.life import Customer, Step
from segments.language.truth.memory import Memory
from segments.plan.lowering import lower
from segments.plan.version import version
from tests.unit.repository import ROOT

VECTORS = json.loads((ROOT / "tests" / "unit" / "vectors.json").read_text())
DAY = VECTORS["day_ms"]


def fitted(name, **changes):
    """A model of the vectors, as the content of its file."""
    numbers = VECTORS["models"][name]
    return {
        "format": 1, "model": "mbg-nbd", "of": "purchase", "within": None, "unit": "day", "zone": "UTC",
        "currency": "EUR", "parameters": {key: numbers[key] for key in ("r", "alpha", "a", "b")},
        "spend": {key: numbers[key] for key in "pqv"}, **changes,
    }  # fmt: skip


def rule(life):
    """The segment of a life."""
    orders, m = purchase.within(days=life["within_ms"] // DAY), model(fitted(life["model"]))
    when = {
        "orders.alive(m) < 0.3": lambda: orders.alive(m) < 0.3,
        "orders.alive(m) < 0.5": lambda: orders.alive(m) < 0.5,
        "orders.clv(m, days=365) >= 40": lambda: orders.clv(m, days=365) >= 40,
    }[life["condition"]]()
    return Segment(id="told", en="Told", nl="Verteld", when=when)


def purchases(life):
    """Its purchases as events."""
    for number, (at, amount) in enumerate(life["purchases"]):
        yield {
            "event_id": f"e{number}", "customer_id": "ada", "occurred_at": at, "kind": "purchase",
            "order_id": f"o{number}", "amount": int(Decimal(amount) * 100), "currency": "EUR", "channel": None,
            "items": [],
        }  # fmt: skip


@pytest.mark.parametrize("life", VECTORS["lives"], ids=lambda life: f"{life['condition']} {life['zone']}")
def test_the_oracle_flips_at_the_instants_computed_elsewhere(life):
    """Enters, exits, values and valid_until are those of the vectors."""
    customer = Customer([rule(life)], "EUR")
    customer.nothing = lambda: Memory(zone=life["zone"])
    for offset, each in enumerate(purchases(life)):
        cause = {"topic": "transactions", "partition": 0, "offset": offset, "event_id": each["event_id"]}
        customer.apply(Step(cause, each, each["occurred_at"]), each["occurred_at"])
    customer.fire(life["purchases"][-1][0] + 3 * life["within_ms"])
    found = [
        {
            "transition": flip["transition"], "occurred_at": flip["occurred_at"], "reason": flip["reason"],
            "value": flip["evidence"][0]["value"], "valid_until": flip["valid_until"],
        }
        for flip in customer.flips
    ]  # fmt: skip
    assert found == [{key: flip[key] for key in found[0]} for flip in life["flips"]]


@pytest.mark.parametrize("life", VECTORS["lives"], ids=lambda life: f"{life['condition']} {life['zone']}")
def test_the_engine_flips_at_the_instants_computed_elsewhere(life):
    """As the oracle, through a partition of the worker."""
    rules = RuleSet([rule(life)])
    vars(rules)["data"] = lower(rules.segments, "EUR", life["zone"])
    lines = [
        {**each, "topic": "transactions", "amount": f"{each['amount'] / 100:.2f}"} for each in purchases(life)
    ]
    found = list(flips_of(rules, lines, life["purchases"][-1][0] + 3 * life["within_ms"]))
    assert [
        (
            each["transition"],
            each["occurred_at"],
            each["reason"],
            each["evidence"][0]["value"],
            each["valid_until"],
        )
        for each in found
    ] == [
        (each["transition"], each["occurred_at"], each["reason"], each["value"], each["valid_until"])
        for each in life["flips"]
    ]


def flips_of(rules, lines, until):
    """What a partition publishes of these lines up to an instant."""
    from io import BytesIO

    from segments.engine import EngineSettings
    from segments.insight.replay import Replay
    from streams.history.files import read_log

    log = BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode())
    log.name = "log"
    records = read_log([log])[0]["transactions"]
    replay = Replay(0, 1, {"transactions": records}, rules, EngineSettings())
    return [flip for effects in replay.run(until) for _, flip in effects.segment_events]


M = model(fitted("cdnow"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: purchase.alive(M) == 0.5, "hardly ever that"),
        (lambda: purchase.alive(M) < 1, "always between 0 and 1"),
        (lambda: purchase.expected(M, days=30) > 0, "always above 0"),
        (lambda: purchase.alive(M) < "0.3", "a number was expected"),
        (lambda: purchase.alive(0.3), "a model was expected"),
        (lambda: purchase.expected(M, days=0), "whole days from 1 to 3650"),
        (lambda: purchase.expected(M, days=1.5), "whole days from 1 to 3650"),
        (lambda: purchase.alive(M) + 1, "calculated with"),
        (lambda: 2 * purchase.alive(M), "calculated with"),
        (lambda: purchase.clv(model(fitted("cdnow", spend=None)), days=30), "tells nothing about spend"),
        (lambda: event("booking").clv(M, days=30), "has no amounts"),
    ],
)
def test_what_a_model_cannot_be_asked_is_refused(wrong, said):
    """The error says what to write instead."""
    with pytest.raises(RuleError, match=said):
        wrong()


def test_the_set_and_the_window_are_those_of_the_model():
    """The linter refuses another set, another window, and what narrows the events otherwise."""
    within = model(fitted("cdnow", within=365 * DAY))
    fine = Segment(id="fine", when=purchase.within(days=365).alive(within) < 0.3)
    assert not [each for each in lint([fine]) if each.blocking]
    for when in (
        purchase.within(days=30).alive(within) < 0.3,
        purchase.where(purchase.channel == "web").within(days=365).alive(within) < 0.3,
        purchase.within(days=365).ago(days=1).alive(within) < 0.3,
        purchase.by(purchase.channel).within(days=365).alive(within) < 0.3,
        visit.within(days=365).alive(within) < 0.3,
    ):
        assert [each for each in lint([Segment(id="wrong", when=when)]) if each.blocking]


def test_a_refit_is_another_version():
    """The version has the numbers of the model, and nothing of how it was fitted."""

    def of(content):
        return version(Segment(id="told", when=purchase.within(days=365).alive(model(content)) < 0.3))

    again = fitted("cdnow", fitted={"until": 1})
    assert of(fitted("cdnow")) == of(again) != of(fitted("loyal"))
