"""What a worker asks before it runs: each question is asked again while nobody answers."""

import asyncio

import pytest

from segments.engine import RuleSet
from streams.cli import worker
from streams.errors import BrokerAway, RegistryAway, TopicsError
from streams.http.health import HealthServer
from streams.settings.settings import Settings
from streams.telemetry.metrics import Metrics

pytestmark = pytest.mark.timeout(30)

CHECKS = (
    (worker, "require_allowed"),
    (worker.topics, "require"),
    (worker, "settle"),
    (worker.retention, "warnings"),
    (worker, "connect"),
    (worker, "require_name"),
)
"""The module that calls it, and the name that it calls."""


class Registry:
    """A registry that is away as often as it is told."""

    url = "http://registry"

    def __init__(self, failures):
        self.failures = failures

    def register(self):
        """Register, once it is there."""
        if self.failures:
            raise self.failures.pop()


@pytest.fixture
def asked(monkeypatch):
    """Runs the checks of a start, of which one finds its counterpart away twice; what was asked, and the outcome."""

    def run(away, stop_at=None):
        seen, stop = [], asyncio.Event()
        failures = [BrokerAway("somewhere"), BrokerAway("somewhere")]

        def check(name, answer):
            def ask(*_given, **_named):
                seen.append(name)
                if name == stop_at:
                    stop.set()
                if name == away and failures:
                    raise failures.pop()
                return answer

            return ask

        answers = {
            "require": 4,
            "warnings": ["short"],
            "connect": Registry(failures if away == "connect" else []),
        }
        for module, name in CHECKS:
            monkeypatch.setattr(module, name, check(name if name != "connect" else "made", answers.get(name)))
        monkeypatch.setattr(worker, "AWAY", 0.001)
        server = HealthServer(Metrics())
        patience = worker._Patience(stop, server)
        settings = Settings(brokers="localhost:9092", rules="segments")
        outcome = asyncio.run(patience.checked(settings, RuleSet([])))
        return seen, outcome, server.waiting

    return run


@pytest.mark.parametrize("away", [name for _, name in CHECKS])
def test_each_check_is_made_until_it_is_answered(asked, away):
    """A broker or registry that goes at whichever of them is waited for, and the worker starts."""
    seen, (partitions, lookup), waiting = asked(away)
    assert partitions == 4
    assert lookup is not None
    assert waiting is None
    if away != "connect":
        assert seen.count(away) == 3
    assert seen[-1] == "require_name"


def test_a_worker_that_waits_can_be_stopped(asked):
    """Told to stop while a broker is away it asks no more."""
    with pytest.raises(worker._Stopped):
        asked("warnings", stop_at="warnings")


def test_what_does_not_pass_ends_the_start():
    """Topics that are wrong are no broker that is away."""
    server = HealthServer(Metrics())
    patience = worker._Patience(asyncio.Event(), server)

    def wrong():
        raise TopicsError("clickstream: missing")

    with pytest.raises(TopicsError):
        asyncio.run(patience.until_answered(wrong))


def test_what_is_waited_for_is_told(monkeypatch, caplog):
    """Once in the log for each that is away, and at /readyz for as long as it lasts."""
    monkeypatch.setattr(worker, "AWAY", 0.001)
    server, told = HealthServer(Metrics()), []
    patience = worker._Patience(asyncio.Event(), server)
    failures = [RegistryAway("http://r"), BrokerAway("b:1"), BrokerAway("b:1")]

    def ask():
        told.append(server.waiting)
        if failures:
            raise failures.pop()

    asyncio.run(patience.until_answered(ask))
    assert [each is None or each.partition(" answers")[0] for each in told] == [
        True,
        "no Kafka broker",
        "no Kafka broker",
        "no schema registry",
    ]
    assert [record.message.partition(" answers")[0] for record in caplog.records] == [
        "no Kafka broker",
        "no schema registry",
    ]
    assert server.waiting is None
