"""Passing over what a writer wrote and we do not want: any Avro type at all, recursive ones included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.binary import BrokenError, read_count, read_length, read_long

Names = Mapping[str, Any]
"""The named types of a schema, by full name."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A type that is passed over: called with the bytes and a position, it gives the position after."""

    schema: Any
    names: Names

    def __call__(self, data: bytes, at: int) -> int:
        """The position after a value that starts at `at`."""
        return _skip(data, at, self.schema, self.names)


def _skip(data: bytes, at: int, schema: Any, names: Names) -> int:
    if isinstance(schema, list):
        branch, at = read_long(data, at)
        if not 0 <= branch < len(schema):
            raise BrokenError(f"{branch} is none of the branches of the union")
        return _skip(data, at, schema[branch], names)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind in _KINDS:
        return _KINDS[kind](data, at, schema, names)
    # A name, or a type in a type: {"type": {"type": "string"}}.
    return _skip(data, at, names[kind] if isinstance(kind, str) else kind, names)


def _nothing(_data: bytes, at: int, _schema: Any, _names: Names) -> int:
    return at


def _number(data: bytes, at: int, _schema: Any, _names: Names) -> int:
    return read_long(data, at)[1]


def _fixed_length(length: int) -> Callable[[bytes, int, Any, Names], int]:
    return lambda _data, at, _schema, _names: at + length


def _bytes(data: bytes, at: int, _schema: Any, _names: Names) -> int:
    length, at = read_length(data, at)
    return at + length


def _fixed(_data: bytes, at: int, schema: Any, _names: Names) -> int:
    return at + int(schema["size"])


def _array(data: bytes, at: int, schema: Any, names: Names) -> int:
    left, at = read_count(data, at)
    while left:
        for _ in range(left):
            at = _skip(data, at, schema["items"], names)
        left, at = read_count(data, at)
    return at


def _map(data: bytes, at: int, schema: Any, names: Names) -> int:
    left, at = read_count(data, at)
    while left:
        for _ in range(left):
            at = _skip(data, _bytes(data, at, None, names), schema["values"], names)
        left, at = read_count(data, at)
    return at


def _record(data: bytes, at: int, schema: Any, names: Names) -> int:
    for field in schema["fields"]:
        at = _skip(data, at, field["type"], names)
    return at


_KINDS: dict[str, Callable[[bytes, int, Any, Names], int]] = {
    "null": _nothing,
    "boolean": _fixed_length(1),
    "int": _number,
    "long": _number,
    "float": _fixed_length(4),
    "double": _fixed_length(8),
    "bytes": _bytes,
    "string": _bytes,
    "fixed": _fixed,
    "enum": _number,
    "array": _array,
    "map": _map,
    "record": _record,
    "error": _record,
}
