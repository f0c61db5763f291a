"""A worker that starts while its broker comes and goes: it waits, whatever it was about to ask."""

import time

import pytest
from kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    NodeNotReadyError,
    RequestTimedOutError,
)

from streams.errors import BrokerAway
from streams.kafka.connection import admin
from streams.local.broker import free_port
from streams.settings.settings import Settings
from tests.integration.worker_control import stop, wait_until_ready

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("error", [NodeNotReadyError, KafkaConnectionError, RequestTimedOutError])
def test_a_broker_that_goes_in_the_midst_of_a_check_is_away(kafka, error):
    """Whatever the client calls it: a command says that no broker answers, and a worker waits."""
    settings = Settings(brokers=kafka.address, rules="segments")
    with pytest.raises(BrokerAway, match="no Kafka broker answers"), admin(settings):
        raise error("gone")
    with pytest.raises(GroupAuthorizationFailedError), admin(settings):
        raise GroupAuthorizationFailedError("not yours")


@pytest.mark.parametrize("seconds", [0.8, 1.6, 2.4, 3.2])
def test_a_broker_that_goes_while_a_worker_starts_is_waited_for(own_broker, environment, run, spawn, seconds):
    """However far it has come: killed after so many seconds and back a little later, the worker gets ready."""
    own_broker.wanted_port = free_port()
    environment["SEGMENTS_BROKERS"] = own_broker.start()
    assert run("topics", "create", "--partitions", "2").returncode == 0
    started = spawn("worker")
    time.sleep(seconds)
    own_broker.kill()
    time.sleep(1)
    assert started.process.poll() is None, started.stderr
    own_broker.start()
    wait_until_ready(started, 90)
    assert "Traceback" not in started.stderr
    stop(started)
