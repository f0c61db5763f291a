"""Who would flip by another rule set: counted beside the partition that runs, by the worker or from the changelog."""

import asyncio
import base64
import json
from random import Random

import pytest
from aiohttp import test_utils, web

import schemas
from segments.engine import Border, Moves, PlannedRules, RuleSet, States
from segments.language import Segment, consent, page_view, purchase, top
from segments.plan.borders import fields_of
from segments.plan.ir import FORMAT
from streams.deployments import counting
from streams.deployments.counting import Asked, count, rules_of
from streams.deployments.records import packed
from streams.errors import StreamsError
from streams.http.answers import Answers
from streams.http.client import answer_of
from streams.http.hosts import guard
from streams.http.moves import MovesPage
from streams.settings.settings import Settings
from tests.unit.driving import DAY, HOUR, Driver

SEEN = Segment(id="seen", when=page_view.within(days=7).count() >= 2)
BUYER = Segment(id="buyer", when=purchase.within(days=30).sum(purchase.amount) >= 20)
BIG = Segment(id="buyer", when=purchase.within(days=30).sum(purchase.amount) >= 50)
NEW = Segment(id="new", when=page_view.within(days=7).count() >= 1)
ALLOWED = Segment(id="allowed", when=consent("marketing"))
BEST = Segment(id="best", when=purchase.within(days=30).sum(purchase.amount) >= top(percent=10))
NOTHING = {"customers": 0, "members": {}, "enters": {}, "exits": {}, "moved": 0}


def lived(seed, customers=40):
    """A partition in which customers did things, in an order by chance."""
    random, driver = Random(seed), Driver(SEEN, BUYER, ALLOWED)
    for number in range(6 * customers):
        name = f"c{random.randrange(customers)}"
        at = number * 4 * HOUR
        if random.random() < 0.6:
            driver.click(at, customer=name)
        elif random.random() < 0.8:
            driver.purchase(at, customer=name, amount=random.randrange(1, 40) * 100)
        else:
            driver.profile(at, customer=name, consents={"marketing": random.random() < 0.5})
    return driver


def found(segments, states, uncounted=(), borders=(), turn=7):
    """What a count finds, a few customers at a time."""
    rules = RuleSet(segments, borders=borders)
    moves = Moves(rules.native, 1, states, set(uncounted))
    while moves.advance(turn):
        assert moves.left > 0
    return moves.told()


@pytest.mark.parametrize("seed", range(5))
def test_a_count_tells_what_a_take_over_does(seed):
    """Enters and exits by segment, the members of before, and each customer who moves once; no state is changed."""
    driver, after = lived(seed), [BIG, NEW, ALLOWED]
    held, before = dict(driver.states), len(driver.events)
    members = {name: many for name, many in driver.partition.members.items() if many}
    told = found(after, driver.states)
    assert driver.states == held
    assert (told["members"], told["customers"]) == (members, len(held) - 1)
    driver.open(after)
    driver.run()
    flips = driver.events[before:]
    for name, transition in (("enters", "enter"), ("exits", "exit")):
        mine = [each["segment"] for each in flips if each["transition"] == transition]
        assert told[name] == {each: mine.count(each) for each in set(mine)}
    assert told["moved"] == len({each["customer_id"] for each in flips}) > 0


def test_what_is_unknown_moves_nobody():
    """A customer who flips in segments alone that are not counted is none who moves; the flips are still told."""
    driver = lived(1)
    cheap = Segment(id="new", when=purchase.within(days=30).sum(purchase.amount) >= 5)
    told = found([SEEN, BUYER, ALLOWED, cheap], driver.states, ["new"])
    assert told["enters"]["new"] > 0
    assert (told["moved"], told["exits"]) == (0, {})


def test_the_rules_that_run_move_nobody():
    """Even who has something due: that would happen without a deployment, too."""
    driver = lived(1)
    told = found([SEEN, BUYER, ALLOWED], driver.states)
    assert (told["enters"], told["exits"], told["moved"]) == ({}, {}, 0)
    assert found([SEEN], {}) == NOTHING


def test_another_border_moves_those_between():
    """The rules are the same, and what they are compared with is not."""
    driver = Driver(BEST)
    for number in range(4):
        driver.purchase(number, f"c{number}", amount=100 * (number + 1))
    (key,) = driver.partition.rules.data.borders
    assert found([BEST], driver.states, borders=[Border(key, "3", 4, DAY)])["enters"] == {"best": 2}


def test_a_take_over_amid_a_count_is_refused():
    """Customers whom another rule set has written since the count began can't be read by it."""
    driver = lived(1)
    moves = Moves(RuleSet([NEW]).native, 1, driver.states, set())
    moves.advance(1)
    driver.open([SEEN])
    driver.run()
    with pytest.raises(ValueError, match=r"layout \d+ is unknown"):
        moves.advance(1_000)


def test_who_is_erased_amid_a_count_is_not_counted():
    """Nothing is remembered of them any more."""
    driver = lived(1)
    moves = Moves(RuleSet([NEW]).native, 1, driver.states, set())
    whole = moves.left
    for number in range(40):
        driver.erase(250 * DAY, f"c{number}")
    assert moves.advance(1_000) is False
    assert (whole, moves.told()["moved"]) == (40, 0)


def made(segments, borders=()):
    """The record of a deployment."""
    return {
        "deployment_id": "d", "group": "g", "follows": None, "occurred_at": 0, "kind": "rules",
        "plan": packed(RuleSet(segments).data.to_bytes()), "plan_format": FORMAT, "rules": None, "settings": None,
        "borders": list(map(fields_of, borders)), "models": {}, "note": "",
    }  # fmt: skip


def question(record, partitions=(0,)):
    """The body that a worker is asked with."""
    deployment = base64.b64encode(schemas.encode(schemas.DEPLOYMENT, record)).decode()
    return {"deployment": deployment, "partitions": list(partitions), "uncounted": ["new"]}


def asked(driver, token, ask, held=None):
    """What `ask` does with the address of a worker of one partition, in a thread."""

    async def main():
        owned = lambda number: driver.partition if number == 0 else None  # noqa: E731
        answers = Answers(owned, 1, "127.0.0.1", token)
        app = web.Application(middlewares=[guard("127.0.0.1", "", ())])
        states = driver.states if held is None else held
        app.add_routes(MovesPage(owned, lambda _: states, rules_of, 1, 2, answers.refusal).routes())
        async with test_utils.TestServer(app) as server:
            return await asyncio.to_thread(ask, f"127.0.0.1:{server.port}")

    return asyncio.run(main())


@pytest.mark.parametrize("is_native", [True, False])
def test_a_worker_counts(is_native):
    """As the engine does, over states in memory or of a store; the token is needed, and what is wrong said in words."""
    driver = lived(2)
    held = States()
    held.apply(list(driver.states.items()))
    after = [BIG, NEW, ALLOWED]

    def ask(where):
        refusals = []
        for token, body in (
            (None, question(made(after))),
            ("secret", question(made(after), [0, 1])),
            ("secret", question({**made(after), "plan": packed(b"{}")})),
            ("secret", {**question(made(after)), "deployment": "AAAA"}),
            ("secret", {}),
        ):
            with pytest.raises(StreamsError) as error:
                answer_of(where, "/moves", token, 10, json.dumps(body).encode())
            refusals.append(str(error.value))
        body = json.dumps(question(made(after))).encode()
        return refusals, answer_of(where, "/moves", "secret", 10, body)

    refusals, answer = asked(driver, "secret", ask, held if is_native else None)
    expected = ["not on the loopback", "does not serve partition 1", *["is no deployment"] * 3]
    assert all(words in said for words, said in zip(expected, refusals, strict=True)), refusals
    assert answer == {"partitions": {"0": found(after, driver.states, ["new"])}}


def test_a_partition_that_goes_amid_a_count_is_not_told():
    """It is another worker's, or runs another rule set: its count would not be whole."""
    driver = lived(2)

    class Leaving:
        def items(self):
            driver.open([SEEN])
            return driver.states.items()

        get = staticmethod(lambda key: driver.states.get(key))

    def ask(where):
        with pytest.raises(StreamsError, match="Partition 0 went to another rule set or worker"):
            answer_of(where, "/moves", None, 10, json.dumps(question(made([NEW]))).encode())

    asked(driver, None, ask, Leaving())


@pytest.fixture
def command(monkeypatch):
    """The count of the command, of a group whose partitions are served at these addresses; its changelog has another."""

    async def by_changelog(*_given):
        return [{**NOTHING, "customers": 7}]

    def call(driver, served, seconds=10.0):
        monkeypatch.setattr(counting, "owners", lambda _settings, _topic: served)
        monkeypatch.setattr(counting, "_by_changelog", by_changelog)
        monkeypatch.setattr(counting, "is_kept", lambda _settings: True)
        said = []
        deployed = PlannedRules(driver.partition.rules.data.to_bytes())
        asks = Asked(made([BIG, NEW, ALLOWED]), deployed, {0: ()}, seconds, ("new",))
        return count(Settings(), asks, lambda _: None, said.append), said

    return call


def test_the_command_asks_the_workers(command):
    """Who serves the partition counts it, and nothing is said of the changelog; segments without members are named."""
    driver = lived(3)
    result, said = asked(driver, None, lambda where: command(driver, {0: where}))
    told = found([BIG, NEW, ALLOWED], driver.states, ["new"])
    assert (result.customers, result.moved, said) == (told["customers"], told["moved"], [])
    assert (dict(result.enters), dict(result.exits)) == (told["enters"], told["exits"])
    assert dict(result.members) == {"seen": 0, "buyer": 0, "allowed": 0} | told["members"]


@pytest.mark.parametrize("served", [{}, {0: "127.0.0.1:9"}])
def test_what_no_worker_counts_is_read_from_the_changelog(command, served):
    """Nobody serves the partition, or who does gives no answer: one line says why."""
    result, (line,) = command(lived(3), served)
    assert result.customers == 7
    assert "the states are read from the changelog" in line
    assert ("does not answer" if served else "no worker serves partition 0") in line
