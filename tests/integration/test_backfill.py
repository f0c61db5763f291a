"""`segments deploy --backfill`: a rule that is added knows the history in a real Kafka, while the old rules run."""

import json
import time

import pytest
from click.testing import CliRunner

from streams.cli import main
from tests.integration.worker_control import stop, wait_until, wait_until_behind, wait_until_ready

pytestmark = pytest.mark.timeout(200)

HOUR, DAY = 3_600_000, 86_400_000
RULE = '''"""A rule."""

from segments.language import Segment, page_view, purchase, top

{name} = Segment(en="{name}", nl="{name}", when={when}, examples="""
    0d {event}   enters
""")
'''


@pytest.fixture
def world(run, spawn, fresh_topics, kafka, tmp_path, environment):
    """A group of its own over two partitions, and what one does with it."""
    fresh_topics(partitions=2)
    return World(run, spawn, kafka, tmp_path, environment)


class World:
    """Rules in a folder, commands with them, workers."""

    def __init__(self, run, spawn, kafka, folder, environment):
        self._run, self._spawn, self._kafka, self._environment = run, spawn, kafka, environment
        self.rules = folder / "rules"
        self.rules.mkdir()
        self.env = {"SEGMENTS_RULES": str(self.rules), "SEGMENTS_SESSION_TIMEOUT": "6000"}
        self.now = time.time_ns() // 1_000_000

    def rule(self, name, when, event):
        """Write a rule."""
        text = RULE.format(name=name, when=when, event=event)
        (self.rules / f"{name}.py").write_text(text)

    def call(self, *arguments, code=0):
        """A command, and what it printed."""
        # In this process: a start takes seconds.
        done = CliRunner().invoke(main, arguments, env={**self._environment, **self.env})
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr

    def worker(self):
        """A worker, ready."""
        worker = self._spawn("worker", "--http-port", "0", env=self.env)
        wait_until_ready(worker)
        return worker

    def applied(self):
        """Wait until all there is was applied."""
        wait_until_behind(self._kafka.address, self._environment["SEGMENTS_GROUP"], 0)

    def buys(self, *purchases):
        """Purchases: of whom, which one, how long ago."""
        fields = {"kind": "purchase", "order_id": "o", "amount": "10.00", "currency": "EUR"}
        lines = [
            {"event_id": f"{name}{number}", "customer_id": name, "occurred_at": self.now - ago} | fields
            for name, number, ago in purchases
        ]
        done = self._run("produce", "transactions", stdin="".join(json.dumps(each) + "\n" for each in lines))
        assert done.returncode == 0, done.stderr

    def flips(self, segment):
        """The customers that entered or left a segment, with the reason."""
        lines = self.call("consume", "segment-events", "--from-beginning", "--until-end").splitlines()
        found = [each for each in map(json.loads, lines) if each["segment"] == segment]
        return sorted((each["customer_id"], each["transition"], each["reason"]) for each in found)


def test_a_rule_is_filled_while_the_old_ones_run(world):
    """A command that ends early leaves the filling; the same one goes on with it, through a kill, and all enter once."""
    world.rule("seen", "purchase.within(days=7).count() >= 1", "purchase")
    worker = world.worker()
    days = (("ann", 0, 20), ("ann", 1, 19), ("bob", 0, 20), ("cat", 0, 12), ("cat", 1, 10), ("dan", 0, 1))
    world.buys(*((name, number, ago * DAY) for name, number, ago in days))
    world.applied()
    world.rule("buyer", "purchase.within(days=30).count() >= 2", "x2 every 1s purchase")
    assert "say --yes" in world.call("deploy", "--backfill", code=2)
    late = world.call("deploy", "--backfill", "--yes", "--timeout", "0", code=3)
    assert "the same deploy --backfill goes on with it" in late
    world.buys(("bob", 1, HOUR))
    worker.process.kill()
    other = world.worker()
    wait_until("bob was seen", lambda: ("bob", "enter", "event") in world.flips("seen"))
    assert world.flips("buyer") == []
    held = world.call("deploy", "--backfill", "--yes", "--max-moved", "1", code=5)
    assert "buyer: 3 would enter and 0 leave, of 4 customers" in held
    assert "changelog" not in held, "the workers were asked"
    done = json.loads(world.call("deploy", "--backfill", "--yes", "--max-moved", "100", "--json"))
    assert done["flips"] == {"buyer": {"enters": 3, "exits": 0}}
    assert world.flips("buyer") == [(name, "enter", "rule_added") for name in ("ann", "bob", "cat")]
    assert json.loads(world.call("show", "buyer", "--json"))["known_since"] == {}
    kinds = [json.loads(line)["kind"] for line in world.call("deployments", "--json").splitlines()]
    assert kinds.count("rules") == 2
    stop(other)


def test_rules_deployed_without_their_past_are_given_it(world):
    """Earlier ones by a rollback, those that run by a deploy that changes no rule; borders are of what was filled."""
    world.rule("seen", "purchase.within(days=7).count() >= 1", "purchase")
    worker = world.worker()
    days = (("ann", 0, 20), ("ann", 1, 19), ("bob", 0, 20), ("cat", 0, 12), ("cat", 1, 10))
    world.buys(*((name, number, ago * DAY) for name, number, ago in days))
    world.applied()

    def deploy(*options, command="deploy"):
        return json.loads(world.call(command, *options, "--yes", "--json"))

    world.rule("buyer", "purchase.within(days=30).count() >= 2", "x2 every 1s purchase")
    without = deploy()
    (world.rules / "buyer.py").unlink()
    assert without["flips"] == deploy()["flips"] == {}
    back = deploy(without["deployment_id"], "--backfill", command="rollback")
    assert (back["flips"], back["exact_from"]) == ({"buyer": {"enters": 2, "exits": 0}}, {})

    world.rule("buyer", "purchase.within(days=30).count() >= 2", "x2 every 1s purchase")
    world.rule("often", "purchase.within(days=60).count() >= 2", "x2 every 1s purchase")
    assert deploy()["flips"] == {}
    held = world.call("deploy", "--backfill", "--yes", "--max-moved", "1", code=5)
    assert "often: 2 would enter and 0 leave, of 3 customers" in held
    assert "in all: 2 would enter or leave a segment, of 3 customers" in held
    same = deploy("--backfill", "--max-moved", "100")
    assert (same["changes"]["same"], same["flips"]) == (True, {"often": {"enters": 2, "exits": 0}})
    assert "nothing would change" in world.call("deploy", "--backfill", "--yes")

    best = "purchase.within(days=90).sum(purchase.amount) >= top(percent=50)"
    world.rule("best", best, "border 5\n    1d purchase amount=10")
    ranked = deploy("--backfill", "--max-moved", "100")
    assert [(each["value"], each["why"]) for each in ranked["borders"]] == [("20", None)]
    assert ranked["flips"] == {"best": {"enters": 2, "exits": 0}}
    kinds = [json.loads(line)["kind"] for line in world.call("deployments", "--json").splitlines()]
    assert kinds == [*["rules"] * 3, "fill", *["rules"] * 2, *["fill", "rules"] * 2]
    stop(worker)
