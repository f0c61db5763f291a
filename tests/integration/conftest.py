"""Tests with a real Kafka: the commands find the broker of this pytest process."""

import pytest


@pytest.fixture
def environment(environment: dict[str, str], kafka) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """The environment of the commands, with the broker's address."""
    return {**environment, "SEGMENTS_BROKERS": kafka.address}
