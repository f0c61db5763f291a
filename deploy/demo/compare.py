"""Are the flips of the workers those of `segments replay`? For each customer, byte for byte but `emitted_at`.

Replay reads what `segments consume` gets out of Kafka, so it sees partition, offset and timestamp as the
workers did, and it knows no Kafka itself.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import schemas
from deploy.demo.cluster import Cluster, run
from segments.language.catalogue import INPUTS

# A customer's flips in order: all of each record, `emitted_at` left out.
Flips = dict[str, list[bytes]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many flips either side has, and the first customer on whom they differ, in words."""

    workers: int
    replay: int
    difference: str | None

    @property
    def equal(self) -> bool:
        """True if the two are the same."""
        return self.difference is None


async def replayed(where: Cluster) -> Flips:
    """The flips that `segments replay` makes of all the input that is in Kafka now."""
    inputs = [where.folder / f"{topic}.jsonl" for topic in INPUTS]
    for topic, file in zip(INPUTS, inputs, strict=True):
        await run(where, "consume", topic, "--from-beginning", "--until-end", output=file)
    output = where.folder / "replay.jsonl"
    await run(where, "replay", *map(str, inputs), "--partitions", str(where.partitions), output=output)
    return by_customer(read(output))


def read(file: Path) -> Iterable[dict[str, Any]]:
    """The segment events of a file of JSON lines, in engine form."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield schemas.from_json(schemas.SEGMENT_EVENT, _own_fields(json.loads(line, parse_float=Decimal)))


def _own_fields(line: dict[str, Any]) -> dict[str, Any]:
    """The fields to compare: without topic, partition, offset and timestamp; `emitted_at` is 0 if it is missing."""
    place = ("topic", "partition", "offset", "timestamp")
    return {"emitted_at": 0} | {name: value for name, value in line.items() if name not in place}


def by_customer(records: Iterable[dict[str, Any]]) -> Flips:
    """Each customer's flips, in the order in which they came."""
    flips: Flips = defaultdict(list)
    for record in records:
        flips[record["customer_id"]].append(schemas.encode(schemas.SEGMENT_EVENT, record | {"emitted_at": 0}))
    return flips


def compare(workers: Flips, replay: Flips) -> Comparison:
    """The two sides, customer by customer."""
    differing = (
        name for name in sorted(workers.keys() | replay.keys()) if workers.get(name) != replay.get(name)
    )
    first = next(differing, None)
    return Comparison(
        workers=sum(map(len, workers.values())),
        replay=sum(map(len, replay.values())),
        difference=None
        if first is None
        else _difference(first, workers.get(first, []), replay.get(first, [])),
    )


def _difference(customer: str, workers: list[bytes], replay: list[bytes]) -> str:
    for at in range(max(len(workers), len(replay))):
        ours, theirs = (_shown(side[at]) if at < len(side) else "nothing" for side in (workers, replay))
        if ours != theirs:
            return f"{customer}, flip {at + 1}: the workers say {ours}, replay says {theirs}"
    return f"{customer} differs"


def _shown(flip: bytes) -> str:
    record = schemas.to_json(schemas.SEGMENT_EVENT, schemas.decode(schemas.SEGMENT_EVENT, flip))
    return json.dumps({name: value for name, value in record.items() if name != "emitted_at"})
