"""Tests with a real Kafka: the commands find the broker of this pytest process."""

import base64
import json

import pytest

from tests.integration.flips import Book
from tests.integration.receiver import receiving


@pytest.fixture
def environment(environment: dict[str, str], kafka) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """The environment of the commands, with the broker's address."""
    return {**environment, "SEGMENTS_BROKERS": kafka.address}


SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.fixture
def receiver():
    """A receiver that takes everything, unless told otherwise."""
    with receiving() as running:
        yield running


@pytest.fixture
def config(tmp_path):
    """Writes a file of destinations: `config(crm={"url": …})`; each has a secret."""

    def write(**destinations):
        (tmp_path / "secret").write_text(SECRET + "\n")
        lines = []
        for name, keys in destinations.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
            if "secret_file" not in keys:
                lines.append('secret_file = "secret"')
        (tmp_path / "deliver.toml").write_text("\n".join(lines))
        return str(tmp_path / "deliver.toml")

    return write


@pytest.fixture
def book(kafka, fresh_topics):
    """Two partitions, and a worker's hand."""
    fresh_topics(2)
    return Book(kafka.address)
