"""Passing over what a writer wrote and we do not want: any Avro type at all, recursive ones included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.binary import BrokenError, read_count, read_length, read_long

Names = Mapping[str, Any]
"""The named types of a schema, by full name."""


STEPS_PER_BYTE = 4
"""A value takes two steps a byte at most, a nullable one; beyond that come types that take no byte."""
STEPS = 10_000
"""Steps beside those, for records of records and for what takes no byte."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A type that is passed over: called with the bytes and a position, it gives the position after."""

    schema: Any
    names: Names

    def __call__(self, data: bytes, at: int) -> int:
        """The position after a value that starts at `at`."""
        return _Walk(data, self.names).over(self.schema, at)


class _Walk:
    """One walk over the bytes, with a limit of steps: blocks of types that take no byte would never end."""

    def __init__(self, data: bytes, names: Names) -> None:
        self._data, self._names = data, names
        self._left = STEPS + STEPS_PER_BYTE * len(data)

    def over(self, schema: Any, at: int) -> int:
        """The position after a value of this type that starts at `at`."""
        self._left -= 1
        if self._left < 0:
            raise BrokenError(f"more than {STEPS_PER_BYTE} parts a byte in a field that is passed over")
        if isinstance(schema, list):
            branch, at = read_long(self._data, at)
            if not 0 <= branch < len(schema):
                raise BrokenError(f"{branch} is none of the branches of the union")
            return self.over(schema[branch], at)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in _WIDTHS:
            return at + _WIDTHS[kind]
        if kind in _SKIPS:
            return _SKIPS[kind](self, schema, at)
        # A name, or a type in a type: {"type": {"type": "string"}}.
        return self.over(self._names[kind] if isinstance(kind, str) else kind, at)

    def _number(self, _schema: Any, at: int) -> int:
        return read_long(self._data, at)[1]

    def _bytes(self, _schema: Any, at: int) -> int:
        length, at = read_length(self._data, at)
        return at + length

    def _fixed(self, schema: Any, at: int) -> int:
        return at + int(schema["size"])

    def _array(self, schema: Any, at: int) -> int:
        left, at = read_count(self._data, at)
        while left:
            for _ in range(left):
                at = self.over(schema["items"], at)
            left, at = read_count(self._data, at)
        return at

    def _map(self, schema: Any, at: int) -> int:
        left, at = read_count(self._data, at)
        while left:
            for _ in range(left):
                at = self.over(schema["values"], self._bytes(None, at))
            left, at = read_count(self._data, at)
        return at

    def _record(self, schema: Any, at: int) -> int:
        for field in schema["fields"]:
            at = self.over(field["type"], at)
        return at


_WIDTHS = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_SKIPS: dict[Any, Callable[[_Walk, Any, int], int]] = {
    "int": _Walk._number,  # noqa: SLF001 - its own methods, by type
    "long": _Walk._number,  # noqa: SLF001
    "enum": _Walk._number,  # noqa: SLF001
    "bytes": _Walk._bytes,  # noqa: SLF001
    "string": _Walk._bytes,  # noqa: SLF001
    "fixed": _Walk._fixed,  # noqa: SLF001
    "array": _Walk._array,  # noqa: SLF001
    "map": _Walk._map,  # noqa: SLF001
    "record": _Walk._record,  # noqa: SLF001
    "error": _Walk._record,  # noqa: SLF001
}
