"""What the jobs of all engines share: how a click is read, and when a customer flips.

These files run in the environments of other engines, which know nothing of this project but its schema.
"""

import io
import json
import os
import time
from pathlib import Path

import fastavro

FOLDER = Path(__file__).resolve().parents[3]
SCHEMA = fastavro.parse_schema(json.loads((FOLDER / "schemas" / "Click.avsc").read_text()))
BROKERS = os.environ["BENCHMARK_BROKERS"]
GROUP = os.environ["BENCHMARK_GROUP"]
STATE = os.environ["BENCHMARK_STATE"]
OUTPUT = os.environ["BENCHMARK_OUTPUT"]
INPUT = "clickstream"
BOUND = 3


def customer(value: bytes) -> str:
    """Decode a click, all of it, and say whose it is."""
    click = fastavro.schemaless_reader(io.BytesIO(value[5:]), SCHEMA)
    return str(click["customer_id"])


def flip(of: str) -> bytes:
    """The output of a flip: small, and in JSON, which favours the others."""
    return json.dumps({"customer_id": of, "segment": "three_events", "transition": "enter"}).encode()


class Notes:
    """For whoever commits nothing to Kafka: a file that tells how many events it has had."""

    def __init__(self) -> None:
        self._file = Path(os.environ["BENCHMARK_PROGRESS"]).open("a", buffering=1)  # noqa: SIM115
        self._done = 0

    def one_more(self) -> None:
        """Count an event, and note each 2,000th."""
        self._done += 1
        if self._done % 2_000 == 0:
            self._file.write(f"{time.monotonic()} {self._done}\n")
