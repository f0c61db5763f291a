"""`segments backfill`: a rule that was added knows the history in a real Kafka, as if it had always been there."""

import json
import time

import pytest
from kafka import TopicPartition

from tests.integration.worker_control import stop, wait_until, wait_until_behind, wait_until_ready

pytestmark = pytest.mark.timeout(400)

HOUR, DAY = 3_600_000, 86_400_000
RULE = '''"""A rule."""

from segments.language import Segment, page_view, purchase

{name} = Segment(en="{name}", nl="{name}", when={when})
'''
SEEN = "page_view.within(days=7).count() >= 1"
BUYER = "purchase.within(days=30).count() >= 2"


@pytest.fixture
def world(run, spawn, fresh_topics, kafka, tmp_path, environment):
    """A group of its own over two partitions, and what one does with it."""
    fresh_topics(partitions=2)
    return World(run, spawn, kafka, tmp_path, environment["SEGMENTS_GROUP"])


class World:
    """Rules in a folder, commands with them, a worker at a time."""

    def __init__(self, run, spawn, kafka, folder, group):
        self._run, self._spawn, self._kafka, self._group = run, spawn, kafka, group
        self.rules = folder / "rules"
        self.rules.mkdir()
        self.env = {"SEGMENTS_RULES": str(self.rules), "SEGMENTS_SESSION_TIMEOUT": "6000"}
        self.now = time.time_ns() // 1_000_000

    def rule(self, name, when):
        """Write a rule."""
        (self.rules / f"{name}.py").write_text(RULE.format(name=name, when=when))

    def call(self, *arguments, code=0, **env):
        """A command, and what it printed."""
        done = self._run(*arguments, env=self.env | env)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def worker(self):
        """A worker, ready."""
        worker = self._spawn("worker", "--deploy", "--http-port", "0", env=self.env)
        wait_until_ready(worker)
        return worker

    def work(self):
        """A worker that applies all there is, and stops."""
        worker = self.worker()
        wait_until_behind(self._kafka.address, self._group, 0)
        stop(worker)

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

    def told(self, name):
        """What `show` says of a rule."""
        return json.loads(self.call("show", name, "--json"))


def test_a_rule_added_is_filled(world):
    """Warming at first; after it was filled it has entered those who always would have been in it, once."""
    world.rule("seen", SEEN)
    days = (("ann", 0, 20), ("ann", 1, 19), ("bob", 0, 20), ("cat", 0, 12), ("cat", 1, 10), ("dan", 0, 1))
    world.buys(*((name, number, ago * DAY) for name, number, ago in days))
    world.work()
    world.rule("buyer", BUYER)
    worker = world.worker()
    world.buys(("bob", 1, HOUR))
    wait_until("warming", lambda: world.told("buyer")["warming_until"] is not None)
    told = world.told("buyer")
    assert told["known_since"].keys() == {"purchase.within(days=30).count()"}
    listed = world.call("list")
    assert listed.count("warming until") == 1
    assert f"warming until {told['warming_until']}" in listed
    assert "stop all of them first" in world.call("backfill", "buyer", code=1)
    stop(worker)
    dry = world.call("backfill", "buyer", "--dry-run")
    assert "buyer: 3 enter and 0 leave when the workers start, if this is done" in dry
    done = world.call("backfill", "buyer")
    assert done.count("known from the beginning") == 2
    assert "buyer: 3 enter and 0 leave when the workers start\n" in done
    worker = world.worker()
    expected = [(name, "enter", "rule_added") for name in ("ann", "bob", "cat")]
    wait_until("entered", lambda: world.flips("buyer") == expected)
    assert world.told("buyer")["warming_until"] is None
    stop(worker)


def test_what_retention_has_deleted_is_missing(world, kafka):
    """It is filled as far as the topics reach, and said from when on it is exact."""
    world.rule("seen", SEEN)
    world.buys(*(("ann", number, (9 - number) * HOUR) for number in range(3)))
    world.work()
    with kafka.admin() as admin:
        ends = {TopicPartition("transactions", number): 0 for number in range(2)}
        admin.delete_records(dict.fromkeys(ends, -1))
    world.rule("buyer", BUYER)
    said = world.call("backfill", "buyer")
    assert "the topics hold nothing of before the measures were added" in said
    assert "buyer: older records are deleted, so it is exact from" in said
    assert "There is no rule named buyr. Did you mean buyer?" in world.call("backfill", "buyr", code=1)
