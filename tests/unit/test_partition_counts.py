"""A partition count that is not the one before: refused, with what to do."""

import asyncio
from types import SimpleNamespace

import pytest

from segments.engine import EngineSettings, Partition, RuleSet
from segments.language.errors import SegmentsError
from streams.errors import TopicsError
from streams.telemetry.metrics import Metrics
from streams.worker.owners import Owners
from streams.worker.takeover import Limits
from tests.kit.rules import CART
from tests.unit.driving import Driver


def test_a_state_of_another_count_is_refused_with_its_mend():
    """Customers would be in other partitions than their states: restore the topics, or begin a new group."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    with pytest.raises(SegmentsError, match=r"written for 1 partitions, the topics have 2") as refused:
        Partition(0, 2, RuleSet([CART]), EngineSettings(), driver.states)
    assert "SEGMENTS_GROUP" in str(refused.value)


def test_partitions_added_under_a_running_worker_stop_it():
    """The group assigns a partition that was not there at the start: nothing is consumed of it."""
    context = SimpleNamespace(metrics=Metrics(), count=4)
    owners = Owners(SimpleNamespace(), context, Limits(10, 1.0, event_clock=False))
    with pytest.raises(
        TopicsError, match=r"had 4 partitions when this worker started, now there is 5: .*topics check"
    ):
        asyncio.run(owners.assign(frozenset({1, 5})))
    assert not owners.assigned
