"""Microseconds to read and to write a record, ours against fastavro: `python -m tests.benchmarks.codecs`."""

import io
import sys
from collections.abc import Callable
from timeit import repeat
from typing import Any

import fastavro

import schemas
from schemas import records

ROUNDS = 20_000


def microseconds(function: Callable[[], object]) -> float:
    """The best of five, since other processes only ever make it slower."""
    return min(repeat(function, number=ROUNDS, repeat=5)) / ROUNDS * 1e6


def row(name: str, record: dict[str, Any]) -> str:
    """What one record costs to read and to write, ours and fastavro's."""
    data = schemas.encode(name, record)
    parsed = fastavro.parse_schema(records.schema(name))
    value = fastavro.schemaless_reader(io.BytesIO(data[5:]), parsed)
    ways: tuple[Callable[[], object], ...] = (
        lambda: schemas.decode(name, data),
        lambda: schemas.encode(name, record),
        lambda: fastavro.schemaless_reader(io.BytesIO(data[5:]), parsed),
        lambda: fastavro.schemaless_writer(io.BytesIO(), parsed, value),
    )
    return f"{name:20} {len(data):5}" + "".join(f"{microseconds(way):16.2f}" for way in ways)


def main() -> None:
    """Print a table, a row for each record of ours."""
    heads = ("read", "write", "fastavro reads", "writes")
    sys.stdout.write(f"{'':20} {'bytes':>5}" + "".join(f"{head:>16}" for head in heads) + "\n")
    for name, example in records.read(records.FOLDER / "examples.json").items():
        sys.stdout.write(row(name, schemas.from_json(name, example)) + "\n")


if __name__ == "__main__":
    main()
