"""Avro's schema resolution: whether what one schema wrote can be read as another one has it, and how.

Followed to the letter of Avro 1.12, with two exceptions. A time or an amount in another unit than ours is converted
where Avro would read the bare number: microseconds and nanoseconds are cut to the millisecond, decimals of another
scale keep their value. A logical type that Avro would ignore because it is invalid is refused.
"""

from dataclasses import dataclass
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException

from schemas.bounds import check, check_union
from schemas.errors import SchemaError
from schemas.skipping import Names, Skip
from schemas.source import kind_of

_PROMOTED = {
    "int": {"int", "long", "double"},
    "long": {"long", "double"},
    "float": {"double"},
    "bytes": {"bytes", "string"},
}
_NUMBERS = {"int", "long", "bytes"}
LONGEST_NAME = 100
"""Characters of a foreign name that a message repeats."""
_PER_MILLISECOND = {"timestamp-micros": 1_000, "timestamp-nanos": 1_000_000}


@dataclass(frozen=True, slots=True)
class Unfit:
    """A branch of the writer's union that we can't read: only a value of this branch is refused, with these words."""

    why: str


def resolved(writer: Any, reader: Any) -> Any:
    """The writer's schema with what `compiled` needs to read it: names written out, unwanted fields as `Skip`.

    Raises SchemaError, with the field and both types, if what it wrote can't be read by the reader's schema.
    """
    names: dict[str, Any] = {}
    check(writer)
    try:
        parsed = fastavro.parse_schema(writer, names)
    except (SchemaParseException, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SchemaError(f"not a whole Avro schema: {type(error).__name__}: {error}") from error
    return _Resolution(names).of(parsed, reader, str(reader["name"]))


class _Resolution:
    """One walk over two schemas; it ends where the reader's does, which is not recursive."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def of(self, writer: Any, reader: Any, at: str) -> Any:
        """What the writer wrote at a place, as the reader takes it."""
        writer = self._written_out(writer)
        if isinstance(writer, list):
            check_union(writer, at)
            return self._branches(writer, reader, at)
        wanted = reader if isinstance(reader, list) else [reader]
        fitting = next((each for each in wanted if self._fits(writer, each)), None)
        if fitting is None:
            raise SchemaError(f"{at}: {_words(writer)} where {_words(reader)} is needed")
        return self._same_kind(writer, fitting, at)

    def _branches(self, writer: list[Any], reader: Any, at: str) -> list[Any]:
        """Which branch was written is known only from the value: those that do not fit are refused there."""
        found: list[Any] = []
        for branch in writer:
            try:
                found.append(self.of(branch, reader, at))
            except SchemaError as error:
                found.append(Unfit(str(error).removeprefix(f"{at}: ")))
        if all(isinstance(each, Unfit) for each in found):
            raise SchemaError(f"{at}: {found[0].why}")
        return found

    def _written_out(self, schema: Any) -> Any:
        """A name replaced by its type; a type in a type is that type."""
        while isinstance(schema, str) and schema in self._names:
            schema = self._names[schema]
        while isinstance(schema, dict) and not isinstance(schema["type"], str):
            schema = self._written_out(schema["type"])
        return schema

    def _fits(self, writer: Any, reader: Any) -> bool:
        """Whether these two, neither a union, are of one kind; their parts are not looked at."""
        kind, wanted = _base(writer), _base(reader)
        if wanted not in _PROMOTED.get(kind, {kind}):
            return False
        if kind == "record":
            return _short(writer["name"]) == _short(reader["name"])
        return kind not in _NUMBERS or _marks(writer) in (None, _marks(reader)) or _converts(writer, reader)

    def _same_kind(self, writer: Any, reader: Any, at: str) -> Any:
        match _base(writer):
            case "record":
                return {**writer, "fields": self._fields(writer, reader, at)}
            case "array":
                return {"type": "array", "items": self.of(writer["items"], reader["items"], f"{at}[]")}
            case "map":
                return {"type": "map", "values": self.of(writer["values"], reader["values"], f"{at}[]")}
            case "bytes":
                # On the wire a text is bytes, and a decimal is.
                return reader if _base_of_text(reader) else _rescaled(writer, reader)
            case "long" if _logical(writer) in _PER_MILLISECOND:
                return {"type": "long", "divided_by": _PER_MILLISECOND[_logical(writer)]}
            case kind if _base(reader) == "double" != kind:
                return {"type": kind, "becomes": "float"}
            case kind:
                return kind

    def _fields(self, writer: Any, reader: Any, at: str) -> list[Any]:
        wanted = {field["name"]: field for field in reader["fields"]}
        missing = wanted.keys() - {field["name"] for field in writer["fields"]}
        for name in sorted(missing):
            if "default" not in wanted[name]:
                raise SchemaError(f"{at}: no field {name}, which has no default")
        return [self._field(field, wanted.get(field["name"]), at) for field in writer["fields"]]

    def _field(self, field: Any, wanted: Any, at: str) -> Any:
        if wanted is None:
            return {"name": field["name"], "type": Skip(field["type"], self._names)}
        return {
            "name": field["name"],
            "type": self.of(field["type"], wanted["type"], f"{at}.{field['name']}"),
        }


def _base(schema: Any) -> str:
    """The kind of a schema as it is on the wire."""
    kind = kind_of(schema)
    return str(schema["type"]) if kind == "decimal" else kind


def _marks(schema: Any) -> tuple[Any, ...] | None:
    """The logical type of a number or bytes, with what belongs to it."""
    if isinstance(schema, str) or "logicalType" not in schema:
        return None
    return schema["logicalType"], schema.get("precision"), schema.get("scale", 0)


def _logical(schema: Any) -> str:
    return "" if isinstance(schema, str) else str(schema.get("logicalType", ""))


def _converts(writer: Any, reader: Any) -> bool:
    """Whether both are decimals, or both are instants in UTC, if of different units."""
    if _logical(reader) == "decimal":
        return _logical(writer) == "decimal"
    return _logical(reader) == "timestamp-millis" and _logical(writer) in _PER_MILLISECOND


def _base_of_text(schema: Any) -> bool:
    return _base(schema) == "string"


def _rescaled(writer: Any, reader: Any) -> Any:
    """The reader's decimal, with the digits by which the writer's scale is shorter or, if negative, longer."""
    if _marks(writer) is None:
        return reader
    shift = reader.get("scale", 0) - writer.get("scale", 0)
    return {**reader, "shift": shift} if shift else reader


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _words(schema: Any) -> str:
    """A type in a message."""
    if isinstance(schema, list):
        return " or ".join(_words(each) for each in schema)
    kind = _base(schema)
    if kind == "record":
        return _short(schema["name"])[:LONGEST_NAME]
    marks = _marks(schema)
    return kind if marks is None else f"{kind} ({' '.join(str(each) for each in marks if each)})"
