"""What a deployment no longer needs is kept for seven days: a rule set that needs it until then goes on with it."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from segments.engine import Record, RuleSet
from segments.insight.replay import Replay
from segments.language import Segment, page_view, purchase
from tests.kit.lives import by_customer
from tests.unit.driving import DAY, HOUR, START, deployed
from tests.unit.engine.living import (
    BUYER,
    PAGES,
    SEEN,
    SETTINGS,
    FillingLife,
    Log,
    event,
    replayed,
    shoppers,
    told,
)

OFTEN = Segment(id="often", when=purchase.within(days=30).count() >= 2)
LONG = Segment(id="long", when=page_view.within(days=60).count() >= 3)
SUM = "purchase.within(days=30).sum(purchase.amount)"


def there_and_back(between, back, *rules):
    """Three deployments: rules, after a day others, and the first ones again at an instant."""
    return [
        deployed(0, 0, RuleSet(rules)),
        deployed(1, DAY, RuleSet(between), "d0"),
        deployed(2, back, RuleSet(rules), "d1"),
    ]


def shop():
    """Purchases of ten euros at the beginning, while the other rules run, and a view at the end."""
    log = Log()
    for at in (0, HOUR, 2 * DAY):
        log.add(at, "purchase", amount=1000)
    log.add(12 * DAY)
    return log


@pytest.mark.parametrize("between", [[SEEN], [SEEN, OFTEN]], ids=["stream", "column"])
@pytest.mark.parametrize(
    ("back", "entered", "known"),
    [
        (8 * DAY - 1, [("buyer", "enter", "rule_added")], None),
        (8 * DAY, [], START + 8 * DAY),
    ],
    ids=["in time", "too late"],
)
def test_measures_go_on_for_seven_days(between, back, entered, known):
    """With what came meanwhile, whether others keep the same events or not; later they are new, and known since then."""
    flips, partition = replayed(shop(), there_and_back(between, back, SEEN, BUYER))
    assert [each for each in told(flips) if each[0] == "buyer"][: len(entered) + 1] == entered
    assert partition.known_since.get(SUM) == known


def late(offset, came, at, customer):
    """A view that came in long after it occurred."""
    made = event(offset, at, customer=customer)
    return Record("clickstream", offset, START + came, made.key, None, made.event)


def test_what_is_kept_counts_until_it_is_forgotten():
    """For seven days an event counts that only what is kept looks back to; from then on it is too old, and ignored."""
    log = Log()
    views = log.records["clickstream"]
    log.add(90 * DAY)
    views.append(late(1, 98 * DAY - HOUR, 60 * DAY, "in time"))
    log.add(98 * DAY - HOUR)
    log.add(98 * DAY)
    views.append(late(4, 98 * DAY + HOUR, 60 * DAY, "too late"))
    log.add(98 * DAY + HOUR)
    deployments = [deployed(0, 0, RuleSet([SEEN, LONG])), deployed(1, 91 * DAY, RuleSet([SEEN]), "d0")]
    outcomes = Counter()
    for effects in Replay(0, 1, log.records, None, SETTINGS, deployments).run():
        outcomes += effects.outcomes
    assert outcomes == {("clickstream", "applied"): 5, ("clickstream", "ignored"): 1}


@pytest.mark.parametrize("seed", range(15))
def test_any_life_keeps_the_same(seed):
    """Any runs, commits and crashes flip as a replay does, whether measures go on or are forgotten meanwhile."""
    random = Random(seed)
    log, end = shoppers(random)
    rules, others = RuleSet([SEEN, BUYER, PAGES]), RuleSet([SEEN, OFTEN])
    back = random.randrange(4 * DAY, end)
    deployments = [
        deployed(0, 0, rules),
        deployed(1, 3 * DAY, others, "d0"),
        deployed(2, back, rules, "d1"),
    ]
    life = FillingLife(log.records, deployments)
    for _ in range(200):
        life.step(random)
    life.finish()
    assert by_customer(life.flips) == by_customer(replayed(log, deployments)[0])


def test_money_of_another_currency_is_not_kept():
    """It would be counted as another one: a rule set of before knows events from its return on."""
    deployments = there_and_back([SEEN], 2 * DAY, SEEN, BUYER)
    dollars = replace(deployments[1], rules=RuleSet([SEEN], "USD"))
    _, partition = replayed(shop(), [deployments[0], dollars, deployments[2]])
    assert partition.known_since == {SUM: START + 2 * DAY}
