"""Records decoded by the engine: the same events and the same words as the Python codec, for whatever bytes come."""

import json
import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from schemas import records, wire
from segments.engine import _native
from tests.kit.broken import mutated
from tests.kit.values import values
from tests.unit.wire_batches import EXAMPLES, NAMES, batch, decoded, known, runs

KNOWN = known()
INSTANT = 1_795_000_000_000
"""The Kafka timestamp of `batch`, in milliseconds."""


def by_python(name: str, value: bytes) -> Any:
    """The event, or reason and error, as the Python codec gives them."""
    try:
        return schemas.decode(name, value)
    except schemas.DecodeError as error:
        return error.reason, error.message


def by_engine(name: str, values_: list[bytes]) -> list[Any]:
    """The same of the engine; a customer id that is not the key is no matter here."""
    return decoded(KNOWN, name, batch([(b"anna", value) for value in values_]))


LATER = (
    "key_mismatch",
    "invalid_id",
    "from_the_future",
    "unknown_kind",
    "invalid_amount",
    "not_finite",
    "too_long",
)
"""Reasons for which a record is refused that could be decoded."""


def is_later(event: Any) -> bool:
    """Whether a record could be decoded, and was refused for what it says."""
    return isinstance(event, tuple) and (event[0] in LATER or "no instant of the years" in event[1])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_any_record_is_decoded_as_by_python(data: st.DataObject) -> None:
    """Records of any content that their schemas allow, as long as nothing in them is refused."""
    name = data.draw(st.sampled_from(NAMES))
    record = data.draw(values(records.schema(name))) | {"customer_id": "anna", "event_id": "e-1"}
    record["occurred_at"] = min(record["occurred_at"], INSTANT)
    if name == "Transaction":
        record |= {"kind": "refund", "amount": abs(record["amount"])}
    if name == "Profile":
        finite = {
            key: each
            for key, each in record["attributes"].items()
            if each not in (float("inf"), float("-inf"))
        }
        record["attributes"] = finite
    assert by_engine(name, [schemas.encode(name, record)]) == [record]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
def test_broken_bytes_are_refused_in_the_words_of_python(name: str) -> None:
    """Each of 20,000 broken records has the event, or the reason and the error, that the Python codec gives it."""
    chance = random.Random(f"{name} 2026")
    good = schemas.encode(name, EXAMPLES[name] | {"customer_id": "anna"})
    broken = [
        good[:5] + mutated(good[5:], chance) if chance.random() < 0.9 else mutated(good, chance)
        for _ in range(20_000)
    ]
    refused = 0
    for value, found in zip(broken, by_engine(name, broken), strict=True):
        expected = by_python(name, value)
        if is_later(found):
            assert isinstance(expected, dict)
        else:
            # NaN is not equal to itself.
            assert found == expected or repr(found) == repr(expected)
            refused += isinstance(found, tuple)
    assert refused > 10_000


def test_a_value_that_is_none() -> None:
    """A null erases the customer where profiles are, and is no record elsewhere."""
    raw = batch([(b"anna", None), (b"\xff", None), (None, None)])
    assert decoded(KNOWN, "Profile", raw) == [
        None,
        ("invalid_id", "The key is not UTF-8."),
        ("no_key", "The record has no key: the key is the customer id in UTF-8."),
    ]
    error = "expected a record, came a null value: only profiles has null values (erasures)"
    assert decoded(KNOWN, "Click", raw) == [("undecodable", error)] * 3


CLICK, TRANSACTION, PROFILE = (
    EXAMPLES[name] | {"customer_id": "anna", "occurred_at": INSTANT} for name in NAMES
)
ITEM = {"product_id": "p-1", "category": None, "quantity": 1, "price": 100}
LONG = "x" * 5_000


@pytest.mark.parametrize(
    ("name", "changed", "reason", "error"),
    [
        ("Click", {"customer_id": "bea"}, "key_mismatch", "The key b'anna' is not the customer_id 'bea'."),
        (
            "Click",
            {"customer_id": "\x1b[2J" * 100_000},
            "key_mismatch",
            "The key b'anna' is not the customer_id '" + "\\x1b[2J" * 10 + "'….",
        ),
        ("Click", {"event_id": ""}, "invalid_id", "The event_id '' is empty or over 128 bytes."),
        (
            "Click",
            {"event_id": "é" * 65},
            "invalid_id",
            f"The event_id '{'é' * 40}'… is empty or over 128 bytes.",
        ),
        (
            "Click",
            {"occurred_at": INSTANT + 300_001},
            "from_the_future",
            "occurred_at is 300001 ms after the Kafka timestamp: at most 300000.",
        ),
        (
            "Click",
            {"occurred_at": -62_135_596_800_001},
            "undecodable",
            "occurred_at is -62135596800001, which is no instant of the years 1 to 9999.",
        ),
        ("Click", {"page": LONG}, "too_long", "page has 5000 bytes: at most 4096 were expected."),
        (
            "Click",
            {"attributes": {"k" * 50: LONG}},
            "too_long",
            f"attributes.{'k' * 40} has 5000 bytes: at most 4096 were expected.",
        ),
        (
            "Click",
            {"attributes": {LONG: ""}},
            "too_long",
            "a name in attributes has 5000 bytes: at most 4096 were expected.",
        ),
        (
            "Transaction",
            {"kind": "gift"},
            "unknown_kind",
            "kind is 'gift': 'purchase' or 'refund' was expected.",
        ),
        (
            "Transaction",
            {"amount": -1},
            "invalid_amount",
            "amount is negative or does not fit 12 digits, 2 of them decimals.",
        ),
        (
            "Transaction",
            {"amount": 10**30},
            "invalid_amount",
            "amount is negative or does not fit 12 digits, 2 of them decimals.",
        ),
        (
            "Transaction",
            {"items": [ITEM, ITEM | {"price": -(10**12)}]},
            "invalid_amount",
            "The price of an item does not fit 12 digits, 2 of them decimals.",
        ),
        (
            "Transaction",
            {"items": [ITEM, ITEM | {"category": LONG}]},
            "too_long",
            "items[1].category has 5000 bytes: at most 4096 were expected.",
        ),
        (
            "Profile",
            {"attributes": {"score": float("nan")}},
            "not_finite",
            "attributes.score is nan: a finite number was expected.",
        ),
        (
            "Profile",
            {"attributes": {"a": 1.0, "score": float("-inf")}},
            "not_finite",
            "attributes.score is -inf: a finite number was expected.",
        ),
    ],
)
def test_refusals(name: str, changed: dict[str, Any], reason: str, error: str) -> None:
    """Reason and error of each way in which a record is refused whatever the customer's state."""
    record = EXAMPLES[name] | {"customer_id": "anna", "occurred_at": INSTANT} | changed
    assert by_engine(name, [schemas.encode(name, record)]) == [(reason, error)]


def test_a_key_that_is_no_id() -> None:
    """No key, an empty one, one that is too long."""
    value = schemas.encode("Click", CLICK)
    found = decoded(KNOWN, "Click", batch([(None, value), (b"", value), (b"k" * 129, value)]))
    assert found == [
        ("no_key", "The record has no key: the key is the customer id in UTF-8."),
        ("invalid_id", "The key has 0 bytes: 1 to 128 were expected."),
        ("invalid_id", "The key has 129 bytes: 1 to 128 were expected."),
    ]


def test_a_long_event_is_refused() -> None:
    """Beyond 1 MiB, however short its texts are; a profile is not, since it may take a consent away."""
    items = [ITEM | {"product_id": "p" * 4_000}] * 300
    value = schemas.encode("Transaction", TRANSACTION | {"items": items})
    error = f"The record has {len(value)} bytes: at most 1048576 were expected."
    assert by_engine("Transaction", [value]) == [("too_long", error)]
    attributes = {f"a{number}": "x" * 4_000 for number in range(300)}
    profile = PROFILE | {"attributes": attributes}
    assert by_engine("Profile", [schemas.encode("Profile", profile)]) == [profile]


def foreign(chance: random.Random, name: str, number: int) -> Any:
    """A schema of ours as somebody else might have it."""
    schema = deepcopy(records.schema(name))
    for _ in range(chance.randint(1, 4)):
        _CHANGES[chance.randrange(len(_CHANGES))](chance, schema["fields"], number)
    return schema


def _add(chance: random.Random, fields: list[Any], number: int) -> None:
    odd = chance.choice(
        [
            "null", "boolean", "float", "bytes", {"type": "array", "items": ["null", "string"]},
            {"type": "map", "values": "double"}, {"type": "fixed", "name": f"Bits{number}", "size": 3},
            {"type": "enum", "name": f"Colour{number}", "symbols": ["RED", "BLUE"]},
            {"type": "record", "name": f"Tree{number}", "fields": [
                {"name": "left", "type": ["null", f"Tree{number}"]}, {"name": "size", "type": "int"}]},
        ]
    )  # fmt: skip
    names = {field["name"] for field in fields}
    if f"odd{number}" not in names:
        fields.insert(chance.randrange(len(fields) + 1), {"name": f"odd{number}", "type": odd})


def _order(chance: random.Random, fields: list[Any], _number: int) -> None:
    chance.shuffle(fields)


def _drop(chance: random.Random, fields: list[Any], _number: int) -> None:
    fields.remove(chance.choice(fields))


def _retype(chance: random.Random, fields: list[Any], _number: int) -> None:
    field = chance.choice(fields)
    field.pop("default", None)
    field["type"] = chance.choice(
        [
            "int", "bytes", ["null", "string"], ["string", "long", "null"], "string",
            {"type": "long", "logicalType": "timestamp-micros"}, {"type": "map", "values": ["string", "int"]},
            {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": chance.randrange(8)},
            {"type": "int", "logicalType": "date"}, {"type": "string", "avro.java.string": "String"},
        ]
    )  # fmt: skip


_CHANGES = (_add, _order, _drop, _retype)


def noise(chance: random.Random, schema: Any) -> bytes:
    """What a writer with this schema might write: short, and now and then wrong."""
    if isinstance(schema, list):
        place = chance.randrange(len(schema))
        return bytes([2 * place]) + noise(chance, schema[place])
    kind = schema if isinstance(schema, str) else schema["type"]
    match kind:
        case "record":
            return b"".join(noise(chance, field["type"]) for field in schema["fields"])
        case "array":
            return b"\x02" + noise(chance, schema["items"]) + b"\x00"
        case "map":
            return b"\x02\x02a" + noise(chance, schema["values"]) + b"\x00"
        case "string":
            return chance.choice([b"\x08anna", b"\x00", b"\x04\xc3\xa9", b"\x04\xc3\x28"])
        case "bytes":
            return chance.choice([b"\x02\x64", b"\x04\xff\x38", b"\x00"])
        case "float" | "double":
            return b"\x00" * (4 if kind == "float" else 8)
        case "fixed":
            return chance.randbytes(schema["size"])
        case "null":
            return b""
        case "boolean" | "enum":
            return chance.choice([b"\x00", b"\x01", b"\x02"])
        case "int" | "long":
            return chance.choice([b"\x00", b"\x02", b"\xfe\xff\xff\xff\x0f"])
        case _:  # the recursive record once more
            return b"\x00\x02"


@pytest.mark.timeout(120)
def test_foreign_schemas_are_resolved_as_by_python() -> None:
    """Whether a schema can be read, why not, and what its records are: the same as schemas.resolution says."""
    chance = random.Random(2026)
    accepted = events = 0
    for number in range(600):
        name = chance.choice(NAMES)
        schema, schema_id = foreign(chance, name, number), 10_000 + number
        outcome = accepted_by_both(name, schema_id, schema)
        if not outcome:
            continue
        accepted += 1
        written = [wire.header(schema_id) + noise(chance, schema) for _ in range(5)]
        for value, found in zip(written, by_engine(name, written), strict=True):
            expected = by_python(name, value)
            events += isinstance(expected, dict)
            assert isinstance(expected, dict) if is_later(found) else found == expected
    schemas.renumber({release: release.id for release in records.releases()})
    assert accepted > 200
    assert events > 100


def accepted_by_both(name: str, schema_id: int, schema: Any) -> bool:
    """Let both learn of a schema; False if both refuse it, in the same words where they are about ours."""
    one = refusal_of(schemas.accept, schemas.SchemaError, name, schema_id, schema)
    other = refusal_of(KNOWN.accept, ValueError, name, schema_id, json.dumps(schema))
    assert one == other or (one and other and one.startswith("not a whole Avro schema"))
    return not one


def refusal_of(accept: Any, wrong: type[Exception], *arguments: Any) -> str:
    """Why a schema is refused, nothing if it is not."""
    try:
        accept(*arguments)
    except wrong as error:
        return str(error)
    return ""


def test_ids_that_are_not_known_yet() -> None:
    """Where each id comes first, so that a run can be cut there until something is learned of it."""
    learning = known()
    good, own = schemas.encode("Click", CLICK), schemas.written_id("Click")
    unknown = [wire.header(number) + good[5:] for number in (70, 71, 70)]
    (run,) = runs(batch([(b"anna", value) for value in [good, b"", None, *unknown, good]]))
    assert run.ids() == [(0, own), (3, 70), (4, 71)]
    rest = run.split_off(3)
    assert (run.start, run.end, rest.start, rest.end) == (0, 3, 3, 7)
    assert [row[0] for row in rest.raw()] == [3, 4, 5, 6]
    learning.refuse("Click", 70, "is of another shop")
    learning.accept("Click", 71, json.dumps(records.schema("Click")))
    events = [each[4] for each in learning.decode("Click", rest)]
    assert events[0] == events[2] == ("unknown_schema", "schema id 70 is of another shop")
    assert events[1] == events[3] == CLICK
    (wrong,) = learning.decode("Transaction", runs(batch([(b"anna", good)]))[0])
    assert wrong[4] == ("undecodable", f"schema id {own} is Click, not Transaction")
    learning.clear()
    (lost,) = learning.decode("Click", runs(batch([(b"anna", good)]))[0])
    assert lost[4] == ("unknown_schema", f"schema id {own} is none of Click: ")


def test_partitions_are_those_of_kafka() -> None:
    """Murmur2 as Java has it, for the values of Kafka's own test."""
    assert _native.partition_of(b"foobar", 1 << 31) == -790332482 & 0x7FFFFFFF
    assert _native.partition_of(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7
