"""Records as JSON, for people: field names as in Avro, times as ISO 8601, amounts as texts with two decimals.

Bytes are base64.

What comes in is checked field by field and nothing is passed over: an unknown field is refused by name.
"""

import base64
import binascii
import difflib
import math
import re
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from schemas import records
from schemas.errors import JsonError, shown
from schemas.instants import from_iso, to_iso
from schemas.source import kind_of

LARGEST_AMOUNT = Decimal(10) ** 60
"""In hundredths, beyond any sum of money. What merely doesn't fit a decimal (12, 2), or is negative, can be
written: refusing it is the engine's task, with a dead letter."""

_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation])
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")

_EMPTY: dict[str, Callable[[], Any]] = {"map": dict, "array": list}


def to_json(name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The JSON form of a record in engine form."""
    form: dict[str, Any] = _shown(records.schema(name), record)
    return form


def from_json(name: str, line: Any) -> dict[str, Any]:
    """The engine form of a line of JSON; JsonError says which field, what was expected and what came.

    Nullable fields, maps and arrays may be left out. Numbers with a fraction are best read as Decimal
    (`json.loads(text, parse_float=Decimal)`).
    """
    record: dict[str, Any] = _read(records.schema(name), line, "")
    return record


def _shown(schema: Any, value: Any) -> Any:
    kind = kind_of(schema)
    if value is None:
        return None
    if kind == "union":
        return _shown_branch(schema, value)
    if kind == "record":
        return {field["name"]: _shown(field["type"], value[field["name"]]) for field in schema["fields"]}
    if kind == "array":
        return [_shown(schema["items"], item) for item in value]
    if kind == "map":
        return {key: _shown(schema["values"], item) for key, item in value.items()}
    if kind == "decimal":
        return _amount_text(value)
    if kind == "bytes":
        return base64.b64encode(value).decode()
    return to_iso(value) if kind == "long" and not isinstance(schema, str) else value


def _shown_branch(schema: Any, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no word for it. A reader that expects a number refuses the text, as the workers do.
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    branch = next((each for each in schema if kind_of(each) in _DEEP), None)
    return value if branch is None else _shown(branch, value)


_DEEP = {"record", "array", "long", "decimal", "bytes"}


def _amount_text(hundredths: int) -> str:
    whole, cents = divmod(abs(hundredths), 100)
    return f"{'-' if hundredths < 0 else ''}{whole}.{cents:02}"


def _read(schema: Any, value: Any, path: str) -> Any:
    reads = _READS[kind_of(schema)]
    return reads(schema, value, path)


def _unexpected(path: str, expected: str, value: Any) -> JsonError:
    return JsonError(path, f"expected {expected}, got {shown(value)}")


def _read_record(schema: Any, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(path, f"an object with the fields of {schema['name']}", value)
    fields = {field["name"]: field["type"] for field in schema["fields"]}
    for name in value:
        if name not in fields:
            raise JsonError(_join(path, name), _unknown(name, schema["name"], list(fields)))
    return {name: _read_field(type_, value, name, path) for name, type_ in fields.items()}


def _read_field(schema: Any, line: dict[str, Any], name: str, path: str) -> Any:
    if name in line:
        return _read(schema, line[name], _join(path, name))
    kind = kind_of(schema)
    if kind == "union" and "null" in schema:
        return None
    if kind in _EMPTY:
        return _EMPTY[kind]()
    raise JsonError(_join(path, name), f"is missing; expected {_EXPECTED[_plain(schema)]}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unknown(name: str, record: str, fields: list[str]) -> str:
    near = difflib.get_close_matches(name, fields, n=1)
    hint = f"did you mean {near[0]}?" if near else f"its fields are {', '.join(fields)}"
    return f"{record} has no such field; {hint}"


def _read_string(_schema: Any, value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _unexpected(path, _EXPECTED["string"], value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _unexpected(path, "a text of whole characters (no half surrogate pair)", value) from None
    return value


def _read_bytes(_schema: Any, value: Any, path: str) -> bytes:
    if not isinstance(value, str):
        raise _unexpected(path, _EXPECTED["bytes"], value)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _unexpected(path, _EXPECTED["bytes"], value) from None


def _read_long(schema: Any, value: Any, path: str) -> int:
    if not isinstance(schema, str):
        try:
            return from_iso(value)
        except ValueError as error:
            raise JsonError(path, str(error)) from None
    bits = 31 if schema == "int" else 63
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << bits) <= value < 1 << bits:
        raise _unexpected(path, _EXPECTED["long"], value)
    return value


def _read_decimal(_schema: Any, value: Any, path: str) -> int:
    try:
        amount = _EXACT.scaleb(_decimal(value), 2)
    except (Inexact, InvalidOperation):
        raise _unexpected(path, _EXPECTED["decimal"], value) from None
    if not amount.is_finite() or abs(amount) >= LARGEST_AMOUNT:
        raise _unexpected(path, _EXPECTED["decimal"], value)
    if amount != amount.to_integral_value():
        raise _unexpected(path, "an amount with at most two decimals", value)
    return int(amount)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise InvalidOperation
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        raise InvalidOperation
    return Decimal(repr(value) if isinstance(value, float) else value)


def _read_double(_schema: Any, value: Any, path: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _unexpected(path, "a number that fits a double", value)
    return number


def _read_boolean(_schema: Any, value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _unexpected(path, _EXPECTED["boolean"], value)
    return value


def _read_union(schema: Any, value: Any, path: str) -> Any:
    if "null" in schema:
        return None if value is None else _read(schema[1], value, path)
    branch = _BRANCHES.get(type(value))
    if branch is None:
        raise _unexpected(path, "a text, a number, true or false (leave it out if there is none)", value)
    return _read(branch, value, path)


_BRANCHES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "double",
    float: "double",
    Decimal: "double",
}


def _read_array(schema: Any, value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _unexpected(path, "an array", value)
    return [_read(schema["items"], item, f"{path}[{index}]") for index, item in enumerate(value)]


def _read_map(schema: Any, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(path, "an object", value)
    return {
        _read_string("string", key, path): _read(schema["values"], item, _join(path, key))
        for key, item in value.items()
    }


_READS: dict[str, Callable[[Any, Any, str], Any]] = {
    "record": _read_record,
    "string": _read_string,
    "bytes": _read_bytes,
    "long": _read_long,
    "int": _read_long,
    "decimal": _read_decimal,
    "double": _read_double,
    "boolean": _read_boolean,
    "union": _read_union,
    "array": _read_array,
    "map": _read_map,
}

_EXPECTED = {
    "string": "a text",
    "bytes": "bytes in base64",
    "instant": "an instant",
    "long": "a whole number",
    "int": "a whole number",
    "decimal": 'an amount such as "150.00"',
    "double": "a number",
    "boolean": "true or false",
}


def _plain(schema: Any) -> str:
    """The key into what is expected of a field that may not be left out."""
    kind = kind_of(schema)
    return "instant" if kind == "long" and not isinstance(schema, str) else kind
