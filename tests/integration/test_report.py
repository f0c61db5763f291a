"""`segments report` over topics that hold what workers would have written."""

import json
import time

import pytest
from confluent_kafka import Producer

import schemas
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.statistics import newcombe, wilson
from streams.kafka.read_committed import committed_reader
from streams.report import reading
from streams.report.whole import plain, report_of
from streams.settings.settings import Settings
from tests.kit.console import address, asked

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_767_225_600_000
"""2026-01-01T00:00Z."""
SEGMENT = "cart_abandoned"
PLAIN = {"value": None, "details": {}, "cause": None, "evidence": [], "valid_until": None}
LOOSE = dict.fromkeys(("session_id", "page", "product_id", "category", "channel"))


class Shop:
    """Writes enters, exits and outcomes of invented customers."""

    def __init__(self, address):
        self._producer = Producer(
            {"bootstrap.servers": address, "partitioner": "murmur2_random", "log_level": 0}
        )

    def put(self, topic, customer, record):
        """A record, encoded."""
        value = schemas.encode(schemas.RECORD_OF_TOPIC[topic], record)
        self._producer.produce(topic, value, customer.encode())
        self._producer.poll(0)

    def stay(self, customer, arm, at, left_at, *, reason="event", cents=None):
        """An enter, an exit, and what came of it within a week; `cents` None: nothing."""
        common = {
            **PLAIN,
            "customer_id": customer,
            "segment": SEGMENT,
            "segment_version": "v1",
            "arm": arm,
            "episode": 1,
        }
        for number, (transition, instant) in enumerate((("enter", at), ("exit", left_at)), 1):
            if instant is None:
                held = {
                    name: common[name]
                    for name in ("segment", "segment_version", "episode", "value", "details", "arm")
                }
                held |= {"entered_at": at, "valid_until": None}
                self.put(
                    "segment-memberships",
                    customer,
                    {"customer_id": customer, "sequence": 1, "segments": [held]},
                )
                continue
            flip = {
                **common,
                "event_id": f"{customer}-{number}",
                "transition": transition,
                "sequence": number,
                "occurred_at": instant,
                "emitted_at": instant,
                "reason": reason if number == 1 else "timer",
            }
            self.put("segment-events", customer, flip)
        outcome = {
            **{
                name: common[name]
                for name in ("customer_id", "segment", "segment_version", "arm", "episode", "value")
            },
            "event_id": f"{customer}-m",
            "entered_as": customer,
            "kind": "matured",
            "reason": reason,
            "experiment": None if arm is None else "winter",
            "control": None if arm is None else "10",
            "goal": "purchase.within(days=7), revenue=purchase.amount",
            "entered_at": at,
            "first_goal_at": None if cents is None else at + DAY,
            "occurred_at": at + 7 * DAY,
            "emitted_at": at + 7 * DAY,
            "goals": int(cents is not None),
            "revenue": cents or 0,
        }
        self.put("segment-outcomes", customer, outcome)

    def bought(self, customer, at, cents):
        """A purchase."""
        self.put(
            "transactions",
            customer,
            {
                "event_id": f"{customer}-{at}",
                "customer_id": customer,
                "occurred_at": at,
                "kind": "purchase",
                "order_id": "1",
                "amount": cents,
                "currency": "EUR",
                "channel": None,
                "items": [],
            },
        )

    def done(self):
        """All of it is written."""
        self._producer.flush(30)


@pytest.fixture
def shop(kafka, fresh_topics):
    """Five of 500 in control came to the goal, 90 of 4,500 treated; as many bought who were never in."""
    fresh_topics(2)
    made = Shop(kafka.address)
    for arm, customers, reached in (("control", 500, 14), ("treated", 4_500, 126)):
        for number in range(customers):
            at = START + number % 20 * DAY
            cents = 1_000 if number < reached else None
            made.stay(f"{arm}-{number}", arm, at, at + 2 * HOUR if number % 10 else None, cents=cents)
            if number < 50:
                made.bought(f"{arm}-{number}", at + HOUR, 1_000)
    for number in range(100):
        made.bought(f"elsewhere-{number}", START, 500)
    made.stay("late", "treated", START, START + HOUR, reason="rule_added")
    made.done()
    return made


@pytest.mark.usefixtures("shop")
def test_the_report_of_a_segment_with_a_control_group(run, spawn, environment, tmp_path):
    """What the topics hold comes out as numbers, as a page for its owner alone, and the same on the console."""
    environment["SEGMENTS_CLOCK"] = "event"
    file = tmp_path / "report.html"
    options = ("--inputs", "--cost", f"{SEGMENT}=100", "--html", str(file), "--json")
    done = run("report", SEGMENT, *options, timeout=120)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["segments"]
    assert found["members"] == 500
    assert (found["entered"]["count"], found["entered"]["left_out"]) == (5_000, "< 10")
    assert found["left"]["by_reason"] == {"timer": 4_501}
    assert found["median_stay"] == {"milliseconds": 2 * HOUR, "over": False}
    goal = found["goal"]
    assert (goal["mature"], goal["converted"], goal["revenue"]) == (5_000, 140, "0.28")
    assert goal["interval"] == pytest.approx(wilson(140, 5_000))
    experiment = found["experiment"]
    assert experiment["drawn"] == {"control": 500, "treated": 4_500, "mixed": "< 10"}
    assert experiment["conversion"]["interval"] == pytest.approx(newcombe((14, 500), (126, 4_500)))
    assert experiment["conversion"]["verdict"] == "no difference shown"
    assert experiment["revenue"]["missing"] == {"control": 86}
    assert found["inputs"]["orders"] == pytest.approx(0.5)
    assert found["inputs"]["revenue"] == pytest.approx(2 / 3)
    for name in ("control-", "elsewhere", "late"):
        assert name not in done.stdout
        assert name not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    same = ("members", "entered", "left", "median_stay", "over_time", "goal")
    on_page = of_console(spawn("console", "--port", "0"))
    assert {name: on_page[name] for name in same} == {name: found[name] for name in same}
    assert on_page["experiment"] == {**experiment, "roi": None}


@pytest.mark.usefixtures("shop")
def test_several_processes_tell_the_same(kafka, tmp_path, monkeypatch):
    """Two processes, a partition each, tell the report of one, byte for byte, and show as much progress."""
    settings = Settings(brokers=kafka.address, data_dir=tmp_path)
    told = []
    for count in (1, 2):
        monkeypatch.setattr(reading, "worth", lambda *_, count=count: count)
        with committed_reader(settings) as consumer:
            topics = reading.Topics(consumer, settings, inputs=True)
            period, done = Period(topics.latest() + 1, now=topics.latest()), []
            report = report_of(topics, settings, period, (), {}, done.append)
        assert sum(done) == topics.length
        told.append(json.dumps(plain(report)))
    assert told[0] == told[1]


def of_console(console):
    """What the page of the segment compares."""
    path = f"/api/segments/{SEGMENT}?compare=1"
    deadline = time.monotonic() + 60
    while (report := json.loads(asked(address(console), path)[1])["report"])["found"] is None:
        assert report["problem"] is None
        assert time.monotonic() < deadline, report
        time.sleep(0.2)
    return report["found"]
