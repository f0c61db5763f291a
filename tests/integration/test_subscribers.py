"""The subscribers of deploy/subscribers over a real broker and real workers: they hold what the memberships say."""

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import schemas
from streams.local.maven import fetched, java
from tests.integration.worker_control import stop, wait_until
from tests.integration.worker_log import produce, read, wait_until_caught_up

FOLDER = Path("deploy/subscribers")
PARTITIONS = 2
DAY = 86_400_000
RULE = '''"""{name}."""

from segments.language import Segment, page_view

{name} = Segment(en="Saw {count}", nl="Zag er {count}", when=page_view.within(days=9).count() >= {count})
'''


def rules(folder, **counts):
    """A folder of rules: the name of each and how many page views it takes."""
    folder.mkdir()
    for name, count in counts.items():
        (folder / f"{name}.py").write_text(RULE.format(name=name, count=count))
    return str(folder)


def views(customer, *instants):
    """Page views of a customer."""
    nothing = dict.fromkeys(("session_id", "page", "product_id", "category", "channel"))
    for at in instants:
        event = {"event_id": f"{customer}-{at}", "customer_id": customer, "occurred_at": at}
        yield "clickstream", customer, event | {"kind": "page_view", "attributes": {}} | nothing


def login(customer, into, at):
    """A link of two ids."""
    event = {"event_id": f"{customer}-{into}", "customer_id": customer, "into": into, "occurred_at": at}
    return "identities", customer, event | {"action": "link", "source": None}


class Subscriber:
    """One of the examples, as a process that can be killed and started again."""

    def __init__(self, command, state, out):
        self.command, self.state, self.out = command, state, out
        self.process = None

    def start(self):
        """Start it where it stopped."""
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out, cwd=Path.cwd())

    def kill(self):
        """Kill it on the spot."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def lines(self):
        """What it has printed: the enters and exits that it announced."""
        return [json.loads(line) for line in self.out.read_text().splitlines() if line.startswith("{")]

    def announced(self):
        """Customer, segment and transition of each."""
        return [(each["customer_id"], each["segment"], each["transition"]) for each in self.lines()]


class Python(Subscriber):
    """subscriber.py."""

    def __init__(self, address, folder):
        state = folder / "members.db"
        script = str(FOLDER / "subscriber.py")
        super().__init__([sys.executable, script, address, str(state)], state, folder / "python.out")

    def members(self):
        """Who is in which segments."""
        db = sqlite3.connect(self.state, timeout=10)
        try:
            return {
                key: set(json.loads(names)) for key, names in db.execute("SELECT id, segments FROM customers")
            }
        except sqlite3.OperationalError:
            return None
        finally:
            db.close()


class Java(Subscriber):
    """Subscriber.java, run from its source."""

    def __init__(self, address, folder):
        state = folder / "members.txt"
        jars = f"{fetched(FOLDER / 'pom.xml')}/*"
        source = str(FOLDER / "Subscriber.java")
        command = [java(), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars, source]
        super().__init__([*command, address, str(state), "schemas"], state, folder / "java.out")

    def members(self):
        """Who is in which segments."""
        if not self.state.exists():
            return None
        rows = [line.split("\t") for line in self.state.read_text().splitlines()]
        return {
            key.removeprefix("customer "): set(value.split()[1:])
            for key, value in rows
            if key.startswith("customer ")
        }


def memberships(address):
    """Who is in which segments by the compacted topic."""
    found = {}
    for each in read(address, "segment-memberships"):
        record = each.value and schemas.decode(schemas.SEGMENT_MEMBERSHIPS, each.value)
        found[each.key.decode()] = {part["segment"] for part in record["segments"]} if record else set()
    return {customer: segments for customer, segments in found.items() if segments}


@pytest.fixture
def subscribers(kafka, tmp_path):
    """Both, not started yet."""
    both = Python(kafka.address, tmp_path), Java(kafka.address, tmp_path)
    yield both
    for each in both:
        each.kill()


@pytest.mark.timeout(240)
def test_both_hold_what_the_memberships_say(kafka, environment, fresh_topics, spawn, subscribers, tmp_path):
    """After a snapshot, kill -9, an erasure, a new life and a change of rules; what it announces is news, once."""
    fresh_topics(PARTITIONS)
    now = int(time.time() * 1000)

    def work(folder):
        worker = spawn("worker", "--deploy", env={"SEGMENTS_RULES": folder})
        wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
        return worker

    def hold_it():
        wanted = memberships(kafka.address)
        for each in subscribers:
            wait_until(
                f"{type(each).__name__} holds {wanted}, not {each.members()}: {each.out.read_text()[-2000:]}",
                lambda each=each: each.members() == wanted,
            )
        return wanted

    before = rules(tmp_path / "before", one=1, two=2)
    produce(kafka.address, [event for name in "abcdv" for event in views(name, now - DAY)])
    worker = work(before)
    for each in subscribers:
        each.start()
    assert hold_it() == {name: {"one"} for name in "abcdv"}
    assert [each.announced() for each in subscribers] == [[], []]

    # A visitor logs in: one segment is left by the one id and entered by the other, which is no news.
    produce(kafka.address, [login("v", "e", now - DAY + 1)])
    wait_until("v is e", lambda: memberships(kafka.address).keys() == set("abcde"))
    produce(kafka.address, [*views("a", now), ("profiles", "b", None)])
    wait_until("a and b flipped", lambda: memberships(kafka.address).keys() == set("acde"))
    assert hold_it()["a"] == {"one", "two"}
    for each in subscribers:
        each.kill()
    produce(kafka.address, [*views("b", int(time.time() * 1000) + 1000), *views("c", now)])
    wait_until("b is back", lambda: "b" in memberships(kafka.address))
    stop(worker)
    worker = work(rules(tmp_path / "after", one=2, three=3))
    # What comes before the new rules are in use counts by the old ones, and then three is entered with the deployment.
    wait_until("the new rules are in use", lambda: memberships(kafka.address)["a"] == {"one"})
    for each in subscribers:
        each.start()
    produce(kafka.address, [*views("c", now + 1)])
    wait_until("c saw three", lambda: "three" in memberships(kafka.address).get("c", ()))
    assert hold_it() == {"a": {"one"}, "c": {"one", "three"}}
    stop(worker)

    of_customers = [
        {("a", "two", "enter"), ("b", "one", "exit"), ("b", "one", "enter"), ("c", "two", "enter")},
        {("c", "three", "enter")},
    ]
    for each in subscribers:
        announced = each.announced()
        assert len(announced) == len(set(announced)) == 5
        assert set(announced) == set().union(*of_customers)
        assert [line["sequence"] for line in each.lines() if line["customer_id"] == "b"] == [2, 1]
