"""Records written by other people's schemas, and read as ours: Avro's schema resolution."""

import io
import time
from copy import deepcopy
from decimal import Decimal
from typing import Any

import fastavro
import pytest

import schemas
from schemas import compiled, records, wire

FOLDER = records.FOLDER
EXAMPLES = {
    name: schemas.from_json(name, example) for name, example in records.read(FOLDER / "examples.json").items()
}
HEADER = wire.header(77)

LEAF = {"type": "record", "name": "Leaf", "namespace": "shop", "fields": [{"name": "size", "type": "float"}]}
MORE = [
    ("tree", {"type": "record", "name": "Tree", "fields": [{"name": "left", "type": ["null", "Tree"]}]}),
    ("leaf", LEAF),
    ("leaves", {"type": "array", "items": "shop.Leaf"}),
    ("bits", {"type": "fixed", "name": "Bits", "size": 3}),
    ("colour", {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}),
    ("numbers", {"type": "map", "values": ["int", "double", "boolean"]}),
    ("blob", "bytes"),
    ("nothing", "null"),
]
GIVEN = {
    "tree": {"left": {"left": {"left": None}}}, "leaf": {"size": 1.5}, "leaves": [{"size": 2.0}, {"size": 3.0}],
    "bits": b"abc", "colour": "BLUE", "numbers": {"a": 1, "b": 2.5, "c": True}, "blob": b"\x00" * 200, "nothing": None,
}  # fmt: skip


def schema_of(name: str) -> Any:
    """A copy of a schema of ours, to be changed."""
    return deepcopy(records.schema(name))


def change(schema: Any, field: str, kind: Any) -> Any:
    """The schema with another type for a field, which has no default then."""
    found = next(each for each in schema["fields"] if each["name"] == field)
    found["type"] = kind
    found.pop("default", None)
    return schema


def written(schema: Any, record: dict[str, Any]) -> bytes:
    """What fastavro writes by a schema, after the header."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    return HEADER + out.getvalue()


@pytest.mark.parametrize("name", EXAMPLES)
def test_fields_that_we_do_not_know_are_passed_over(name: str) -> None:
    """Whatever their types are and wherever they stand, and if the types are recursive or named elsewhere."""
    longer = schema_of(name)
    for place, (field, kind) in enumerate(MORE):
        longer["fields"].insert(place * 2, {"name": field, "type": kind})
    read = compiled.compile_reader(longer, records.schema(name))
    plain: Any = fastavro.schemaless_reader(
        io.BytesIO(schemas.encode(name, EXAMPLES[name])[5:]),
        fastavro.parse_schema(schema_of(name)),
    )
    assert read(written(longer, plain | GIVEN)) == EXAMPLES[name]


def test_numbers_are_promoted_and_unions_may_be_narrower() -> None:
    """An int is read as our long, a float as our double, a text as our nullable text; Java's texts are texts."""
    click = change(schema_of("Click"), "page", {"type": "string", "avro.java.string": "String"})
    given = EXAMPLES["Click"] | {"page": "/sale"}
    assert compiled.compile_reader(click, records.schema("Click"))(written(click, given)) == given
    transaction = schema_of("Transaction")
    change(transaction["fields"][8]["type"]["items"], "quantity", "int")
    change(transaction, "occurred_at", "long")
    plain = written(transaction, {**_money(EXAMPLES["Transaction"])})
    assert (
        compiled.compile_reader(transaction, records.schema("Transaction"))(plain) == EXAMPLES["Transaction"]
    )
    profile = change(schema_of("Profile"), "attributes", {"type": "map", "values": "float"})
    given = EXAMPLES["Profile"] | {"attributes": {"age": 31.5}}
    assert compiled.compile_reader(profile, records.schema("Profile"))(written(profile, given)) == given
    profile = change(schema_of("Profile"), "attributes", {"type": "map", "values": ["string", "int"]})
    read = compiled.compile_reader(profile, records.schema("Profile"))(
        written(profile, EXAMPLES["Profile"] | {"attributes": {"age": 31, "city": "Gent"}})
    )
    assert read["attributes"] == {"age": 31.0, "city": "Gent"}
    assert isinstance(read["attributes"]["age"], float)


def _money(record: dict[str, Any]) -> dict[str, Any]:
    """A transaction as fastavro takes it: amounts as decimals."""
    plain: Any = fastavro.schemaless_reader(
        io.BytesIO(schemas.encode("Transaction", record)[5:]),
        fastavro.parse_schema(schema_of("Transaction")),
    )
    return {**plain, "occurred_at": record["occurred_at"]}


def _date() -> dict[str, str]:
    return {"type": "int", "logicalType": "date"}


def _nested(levels: int) -> Any:
    kind: Any = "string"
    for _ in range(levels):
        kind = {"type": "array", "items": kind}
    return kind


def _decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


@pytest.mark.parametrize(
    ("name", "field", "kind", "words"),
    [
        ("Click", "kind", "long", "Click.kind: long where string is needed"),
        ("Click", "kind", ["null", "int"], "Click.kind: null where string is needed"),
        ("Click", "occurred_at", _date(), "Click.occurred_at: int .date. where long"),
        ("Click", "occurred_at", "string", "Click.occurred_at: string where long"),
        ("Click", "page", "int", "Click.page: int where null or string"),
        ("Click", "attributes", {"type": "map", "values": "int"}, r"Click.attributes\[\]: int where string"),
        ("Transaction", "amount", "double", "Transaction.amount: double where"),
        ("Transaction", "items", {"type": "array", "items": LEAF}, r"Transaction.items\[\]: Leaf where Item"),
        ("Profile", "consents", {"type": "array", "items": "boolean"}, "Profile.consents: array where map"),
    ],
)
def test_what_can_not_be_read_is_refused_in_words(name: str, field: str, kind: Any, words: str) -> None:
    """The field, the type that it has and the one that it should have."""
    with pytest.raises(schemas.SchemaError, match=words):
        compiled.compile_reader(change(schema_of(name), field, kind), records.schema(name))


def read_as_ours(schema: Any, record: dict[str, Any]) -> dict[str, Any]:
    """A record written by this schema, as the reader of ours takes it."""
    name = schema["name"]
    return compiled.compile_reader(schema, records.schema(name))(written(schema, record))


def test_a_union_is_judged_by_the_value() -> None:
    """A nullable kind with a text in it is read; only a record in which it is null is refused, with the field."""
    nullable = change(schema_of("Click"), "kind", ["null", "string"])
    given = EXAMPLES["Click"]
    assert read_as_ours(nullable, given) == given
    with pytest.raises(compiled.BROKEN, match="null where string is needed"):
        read_as_ours(nullable, given | {"kind": None})


def test_a_union_within_a_map_is_judged_by_the_value_too() -> None:
    """An attribute that is a number is refused as such, an empty map and texts are read."""
    mixed = change(schema_of("Click"), "attributes", {"type": "map", "values": ["int", "string"]})
    for attributes in ({}, {"campaign": "spring"}):
        given = EXAMPLES["Click"] | {"attributes": attributes}
        assert read_as_ours(mixed, given) == given
    with pytest.raises(compiled.BROKEN, match="int where string is needed"):
        read_as_ours(mixed, EXAMPLES["Click"] | {"attributes": {"campaign": 7}})


def test_a_union_of_many_branches_is_told_apart() -> None:
    """The number of a branch may take two bytes: the 70th is not taken for the sixth."""
    others = [{"type": "record", "name": f"Other{number}", "fields": []} for number in range(69)]
    wide = change(schema_of("Click"), "page", [*others, "string"])
    given = EXAMPLES["Click"] | {"page": "/sale"}
    assert read_as_ours(wide, given) == given


@pytest.mark.parametrize(
    ("scale", "written_as", "cents"),
    [(0, 150, 15_000), (1, "49.5", 4_950), (4, "49.9900", 4_999), (2, "1.25", 125), (30, "0.25", 25)],
)
def test_a_decimal_of_another_scale_keeps_its_value(scale: int, written_as: Any, cents: int) -> None:
    """Whole amounts, tenths, ten-thousandths: what has two decimals at most is read."""
    schema = change(schema_of("Transaction"), "amount", _decimal(40, scale))
    given = _money(EXAMPLES["Transaction"]) | {"amount": Decimal(written_as)}
    assert read_as_ours(schema, given)["amount"] == cents


def test_a_decimal_with_more_than_two_decimals_is_refused_by_its_value() -> None:
    """A tenth of a cent can't be kept: that record is refused, its neighbours are not."""
    schema = change(schema_of("Transaction"), "amount", _decimal(12, 3))
    given = _money(EXAMPLES["Transaction"]) | {"amount": Decimal("0.001")}
    with pytest.raises(compiled.BROKEN, match="more than two decimals"):
        read_as_ours(schema, given)


@pytest.mark.parametrize(("unit", "factor"), [("timestamp-micros", 1_000), ("timestamp-nanos", 1_000_000)])
def test_finer_instants_are_cut_to_the_millisecond(unit: str, factor: int) -> None:
    """The millisecond that the instant lies in, before 1970 too."""
    schema = change(schema_of("Click"), "occurred_at", {"type": "long", "logicalType": unit})
    plain = deepcopy(schema)
    change(plain, "occurred_at", "long")  # written as the bare number: fastavro would want a datetime
    read = compiled.compile_reader(schema, records.schema("Click"))
    for instant in (1_767_225_600_123, -1):
        data = written(plain, EXAMPLES["Click"] | {"occurred_at": instant * factor + factor - 1})
        assert read(data)["occurred_at"] == instant


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"type": "fixed", "name": "Odd", "size": -1}, "size of a fixed is -1"),
        ({"type": "fixed", "name": "Odd", "size": "9"}, "size of a fixed is '9'"),
        (_decimal(10**9, 10**8), "precision of a decimal"),
        (_decimal(4, 9), "scale of a decimal is 9"),
        (["string"] * 2, "string in it twice"),
        (["string"] * 3_000, "union of 3000 branches"),
        (
            {"type": "enum", "name": "Wide", "symbols": [f"S{n}" for n in range(20_000)]},
            "more than 10000 parts",
        ),
        (_nested(3_000), "more than 64 levels"),
    ],
)
def test_a_schema_without_bounds_is_refused(kind: Any, words: str) -> None:
    """Sizes that are none, and schemas that would keep a worker busy, wherever the field stands."""
    with pytest.raises(schemas.SchemaError, match=words):
        compiled.compile_reader(change(schema_of("Click"), "page", kind), records.schema("Click"))


@pytest.mark.parametrize("bytes_", [20_000, 200_000])
def test_what_takes_no_byte_is_passed_over_in_bounded_time(bytes_: int) -> None:
    """An array of nulls in blocks, each as long as the rest of the record, takes a step a byte and not the square."""
    longer = schema_of("Click")
    longer["fields"].insert(0, {"name": "nothing", "type": {"type": "array", "items": "null"}})
    read = compiled.compile_reader(longer, records.schema("Click"))
    block = bytes([0xFE, 0x7F])  # 8,191 entries of no byte
    began = time.process_time()
    with pytest.raises(compiled.BROKEN):
        read(HEADER + block * (bytes_ // 2))
    assert time.process_time() - began < 2


def test_a_missing_field_needs_a_default() -> None:
    """One that has a default gets it; one without is named."""
    shorter = schema_of("Click")
    shorter["fields"] = [field for field in shorter["fields"] if field["name"] not in ("page", "attributes")]
    read = compiled.compile_reader(shorter, records.schema("Click"))
    given = EXAMPLES["Click"] | {"page": None, "attributes": {}}
    assert read(written(shorter, given)) == given
    shorter["fields"] = [field for field in shorter["fields"] if field["name"] != "kind"]
    with pytest.raises(schemas.SchemaError, match="Click: no field kind, which has no default"):
        compiled.compile_reader(shorter, records.schema("Click"))


@pytest.mark.parametrize(
    "broken",
    ["nonsense", {"type": "record"}, {"type": "record", "name": "Click", "fields": [{}]}, 7, None, {}, []],
)
def test_what_is_no_schema_is_refused(broken: Any) -> None:
    """A registry may hold anything; it is refused in words like the rest."""
    with pytest.raises(schemas.SchemaError):
        compiled.compile_reader(broken, records.schema("Click"))


def test_broken_bytes_of_foreign_types_are_refused() -> None:
    """Cut anywhere, or nested without end: what the reader raises is what `decode` makes a refusal of."""
    longer = schema_of("Click")
    longer["fields"] = [{"name": field, "type": kind} for field, kind in MORE] + longer["fields"]
    read = compiled.compile_reader(longer, records.schema("Click"))
    whole = written(longer, EXAMPLES["Click"] | GIVEN)
    for end in range(5, len(whole)):
        with pytest.raises(compiled.BROKEN):
            read(whole[:end])
    with pytest.raises(compiled.BROKEN):
        read(HEADER + b"\x02" * 1_000_000)


def test_a_registry_may_number_everything_anew() -> None:
    """Then its ids are written and read, those that were shipped are not, and a refusal tells why."""
    releases = records.releases()
    good, own = schemas.encode("Click", EXAMPLES["Click"]), schemas.written_id("Click")
    numbers = ", ".join(str(each.id + 1000) for each in releases if each.record == "Click")
    try:
        schemas.renumber({each: each.id + 1000 for each in releases})
        data = schemas.encode("Click", EXAMPLES["Click"])
        assert data == wire.header(own + 1000) + good[5:]
        assert schemas.decode("Click", data) == EXAMPLES["Click"]
        with pytest.raises(schemas.DecodeError, match=f"schema id {own} is none of Click: {numbers}"):
            schemas.decode("Click", good)
        assert not schemas.is_settled("Click", good)
        schemas.refuse("Click", own, "is of another shop")
        assert schemas.is_settled("Click", good)
        with pytest.raises(schemas.DecodeError, match=f"schema id {own} is of another shop") as caught:
            schemas.decode("Click", good)
        assert caught.value.reason == "unknown_schema"
        with pytest.raises(schemas.DecodeError, match="1002 is Transaction, not Click"):
            schemas.decode("Click", wire.header(1002) + good[5:])
    finally:
        schemas.renumber({each: each.id for each in releases})
    assert schemas.encode("Click", EXAMPLES["Click"]) == good
