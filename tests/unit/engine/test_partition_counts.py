"""A partition count that is not the one before: refused, with what to do."""

import asyncio
from types import SimpleNamespace

import pytest

from segments.engine import EngineSettings, Partition, RuleSet
from segments.language.errors import SegmentsError
from streams.telemetry.metrics import Metrics
from streams.worker.context import Limits
from streams.worker.owners import Owners
from streams.worker.watch import added
from tests.kit.rules import CART
from tests.unit.driving import Driver


def test_a_state_of_another_count_is_refused_with_its_mend():
    """Customers would be in other partitions than their states: restore the topics, or begin a new group."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    with pytest.raises(SegmentsError, match=r"written for 1 partitions, the topics have 2") as refused:
        Partition(0, 2, RuleSet([CART]), EngineSettings(), driver.states)
    assert "SEGMENTS_GROUP" in str(refused.value)


def test_of_partitions_added_under_a_running_worker_nothing_is_taken_in():
    """The group assigns a partition that was not there at the start: neither it nor an old one is served."""
    context = SimpleNamespace(metrics=Metrics(), count=4)
    owners = Owners(SimpleNamespace(), context, Limits(10, 1.0, event_clock=False))
    asyncio.run(owners.assign(frozenset({1, 5})))
    assert not owners.assigned
    assert not owners.ready


def test_partitions_added_are_named_with_the_mend():
    """Whoever reads the log knows which topics differ, and what to type."""
    problem = added({"clickstream": 5, "profiles": 4, "transactions": 5}, 4)
    assert problem is not None
    assert (
        "4 partitions each when this worker started, and now differ (clickstream 5, transactions 5)"
        in problem
    )
    assert "More partitions" in problem
    assert added(dict.fromkeys(("clickstream", "profiles"), 4), 4) is None
