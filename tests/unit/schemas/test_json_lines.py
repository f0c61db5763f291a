"""JSON lines: what people write becomes records or is refused in words, and nothing is passed over."""

import base64
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import ConsumerRecord

import schemas
from schemas import tables
from segments.insight.plain import EventError, event_of
from streams.cli.consume import line_of
from streams.cli.produce import encoded
from streams.history import lines

EXAMPLES = tables.examples()
TRANSACTION = EXAMPLES["Transaction"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_come_back(name: str) -> None:
    """The JSON form of a record is what it was read from."""
    assert schemas.to_json(name, schemas.from_json(name, EXAMPLES[name])) == EXAMPLES[name]


def test_engine_form() -> None:
    """Times are milliseconds, amounts hundredths, and what was left out is null or empty."""
    line = {"event_id": "e", "customer_id": "c", "occurred_at": "1970-01-01T00:00:01Z", "kind": "login"}
    record = schemas.from_json("Click", line)
    assert record["occurred_at"] == 1_000
    assert (record["page"], record["attributes"]) == (None, {})
    assert schemas.from_json("Transaction", TRANSACTION)["amount"] == 15_000


@pytest.mark.parametrize(
    "fields",
    [
        {"customer_id": "\ud800", "erase": True},
        {"customer_id": "\ud800", "event_id": "e", "occurred_at": 1, "attributes": {}, "consents": {}},
        {"customer_id": "c", "event_id": "e", "occurred_at": 1, "attributes": {"\ud800": 1}, "consents": {}},
        {
            "customer_id": "c",
            "event_id": "e",
            "occurred_at": 1,
            "attributes": {"k": "\udfff"},
            "consents": {},
        },
    ],
)
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(fields: dict[str, Any]) -> None:
    """JSON can write a character that UTF-8 has not: a wrong line like any other, in an erasure too."""
    line = lines.parse("f:1", json.dumps(fields).encode())
    with pytest.raises(lines.LineError, match=r"^f:1: .*no half surrogate pair"):
        encoded(line, "profiles")


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("2026-11-22T09:30:00.123Z", 1_795_339_800_123),
        ("2026-11-22T09:30:00Z", 1_795_339_800_000),
        ("2026-11-22T09:30Z", 1_795_339_800_000),
        ("2026-11-22 10:30:00.123000+01:00", 1_795_339_800_123),
        ("2026-11-22T10:30:00+0100", 1_795_339_800_000),
        (1_795_339_800_123, 1_795_339_800_123),
        (Decimal("1795339800123.0"), 1_795_339_800_123),
        (-1, -1),
    ],
)
def test_times(written: Any, milliseconds: int) -> None:
    """ISO 8601 with Z or an offset, and whole milliseconds, are the same instant."""
    assert schemas.from_iso(written) == milliseconds


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2026-11-22T09:30:00",
            "2026-11-22",
            "2026-11-22T09:30:00.0001Z",
            "2026-02-30T09:30:00Z",
            "now",
            "5",
        ),
        *(True, None, 1.5, Decimal("NaN"), []),
    ],
)
def test_times_that_are_none(written: Any) -> None:
    """A time without an offset, too fine, impossible or of another type is refused with an example."""
    with pytest.raises(schemas.JsonError, match=r"occurred_at: expected an instant such as .*, got"):
        schemas.from_json("Click", {**EXAMPLES["Click"], "occurred_at": written})


FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999
"""0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z."""


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(FIRST, LAST))
def test_every_instant_comes_back(instant: int) -> None:
    """Whatever lies in the years 1 to 9999 can be shown and read again."""
    assert schemas.from_iso(schemas.to_iso(instant)) == instant


@pytest.mark.parametrize("instant", [FIRST - 1, LAST + 1, 1 << 62, -(1 << 62), 1 << 63, 10**40])
def test_beyond_the_years_there_is_no_instant(instant: int) -> None:
    """A line with such a time is refused as no record, by the command and by the Python API alike."""
    with pytest.raises(
        schemas.JsonError, match="occurred_at: expected an instant of the years 1 to 9999, got"
    ):
        schemas.from_json("Click", {**EXAMPLES["Click"], "occurred_at": instant})
    with pytest.raises(EventError, match="occurred_at: expected an instant of the years 1 to 9999, got"):
        event_of("clickstream", {**EXAMPLES["Click"], "occurred_at": instant})


@pytest.mark.parametrize(
    ("written", "hundredths"),
    [
        ("150", 15_000),
        ("150.5", 15_050),
        ("150.50", 15_050),
        (150, 15_000),
        (Decimal("150.5"), 15_050),
        (Decimal("1E+2"), 10_000),
        (150.5, 15_050),
        ("0.1000", 10),
        ("-3.01", -301),
        ("9999999999.99", 999_999_999_999),
        ("10000000000.00", 1_000_000_000_000),
    ],
)
def test_amounts(written: Any, hundredths: int) -> None:
    """Amounts are exact; negative ones and those that don't fit are the engine's to refuse."""
    assert schemas.from_json("Transaction", {**TRANSACTION, "amount": written})["amount"] == hundredths


@pytest.mark.parametrize(
    "written",
    [
        *(
            "150.505",
            Decimal("0.001"),
            0.1 + 0.2,
            "1e2",
            "1_000",
            "150,00",
            " 1",
            "",
            "9" * 70,
            True,
            None,
            [],
        ),
        *(Decimal("NaN"), Decimal("1e99999"), Decimal("1e-99999"), float("inf"), 10**200),
    ],
)
def test_amounts_that_are_none(written: Any) -> None:
    """An amount with a third decimal, in another notation or of another type is refused, never rounded."""
    with pytest.raises(schemas.JsonError, match="amount: expected an amount"):
        schemas.from_json("Transaction", {**TRANSACTION, "amount": written})


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("Click", {"pge": "/"}, "pge: Click has no such field; did you mean page?"),
        ("Click", {"zzz": 1}, "zzz: Click has no such field; its fields are event_id, customer_id"),
        ("Click", {"event_id": 7}, "event_id: expected a text, got 7"),
        ("Click", {"event_id": None}, "event_id: expected a text, got null"),
        ("Click", {"event_id": "\ud800"}, "event_id: expected a text of whole characters"),
        ("Click", {"page": 7}, "page: expected a text, got 7"),
        ("Click", {"attributes": {"a": 7}}, "attributes.a: expected a text, got 7"),
        ("Click", {"attributes": []}, "attributes: expected an object, got []"),
        (
            "Profile",
            {"consents": {"marketing": "yes"}},
            'consents.marketing: expected true or false, got "yes"',
        ),
        ("Profile", {"attributes": {"a": None}}, "attributes.a: expected a text, a number, true or false"),
        ("Profile", {"attributes": {"a": Decimal("1e999")}}, "attributes.a: expected a number that fits"),
        ("Transaction", {"items": {}}, "items: expected an array, got {}"),
        ("Transaction", {"items": [7]}, "items[0]: expected an object with the fields of Item, got 7"),
        ("Transaction", {"items": [{}]}, "items[0].product_id: is missing; expected a text"),
        (
            "Transaction",
            {"items": [{"product_id": "p", "quantity": Decimal("1.5"), "price": "1"}]},
            "items[0].quantity: expected a whole number, got 1.5",
        ),
        (
            "SegmentEvent",
            {"cause": {"topc": "x"}},
            "cause.topc: Cause has no such field; did you mean topic?",
        ),
    ],
)
def test_wrong_fields_are_named(name: str, change: dict[str, Any], message: str) -> None:
    """The message says which field, what was expected and what came."""
    with pytest.raises(schemas.JsonError) as caught:
        schemas.from_json(name, {**EXAMPLES[name], **change})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", ["Click", "Transaction", "Profile"])
def test_an_event_id_is_needed(name: str) -> None:
    """Nobody makes up an event id for a line that has none: it would not be the same the next time."""
    with pytest.raises(schemas.JsonError, match="event_id: is missing"):
        schemas.from_json(
            name, {field: value for field, value in EXAMPLES[name].items() if field != "event_id"}
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"nope", "a.jsonl:1: not JSON: Expecting value at column 1"),
        (b"\xff{}", "a.jsonl:1: not UTF-8: invalid start byte at byte 1"),
        (b"[1]", "a.jsonl:1: expected a JSON object"),
        (b'{"a": 1, "a": 2}', "a.jsonl:1: a: stands twice in one object"),
        (b'{"erase": "yes"}', "a.jsonl:1: erase: expected true or false"),
        (b"[" * 100_000, "a.jsonl:1: "),
        (b'{"a": ' + b"9" * 5_000 + b"}", "a.jsonl:1: "),
    ],
    ids=lambda value: str(value[:20]),
)
def test_lines_that_are_no_records(text: bytes, message: str) -> None:
    """A line that is no object of its own names its place and what is wrong."""
    with pytest.raises(lines.LineError) as caught:
        lines.parse("a.jsonl:1", text)
    assert str(caught.value).startswith(message)


def test_places_count_blank_lines() -> None:
    """The number in a message is that of the line in the file; blank ones are counted and passed over."""
    stream = io.BytesIO(b'\xef\xbb\xbf{"a": 1.5}\n\n{"b": 2}')
    parsed = [lines.parse(where, text) for where, text in lines.numbered(stream, "a.jsonl")]
    assert [(line.where, line.fields) for line in parsed] == [
        ("a.jsonl:1", {"a": Decimal("1.5")}),
        ("a.jsonl:3", {"b": 2}),
    ]


def _line(**fields: Any) -> lines.Line:
    return lines.parse("a.jsonl:1", json.dumps(fields).encode())


def test_a_line_becomes_key_and_value() -> None:
    """The key is the customer; what consume adds to a line is no part of the record."""
    key, value = encoded(
        _line(**EXAMPLES["Click"], topic="clickstream", offset=7, timestamp="x"), "clickstream"
    )
    assert key == b"anna"
    assert value is not None
    assert schemas.to_json("Click", schemas.decode("Click", value)) == EXAMPLES["Click"]


def test_an_erasure_is_a_null_value() -> None:
    """A line with "erase": true and a customer_id is a null value; "erase": false is nothing special."""
    assert encoded(_line(erase=True, customer_id="anna"), "profiles") == (b"anna", None)
    assert encoded(_line(erase=False, **EXAMPLES["Profile"]), "profiles")[1] is not None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"topic": "profiles", **EXAMPLES["Click"]}, 'topic: expected clickstream, got "profiles"'),
        ({"erase": True}, "customer_id: expected a text that names who is erased"),
        ({"erase": True, "customer_id": "anna", "page": "/"}, "page: a line with"),
        ({"customer_id": "anna"}, "event_id: is missing"),
    ],
)
def test_lines_that_are_not_sent(fields: dict[str, Any], message: str) -> None:
    """A line for another topic, an erasure of nobody or with more to it, and a wrong record are refused."""
    with pytest.raises(lines.LineError) as caught:
        encoded(_line(**fields), "clickstream")
    assert str(caught.value).startswith(f"a.jsonl:1: {message}")


def _record(topic: str, key: bytes | None, value: bytes | None, headers: Any = ()) -> ConsumerRecord:
    return ConsumerRecord(topic, 3, 0, 41, 1_795_339_800_123, 1, key, value, list(headers), None, 0, 0, 0)


PLACE = {"partition": 3, "offset": 41, "timestamp": "2026-11-22T09:30:00.123Z"}


@pytest.mark.parametrize(("topic", "name"), schemas.RECORD_OF_TOPIC.items())
def test_a_record_becomes_a_line(topic: str, name: str) -> None:
    """A line has the fields of the record, in their order, and where it was."""
    value = schemas.encode(name, schemas.from_json(name, EXAMPLES[name]))
    key = EXAMPLES[name].get("customer_id", "segments")
    line = line_of(_record(topic, key.encode(), value))
    assert line == {**EXAMPLES[name], "topic": topic, **PLACE}
    assert list(line) == [*EXAMPLES[name], "topic", *PLACE]


def test_null_values_become_lines() -> None:
    """An erasure is a line that produce reads again; a null in segment-memberships has no segments."""
    assert line_of(_record("profiles", b"anna", None)) == {
        "customer_id": "anna",
        "erase": True,
        "topic": "profiles",
        **PLACE,
    }
    memberships = line_of(_record("segment-memberships", b"anna", None))
    assert (memberships["customer_id"], memberships["segments"]) == ("anna", None)


def test_a_dead_letter_becomes_a_line() -> None:
    """Key and value of a dead letter are shown byte for byte, as base64, with its headers."""
    headers = [("reason", b"undecodable"), ("error", "märz".encode()), ("offset", b"9")]
    line = line_of(_record("dead-letters", b"\xff", b"\x00\x01", headers))
    assert (base64.b64decode(line["key"]), base64.b64decode(line["value"])) == (b"\xff", b"\x00\x01")
    assert line["headers"] == {"reason": "undecodable", "error": "märz", "offset": "9"}
    assert (line["reason"], line["error"], line["offset"]) == ("undecodable", "märz", 41)


def test_what_cannot_be_decoded_becomes_a_line() -> None:
    """A record that can't be decoded is shown as it is, with what is wrong with it."""
    line = line_of(_record("clickstream", b"\xff", b"\x07nonsense"))
    assert line["key"] == base64.b64encode(b"\xff").decode()
    assert base64.b64decode(line["value"]) == b"\x07nonsense"
    assert line["error"].startswith("undecodable: the first byte is 7")


def test_numbers_that_json_lacks() -> None:
    """A line is JSON for every reader, also where a profile holds what JSON has no word for."""
    record = {**schemas.from_json("Profile", EXAMPLES["Profile"]), "attributes": {"ratio": float("nan")}}
    line = line_of(_record("profiles", b"anna", schemas.encode("Profile", record)))
    shown = json.loads(json.dumps(line, allow_nan=False))
    assert (shown["attributes"], shown["error"]) == ({"ratio": "NaN"}, "not_finite: attributes.ratio is nan")
