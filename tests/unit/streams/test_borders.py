"""Borders: bounds learned from all customers, in the language, the oracle and the engine."""

import json
from decimal import Decimal
from random import Random

import pytest

from segments.engine import (
    BORDERS,
    DEPLOYMENTS,
    RULES,
    Border,
    BorderKey,
    Chain,
    Deployment,
    EngineSettings,
    Partition,
    PlannedRules,
    Record,
    RuleSet,
    with_borders,
)
from segments.insight.ranking import border_of, decimal_text
from segments.insight.replay import Replay
from segments.insight.why import why
from segments.language import (
    RuleError,
    Segment,
    any_of,
    days,
    entered,
    event,
    model,
    not_,
    page_view,
    profile,
    purchase,
    top,
)
from segments.language.checking.lint import lint
from segments.language.nodes.text import condition_text, measure_text, rule_text
from segments.language.truth.life import Customer, Step
from segments.language.truth.moved import take_borders
from segments.language.words.rule import words
from segments.plan.borders import borders_of, fields_of
from segments.plan.lowering import lower
from segments.plan.version import version
from tests.unit.driving import CLICK, DAY, HOUR, START, TRANSACTION, Driver
from tests.unit.repository import ROOT

VECTORS = json.loads((ROOT / "tests" / "unit" / "vectors.json").read_text())
ORDERS = purchase.within(days=30)
spent = ORDERS.sum(purchase.amount)
SPENT_TEXT = "purchase.within(days=30).sum(purchase.amount)"
BEST = Segment(id="best", when=spent >= top(percent=10), until=spent < top(percent=20))
BUYERS = {
    "format": 1, "model": "mbg-nbd", "of": "purchase", "within": None, "unit": "day", "zone": "UTC",
    "currency": "EUR", "parameters": {"r": "0.5", "alpha": "6", "a": "0.9", "b": "1.6"}, "spend": None,
}  # fmt: skip


def _key(measure, percent):
    return BorderKey(measure, percent, "EUR", "UTC")


def _border(value, percent="10", measure=SPENT_TEXT):
    return Border(_key(measure, percent), value, 100, START)


# In the language


def test_a_border_is_written_as_it_is_read():
    """The text of a rule has the percentage, in its normal form, and not the border."""
    rule = Segment(id="r", when=spent >= top(percent=Decimal("10.50")), until=spent < top(percent=0.25))
    assert rule_text(rule.when) == f"{SPENT_TEXT} >= top(percent=10.5)"
    assert condition_text(rule.until) == f"{SPENT_TEXT} < top(percent=0.25)"
    assert not [each for each in lint([rule]) if each.blocking]


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (lambda: top(), "a percentage was expected"),
        (lambda: top(10), "a percentage was expected"),
        (lambda: top(percent="10"), "a number was expected"),
        (lambda: top(percent=True), "a number was expected"),
        (lambda: top(percent=0), "over 0 and under 100"),
        (lambda: top(percent=100), "over 0 and under 100"),
        (lambda: top(percent=0.001), "at most two decimals"),
        (lambda: spent == top(percent=10), "a place in an order"),
        (lambda: spent != top(percent=10), "a place in an order"),
        (lambda: ORDERS.alive(model(BUYERS)) == top(percent=10), "changes all the time"),
        (lambda: ORDERS.by(purchase.channel).count() >= top(percent=10), "has a value for each"),
        (lambda: ORDERS.last(purchase.channel) >= top(percent=10), "is a text"),
        (lambda: spent / 2 >= top(percent=10), "is of one measure"),
        (lambda: spent + top(percent=10) > 1, "is of one measure"),
        (lambda: 2 * ORDERS.gap > top(percent=10), "is of one measure"),
        (lambda: ORDERS.count().is_in(top(percent=10)), "a border"),
        (lambda: profile("score") >= top(percent=10), "a border"),
        (lambda: purchase.where(purchase.amount >= top(percent=10)), "a border"),
    ],
)
def test_what_has_no_border_is_refused(write, problem):
    """Each misuse says what was expected."""
    with pytest.raises(RuleError, match=problem):
        write()


def test_a_border_is_told_words():
    """In English and in Dutch the share of the customers is named."""
    assert "is at least the border of the top 10 %" in words(BEST, "en")
    assert "minstens de grens van de beste 10 %" in words(BEST, "nl")


def test_a_stranger_is_below_every_border():
    """A rule of those below a border would have everybody in it; one without a way out would keep them."""
    below = Segment(id="below", when=spent < top(percent=10))
    assert any("every stranger" in each.problem for each in lint([below]))
    stays = Segment(id="stays", when=spent >= top(percent=10), until=spent >= top(percent=1))
    assert any("could never leave" in each.problem for each in lint([stays]))


def test_borders_are_no_part_of_a_version():
    """The percentage is, the border is not; the plan has the keys of the borders, each once."""
    other = Segment(id="best", when=spent >= top(percent=11), until=spent < top(percent=20))
    assert version(BEST) != version(other)
    again = Segment(id="again", when=spent > top(percent=10.0))
    assert lower([BEST, again]).borders == (_key(SPENT_TEXT, "10"), _key(SPENT_TEXT, "20"))
    rules = RuleSet([BEST])
    moved = with_borders(rules, [_border("500")])
    assert rules.versions == moved.versions
    assert rules.data.to_bytes() == moved.data.to_bytes()


# What they are computed of


@pytest.mark.parametrize(
    "vector", VECTORS["borders"], ids=lambda each: f"{each['percent']}-{len(each['values'])}"
)
def test_borders_are_those_computed_elsewhere(vector):
    """The engine tells the values, without zeros; equal values share a rank; of nobody there is no border."""
    score = event("score").within(days=30).sum(event("score").attributes["v"].number)
    driver = Driver(Segment(id="rich", when=score >= top(percent=10)))
    for number, value in enumerate(vector["values"]):
        driver.click(number, "score", f"c{number}", attributes={"v": value})
    driver.click(100, "score", "nothing", attributes={})
    driver.click(101, "page_view", "stranger")
    keys = [each for each in driver.states if not each.startswith(b"\xff")]
    (found,), later = driver.partition.worths(keys, [driver.partition.rules.data.borders[0].measure])
    assert later == []
    border_ = border_of(found, Decimal(vector["percent"]))
    assert (None if border_ is None else decimal_text(border_)) == vector["border"]
    if border_ is not None:
        values = [Decimal(each) * 1_000_000 for each in vector["values"]]
        assert sum(each >= border_ for each in values) == vector["at_or_above"]


def test_values_are_rounded_down_to_six_digits():
    """Means, and what a model tells; what is above zero and below a millionth counts."""
    m = model(BUYERS)
    rules = [
        Segment(id="mean", when=ORDERS.mean(purchase.amount) <= top(percent=10)),
        Segment(id="idle", when=ORDERS.idle <= top(percent=10)),
        Segment(id="alive", when=ORDERS.alive(m) >= top(percent=10)),
        Segment(id="lost", when=purchase.within(days=36_500).alive(m) >= top(percent=10)),
    ]
    driver = Driver(*rules)
    for number, amount in enumerate((100, 100, 101)):
        driver.purchase(number * DAY, amount=amount)
    driver.click(3 * DAY, customer="other")
    texts = [each.measure for each in driver.partition.rules.data.borders]
    found, _ = driver.partition.worths([b"c"], texts)
    told = dict(zip(texts, found, strict=True))
    assert told["purchase.within(days=30).mean(purchase.amount)"] == [1_003_333]
    assert told["purchase.within(days=30).idle"] == [DAY * 1_000_000]
    shown = why(driver.partition, "c", "alive")["segments"][0]["evidence"][0]["value"]
    (alive,) = told[measure_text(rules[2].when.measure)]
    assert abs(Decimal(alive) / 1_000_000 - Decimal(shown)) <= Decimal("0.000001")
    driver.click(30_000 * DAY, customer="other")
    assert driver.partition.worths([b"c"], [measure_text(rules[3].when.measure)]) == ([[0]], [])


def test_only_who_consents_is_counted():
    """With a required consent only the customers who have given it have a value."""
    driver = Driver(BEST)
    for customer, given in (("yes", True), ("no", False), ("unknown", None)):
        driver.purchase(1, customer)
        if given is not None:
            driver.profile(2, customer, consents={"profiling": given})
    keys = [b"yes", b"no", b"unknown"]
    assert len(driver.partition.worths(keys, [SPENT_TEXT])[0][0]) == 3
    assert len(driver.partition.worths(keys, [SPENT_TEXT], "profiling")[0][0]) == 1


# In the engine


def _deployment(offset, at, rules=None, follows=None, borders=(), **fields):
    kind = BORDERS if rules is None else RULES
    fields = {"occurred_at": START + at, "timestamp": START + at, "kind": kind} | fields
    settings = None if rules is None else EngineSettings(grace=0)
    rules = None if rules is None else with_borders(rules, borders)
    return Deployment(
        offset=offset, deployment_id=f"d{offset}", follows=follows, rules=rules, settings=settings,
        borders=tuple(borders), **fields,
    )  # fmt: skip


def _bought(offset, at, customer, cents):
    fields = {
        "event_id": f"p{offset}",
        "customer_id": customer,
        "occurred_at": START + at,
        "kind": "purchase",
    }
    return Record(
        "transactions", offset, START + at, customer.encode(), None, TRANSACTION | fields | {"amount": cents}
    )


def _viewed(offset, at, customer):
    fields = {
        "event_id": f"v{offset}",
        "customer_id": customer,
        "occurred_at": START + at,
        "kind": "page_view",
    }
    return Record("clickstream", offset, START + at, customer.encode(), None, CLICK | fields)


def _replayed(log, deployments, until=None):
    replay = Replay(0, 1, log, RuleSet([BEST]), EngineSettings(grace=0), deployments)
    return [flip for effects in replay.run(until) for _, flip in effects.segment_events]


def _told(flips):
    return [
        (each["customer_id"], each["transition"], each["occurred_at"] - START, each["reason"])
        for each in flips
    ]


def test_new_borders_flip_exactly_those_between():
    """Who lies between the old border and the new one flips at the deployment, which is the cause; nobody else does."""
    log = {"transactions": [_bought(n, n * HOUR, f"c{n}", 10_000 * n) for n in range(1, 6)]}
    for record in log["transactions"]:
        record.offset -= 1
    rules = RuleSet([Segment(id="best", when=spent >= top(percent=10))])
    deployments = [
        _deployment(0, 0, rules),
        _deployment(1, 10 * HOUR, follows="d0", borders=[_border("400")]),
        _deployment(2, 11 * HOUR, follows="d1", borders=[_border("200.00")]),
        _deployment(3, 12 * HOUR, follows="d2", borders=[_border("300.000001")]),
    ]
    flips = _replayed(log, deployments)
    assert _told(flips) == [
        ("c4", "enter", 10 * HOUR, "borders"),
        ("c5", "enter", 10 * HOUR, "borders"),
        ("c2", "enter", 11 * HOUR, "borders"),
        ("c3", "enter", 11 * HOUR, "borders"),
        ("c2", "exit", 12 * HOUR, "borders"),
        ("c3", "exit", 12 * HOUR, "borders"),
    ]
    assert flips[0]["cause"] == {"topic": DEPLOYMENTS, "partition": 0, "offset": 1, "event_id": "d1"}
    assert flips[0]["evidence"] == [{"measure": SPENT_TEXT, "value": "400.00", "bound": "400", "holds": True}]
    assert flips[0]["segment_version"] == rules.versions[0]


def test_without_a_border_nobody_is_in_it():
    """A rule is false until all its borders are published, whatever its `until` says, and tells no bound."""
    log = {"transactions": [_bought(0, HOUR, "a", 10_000), _bought(1, 4 * HOUR, "b", 20_000)]}
    stays = Segment(id="best", when=spent >= 50, until=spent < top(percent=20))
    rules = RuleSet([stays])
    deployments = [
        _deployment(0, 0, rules),
        _deployment(1, 2 * HOUR, follows="d0", borders=[_border("60", "20")]),
    ]
    assert _told(_replayed(log, deployments)) == [
        ("a", "enter", 2 * HOUR, "borders"),
        ("b", "enter", 4 * HOUR, "event"),
    ]
    driver = Driver(stays)
    driver.purchase(0, amount=10_000)
    assert driver.flips() == []
    found = why(driver.partition, "c", "best")["segments"][0]
    assert [(each["value"], each["bound"], each["holds"]) for each in found["evidence"]] == [
        ("100.00", "50", True),
        ("100.00", "", False),
    ]


def test_what_is_due_before_new_borders_fires_by_the_old_ones():
    """A customer whose purchase leaves the window before the deployment leaves by time, not by the border."""
    log = {"transactions": [_bought(0, 0, "a", 10_000), _bought(1, 29 * DAY, "b", 500)]}
    rules = RuleSet([Segment(id="best", when=spent >= top(percent=10))])
    deployments = [
        _deployment(0, 0, rules, borders=[_border("100")]),
        _deployment(1, 31 * DAY, follows="d0", borders=[_border("5")]),
    ]
    assert _told(_replayed(log, deployments)) == [
        ("a", "enter", 0, "event"),
        ("a", "exit", 30 * DAY, "timer"),
        ("b", "enter", 31 * DAY, "borders"),
    ]


def test_borders_need_rules_that_they_follow():
    """Borders that follow nothing, or something else than the chain's last, are passed over."""
    rules = RuleSet([BEST])
    chain = Chain()
    assert not chain.add(_deployment(0, 0, borders=[_border("1")]))
    assert chain.add(_deployment(1, 0, rules))
    assert not chain.add(_deployment(2, 0, follows="d0", borders=[_border("1")]))
    assert chain.add(_deployment(3, 0, follows="d1", borders=[_border("1")]))
    assert chain.add(_deployment(4, 0, follows="d3", borders=[_border("2")]))
    assert [each.borders[0].value for each in chain.passed_over] == ["1", "1"]
    assert chain.newest.deployment_id == "d1"
    assert chain.at(4).rules.versions == rules.versions
    assert chain.at(4).rules.borders == (_border("2"),)


def test_borders_of_a_record_are_read_back():
    """A border as the record has it is the same border again; one of another currency is of no effect."""
    other = Border(BorderKey(SPENT_TEXT, "10", "USD", "UTC"), "1", 3, START)
    assert borders_of(map(fields_of, (_border("1"), other))) == (_border("1"), other)
    plan = RuleSet([BEST]).data.to_bytes()
    driver = Driver(BEST)
    rules = PlannedRules(plan, [other, _border("1", "20")])
    driver.partition = Partition(0, 1, rules, driver.settings, driver.states)
    for topic in driver.ends:
        driver.partition.begin(topic, 0)
    driver.purchase(0, amount=10_000)
    assert driver.flips() == []


@pytest.mark.parametrize("wrong", ["", "1e3", "nan", "many"])
def test_a_border_is_a_decimal(wrong):
    """Anything else is refused, with what came."""
    with pytest.raises(ValueError, match="no border"):
        _ = RuleSet([BEST], borders=[_border(wrong)]).native


# The engine against the oracle


RICH = Segment(id="rich", when=spent >= top(percent=10))
M = model(BUYERS)
POOL = [
    RICH,
    BEST,
    Segment(id="poor", when=[spent <= top(percent=10), ORDERS.count() >= 1]),
    Segment(id="fresh", when=ORDERS.idle < top(percent=30)),
    Segment(id="slow", when=ORDERS.gap >= top(percent=50)),
    Segment(id="alive", when=ORDERS.alive(M) >= top(percent=40)),
    Segment(id="reader", when=[RICH, page_view.within(days=10).count() >= 1]),
    Segment(id="hearer", when=entered(RICH).within(days=5).count() >= 1),
    Segment(id="not_rich", when=[not_(spent > top(percent=10)), ORDERS.count() >= 1]),
    Segment(id="lasting", when=spent >= top(percent=10), for_at_least=days(2)),
    Segment(id="seldom", when=any_of(spent >= top(percent=10), page_view.within(days=1).count() >= 1),
            at_most_every=days(4)),
]  # fmt: skip
VALUES = {"10": ("50", "80.5", "120"), "20": ("20", "50"), "30": (f"{DAY}", f"{5 * DAY}", f"{9 * DAY}"),
          "50": (f"{DAY}", f"{3 * DAY}"), "40": ("0.9", "0.5", "0.123456")}  # fmt: skip


def _drawn(random):
    """Rules, a log of some weeks, and borders that come and move."""
    segments = random.sample(POOL, 4)
    segments += (
        [RICH] if RICH not in segments and {"reader", "hearer"} & {each.id for each in segments} else []
    )
    at, log, places = 0, {"clickstream": [], "transactions": []}, {"clickstream": 0, "transactions": 0}
    for _ in range(25):
        at += random.randrange(1, 40 * HOUR)
        customer = random.choice("abc")
        if random.random() < 0.6:
            made = _bought(places["transactions"], at, customer, random.choice((2_000, 5_000, 8_050)))
        else:
            made = _viewed(places["clickstream"], at, customer)
        places[made.topic] += 1
        log[made.topic].append(made)
    rules = RuleSet(segments)
    deployments = [_deployment(0, 0, rules)]
    for number in range(1, 6):
        borders = [
            Border(each, random.choice(VALUES[each.percent]), 9, START)
            for each in rules.data.borders
            if random.random() < 0.8
        ]
        instant = number * at // 6 + random.randrange(1, HOUR)
        deployments.append(_deployment(number, instant, follows=f"d{number - 1}", borders=borders))
    return segments, log, deployments


def _lived(segments, log, deployments):
    """The flips of each customer by the oracle."""
    steps = sorted(
        [*((each.at, each.topic, each) for of in log.values() for each in of),
         *((each.at, "~", each) for each in deployments[1:])],
        key=lambda step: step[:2],
    )  # fmt: skip
    clock, customers = float("-inf"), {name: Customer(segments) for name in "abc"}
    for at, _, each in steps:
        if isinstance(each, Deployment):
            borders = {
                f"{b.key.measure} top(percent={b.key.percent})": Decimal(b.value) for b in each.borders
            }
            cause = {
                "topic": DEPLOYMENTS,
                "partition": 0,
                "offset": each.offset,
                "event_id": each.deployment_id,
            }
            for customer in customers.values():
                take_borders(customer, borders, max(clock, at), cause)
            continue
        cause = {
            "topic": each.topic,
            "partition": 0,
            "offset": each.offset,
            "event_id": each.event["event_id"],
        }
        customers[each.key.decode()].apply(Step(cause, each.event, each.timestamp), clock)
        clock = max(clock, at)
    for customer in customers.values():
        customer.fire(START + 90 * DAY + 1)
    return {name: customer.flips for name, customer in customers.items()}


FIELDS = ("segment", "transition", "occurred_at", "sequence", "episode", "reason", "cause", "evidence")


@pytest.mark.parametrize("seed", range(8))
def test_the_engine_moves_borders_as_the_oracle_says(seed):
    """Each flip with its reason, cause and evidence, for rules that read borders and for those that read them."""
    segments, log, deployments = _drawn(Random(seed))
    expected = _lived(segments, log, deployments)
    found = {name: [] for name in "abc"}
    for flip in _replayed(log, deployments, START + 90 * DAY):
        found[flip["customer_id"]].append(flip)
    assert any(flip["reason"] == "borders" for flips in found.values() for flip in flips)
    for name in "abc":
        assert [{f: each[f] for f in FIELDS} for each in found[name]] == [
            {f: each[f] for f in FIELDS} for each in expected[name]
        ]
        for mine, theirs in zip(found[name], expected[name], strict=True):
            if mine["segment"] not in ("reader", "hearer"):
                assert mine["valid_until"] == theirs["valid_until"], mine
