"""The records on the wire: what the schemas promise, and what becomes of bytes that break the promise."""

import hashlib
import io
import json
import re
import shutil
import struct
from copy import deepcopy
from pathlib import Path
from typing import Any

import avro.io
import avro.schema
import fastavro
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from deploy.dev.release import release_edited, without_docs
from schemas import compiled, records, tables, wire
from schemas.source import kind_of
from tests.kit.values import values

FOLDER = Path(schemas.__file__).parent
NAMES = tuple(schemas.RECORD_OF_TOPIC.values())

EXAMPLES = {
    name: schemas.from_json(name, example) for name, example in records.read(FOLDER / "examples.json").items()
}
CLICK, TRANSACTION = EXAMPLES["Click"], EXAMPLES["Transaction"]

RECORDS = st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), values(records.schema(name))))
PARSED = {name: fastavro.parse_schema(records.read(FOLDER / f"{name}.avsc")) for name in NAMES}
AVRO = {name: avro.schema.parse((FOLDER / f"{name}.avsc").read_text()) for name in NAMES}


def by_fastavro(name: str, value: Any) -> bytes:
    """The bytes that fastavro writes."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, PARSED[name], value)
    return out.getvalue()


def by_avro(name: str, value: Any) -> bytes:
    """The bytes that Apache's avro package writes."""
    out = io.BytesIO()
    avro.io.DatumWriter(AVRO[name]).write(value, avro.io.BinaryEncoder(out))
    return out.getvalue()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(RECORDS)
def test_three_codecs_agree(named: tuple[str, dict[str, Any]]) -> None:
    """Ours, fastavro and avro write the same bytes for the same record, and ours reads back what it wrote."""
    name, record = named
    data = schemas.encode(name, record)
    assert schemas.decode(name, data) == record
    value = fastavro.schemaless_reader(io.BytesIO(data[5:]), PARSED[name])
    assert by_fastavro(name, value) == data[5:]
    assert by_avro(name, value) == data[5:]


@pytest.mark.parametrize("name", NAMES)
def test_header(name: str) -> None:
    """A record begins with byte 0 and the shipped id of its schema, four bytes, big-endian."""
    assert schemas.encode(name, EXAMPLES[name])[:5] == struct.pack(">bI", 0, records.newest(name).id)


def test_avro_sees_times_and_money() -> None:
    """A reader who knows logical types sees an aware time and an exact amount."""
    data = schemas.encode("Transaction", TRANSACTION)
    value: Any = fastavro.schemaless_reader(io.BytesIO(data[5:]), PARSED["Transaction"])
    assert value["occurred_at"].isoformat() == "2026-11-22T09:41:12.250000+00:00"
    assert str(value["amount"]) == "150.00"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_doc(name: str) -> None:
    """Every record and field of a schema says what it means."""

    def undocumented(schema: Any, path: str) -> list[str]:
        if isinstance(schema, list):
            return [each for branch in schema for each in undocumented(branch, path)]
        if not isinstance(schema, dict):
            return []
        found = [path] if kind_of(schema) == "record" and not schema.get("doc") else []
        for field in schema.get("fields", []):
            found += [] if field.get("doc") else [f"{path}.{field['name']}"]
            found += undocumented(field["type"], f"{path}.{field['name']}")
        return found + undocumented(schema.get("items"), path)

    assert undocumented(records.schema(name), name) == []


def _parsed(schema: Any) -> avro.schema.Schema:
    return avro.schema.parse(json.dumps(schema))


def fully_compatible(one: Any, other: Any) -> bool:
    """Whether each reads what the other wrote."""
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    both = ((one, other), (other, one))
    return all(
        checker.get_compatibility(_parsed(reader), _parsed(writer)).compatibility
        is SchemaCompatibilityType.compatible
        for reader, writer in both
    )


@pytest.mark.parametrize("name", NAMES)
def test_evolution_is_fully_compatible(name: str) -> None:
    """Today's schema and every released one read each other's records."""
    for release in records.releases():
        if release.record == name:
            assert fully_compatible(records.schema(name), records.read(release.path)), release


@pytest.mark.parametrize("name", NAMES)
def test_todays_schema_is_released(name: str) -> None:
    """What is written today was released: else `make schemas` does it."""
    assert without_docs(records.schema(name)) == without_docs(records.read(records.newest(name).path))


def test_released_schemas_never_change() -> None:
    """The files in released/ are those that were released, each with an id of its own."""
    sums = (FOLDER / "released" / "SHA256SUMS").read_text().splitlines()
    expected = {line.split()[1]: line.split()[0] for line in sums}
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (FOLDER / "released").glob("*.avsc")
    }
    assert files == expected
    assert {release.path.name for release in records.releases()} == set(files)
    assert len({(each.record, each.version) for each in records.releases()}) == len(records.releases())


def test_an_edited_schema_is_released(tmp_path: Path) -> None:
    """It is copied, and gets the next version, the next id and its checksum; what did not change stays as it is."""
    folder = tmp_path / "schemas"
    shutil.copytree(FOLDER, folder)
    assert release_edited(folder) == []
    assert all(
        (folder / name).read_bytes() == (FOLDER / name).read_bytes()
        for name in ("ids.json", "released/SHA256SUMS")
    )
    edited = records.read(folder / "Link.avsc")
    edited["fields"].append({"name": "country", "type": ["null", "string"], "default": None, "doc": "Where."})
    (folder / "Link.avsc").write_text(json.dumps(edited))
    assert release_edited(folder) == ["Link.2.avsc"]
    ids, before = records.read(folder / "ids.json"), records.read(FOLDER / "ids.json")
    assert ids == before | {str(1 + max(map(int, before))): {"record": "Link", "version": 2}}
    data = (folder / "Link.avsc").read_bytes()
    assert (folder / "released" / "Link.2.avsc").read_bytes() == data
    assert (
        f"{hashlib.sha256(data).hexdigest()}  Link.2.avsc\n"
        in (folder / "released" / "SHA256SUMS").read_text()
    )


def _drop(schema: Any) -> None:
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "kind"]


def _add_required(schema: Any) -> None:
    schema["fields"].append({"name": "country", "type": "string"})


def _retype(schema: Any) -> None:
    schema["fields"][3]["type"] = "long"


def _rename(schema: Any) -> None:
    schema["fields"][3]["name"] = "type"


def _make_nullable(schema: Any) -> None:
    schema["fields"][3] |= {"type": ["null", "string"], "default": None}


@pytest.mark.parametrize("change", [_drop, _add_required, _retype, _rename, _make_nullable])
def test_incompatible_changes_are_found(change: Any) -> None:
    """The check of compatibility refuses each change that would break a reader or a writer."""
    changed = deepcopy(records.schema("Click"))
    change(changed)
    assert not fully_compatible(changed, records.schema("Click"))


def test_a_new_field_with_a_default_is_compatible_and_read() -> None:
    """A version with one field more may be released, and each side reads the other's records."""
    longer = deepcopy(records.schema("Click"))
    longer["fields"].append({"name": "country", "type": ["null", "string"], "default": None})
    assert fully_compatible(longer, records.schema("Click"))
    write = compiled.compile_writer(longer, wire.header(7))
    assert (
        compiled.compile_reader(longer, records.schema("Click"))(write({**CLICK, "country": "NL"})) == CLICK
    )
    old = schemas.encode("Click", CLICK)
    assert compiled.compile_reader(records.schema("Click"), longer)(old) == {**CLICK, "country": None}


def test_another_id_can_be_accepted() -> None:
    """What another registry numbered otherwise is read once its id is made known."""
    data = wire.header(4711) + schemas.encode("Click", CLICK)[5:]
    with pytest.raises(schemas.DecodeError):
        schemas.decode("Click", data)
    schemas.accept("Click", 4711, records.schema("Click"))
    assert schemas.decode("Click", data) == CLICK


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", None),
        ("event_id", b"bytes"),
        ("event_id", "\ud800"),
        ("occurred_at", "2026-01-01T00:00:00Z"),
        ("occurred_at", 1 << 63),
        ("page", 7),
        ("attributes", None),
        ("attributes", {"a": 1}),
    ],
)
def test_what_does_not_fit_is_not_written(field: str, value: Any) -> None:
    """A value of the wrong kind is an EncodeError that names its field."""
    with pytest.raises(schemas.EncodeError, match=f"Click.{field}"):
        schemas.encode("Click", {**CLICK, field: value})


def test_a_missing_field_is_not_written() -> None:
    """Engine form has every field but maps; one that is missing is an error."""
    with pytest.raises(schemas.EncodeError, match="page"):
        schemas.encode("Click", {name: value for name, value in CLICK.items() if name != "page"})


def test_a_map_that_is_left_out_is_empty() -> None:
    """A map is a field that may be left out: a transaction of before it had attributes is written as it was."""
    told = {name: value for name, value in TRANSACTION.items() if name != "attributes"}
    assert schemas.encode("Transaction", told) == schemas.encode("Transaction", told | {"attributes": {}})


def test_what_we_write_comes_with_advice() -> None:
    """For each field of the two records for subscribers the table says what to do with it, and for no other."""
    found: dict[str, set[str]] = {}

    def look(schema: Any) -> None:
        if isinstance(schema, list):
            for branch in schema:
                look(branch)
        elif kind_of(schema) == "array":
            look(schema["items"])
        elif kind_of(schema) == "record":
            found[schema["name"]] = {field["name"] for field in schema["fields"]}
            for field in schema["fields"]:
                look(field["type"])

    for name in ("SegmentEvent", "SegmentMemberships", "SegmentOutcome"):
        look(records.schema(name))
    assert {name: set(each) for name, each in tables.ADVICE.items()} == found


def test_readme_has_every_header() -> None:
    """The headers that the engine writes are in the table, and no other."""
    source = Path("segments/engine/native/src/wire/outputs.rs").read_text(encoding="utf-8")
    written = re.findall(r'"(ce_\w+|content-type)"', source)
    part = (
        (records.FOLDER / "README.md")
        .read_text(encoding="utf-8")
        .partition("## Headers")[2]
        .partition("## ")[0]
    )
    assert set(re.findall(r"`(ce_\w+|content-type)`", part)) == set(written)
