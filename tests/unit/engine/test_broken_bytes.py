"""What becomes of bytes that are not the record they should be: always a DecodeError, in words, at once."""

import io
import random
from pathlib import Path
from typing import Any

import fastavro
import pytest

import schemas
from schemas import records, wire
from tests.kit.broken import HUGE, mutated

FOLDER = Path(schemas.__file__).parent
NAMES = tuple(schemas.RECORD_OF_TOPIC.values())
EXAMPLES = {
    name: schemas.from_json(name, example) for name, example in records.read(FOLDER / "examples.json").items()
}
CLICK, TRANSACTION = EXAMPLES["Click"], EXAMPLES["Transaction"]

GOOD = schemas.encode("Click", CLICK)
HEADER = wire.header(1)


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (b"", "undecodable", "0 bytes"),
        (b"\x00\x00", "undecodable", "2 bytes"),
        (b"\x01" + GOOD[1:], "undecodable", "first byte is 1"),
        (b'{"event_id": "e-1"}', "undecodable", "first byte"),
        (wire.header(99) + GOOD[5:], "unknown_schema", "schema id 99"),
        (wire.header(2) + GOOD[5:], "undecodable", "Transaction, not Click"),
        (HEADER, "undecodable", "event_id"),
        (GOOD[:20], "undecodable", "ends early"),
        (GOOD + b"\x00", "undecodable", "1 bytes too many"),
        (HEADER + b"\x02\xff" + GOOD[9:], "undecodable", "not UTF-8"),
        (HEADER + b"\x01" + GOOD[6:], "undecodable", "length of -1"),
        (HEADER + HUGE + GOOD[6:], "undecodable", "declared length"),
        (HEADER + b"\xff" * 10 + b"\x01", "undecodable", "longer than 64 bits"),
        (HEADER + b"\xff" * 9 + b"\x02", "undecodable", "longer than 64 bits"),
        (HEADER + b"\x80" * 5_000_000, "undecodable", "longer than 64 bits"),
        (GOOD[:-18] + HUGE, "undecodable", "declared entries"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_broken_bytes_are_refused_in_words(data: bytes, reason: str, words: str) -> None:
    """Each way of being broken has its reason, and a message that says what was found."""
    with pytest.raises(schemas.DecodeError, match=words) as caught:
        schemas.decode("Click", data)
    assert caught.value.reason == reason


def test_a_branch_that_a_union_does_not_have() -> None:
    """Neither a branch too high nor a negative one is taken for another."""
    at = GOOD.index(b"product_view") + len(b"product_view")
    for branch in (b"\x01", b"\x03", b"\x04"):
        with pytest.raises(schemas.DecodeError, match="branches"):
            schemas.decode("Click", GOOD[:at] + branch + GOOD[at + 1 :])


def test_amounts_that_do_not_fit_are_decoded() -> None:
    """Thirteen digits and negative amounts are read, so that they can be refused for what they are."""
    for amount in (-1, 10**12, 10**30):
        record = {**TRANSACTION, "amount": amount}
        assert schemas.decode("Transaction", schemas.encode("Transaction", record)) == record


def test_absurd_amounts_are_not() -> None:
    """A decimal of hundreds of bytes is not worth reading."""
    with pytest.raises(schemas.DecodeError, match="decimal"):
        schemas.decode("Transaction", schemas.encode("Transaction", {**TRANSACTION, "amount": 1 << 2000}))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", NAMES)
def test_mutated_bytes(name: str) -> None:
    """Each of 3,000 broken records is refused as such, or read just as fastavro reads it."""
    chance = random.Random(f"{name} 2026")
    good = schemas.encode(name, EXAMPLES[name])
    refused = 0
    for _ in range(3_000):
        data = good[:5] + mutated(good[5:], chance) if chance.random() < 0.9 else mutated(good, chance)
        try:
            record = schemas.decode(name, data)
        except schemas.DecodeError:
            refused += 1
            continue
        again = schemas.encode(name, record)
        value = fastavro.schemaless_reader(io.BytesIO(data[5:]), PLAIN[name])
        assert repr(value) == repr(fastavro.schemaless_reader(io.BytesIO(again[5:]), PLAIN[name]))
    assert refused > 1_000


def plain(schema: Any) -> Any:
    """A schema without logical types, which fail on numbers out of their range."""
    if isinstance(schema, list):
        return [plain(each) for each in schema]
    if isinstance(schema, dict):
        return {
            key: plain(value)
            for key, value in schema.items()
            if key not in ("logicalType", "precision", "scale")
        }
    return schema


PLAIN = {name: fastavro.parse_schema(plain(records.schema(name))) for name in NAMES}
