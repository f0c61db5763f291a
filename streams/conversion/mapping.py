"""Which column of a table is which field of a record."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import schemas
from schemas.records import schema
from schemas.source import kind_of
from streams.errors import StreamsError
from streams.kafka.topics import INPUTS

Kind = Literal["text", "number", "yesno", "instant", "amount", "whole"]

MADE_UP = ("event_id", "order_id")
"""Fields that are made from the row where no column has them."""
_PAIR = re.compile(r",(?=[a-z_]+(?:\.[^=,]+)?=)")
_OF_SCHEMA: dict[str, Kind] = {"long": "whole", "decimal": "amount", "boolean": "yesno", "string": "text"}


class MappingError(StreamsError):
    """A map that does not fit the table or the topic."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table, the field that it is, and how its cells are read."""

    field: str
    name: str
    kind: Kind

    @property
    def part(self) -> str:
        """The name within a map or a line of an order; empty for a field of the record itself."""
        return self.field.partition(".")[2]

    @property
    def top(self) -> str:
        """The field of the record that this is, or is a part of."""
        return self.field.partition(".")[0]


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """`field=column,field=column` as a dictionary; MappingError for anything else."""
    found: dict[str, str] = {}
    for text in texts:
        for pair in _PAIR.split(text):
            field, sign, column = pair.partition("=")
            if not sign or not field.strip() or not column.strip():
                raise MappingError(f"--map: expected FIELD=COLUMN, got {pair!r}")
            found[field.strip()] = column.strip()
    return found


def topic_of(fields: Iterable[str]) -> str:
    """The input topic that alone has all these fields; MappingError if that is not one."""
    tops = {each.partition(".")[0] for each in fields}
    fitting = [topic for topic in INPUTS if tops <= set(fields_of(topic))]
    own = [topic for topic in fitting if tops & _own_fields(topic)]
    if len(own) == 1:
        return own[0]
    raise MappingError(
        f"the fields {', '.join(sorted(tops))} do not tell the topic: say --topic {', '.join(INPUTS)}"
    )


def fields_of(topic: str) -> dict[str, Any]:
    """The fields of a topic's record, each with its type."""
    return {each["name"]: each["type"] for each in schema(schemas.record_of(topic))["fields"]}


def _own_fields(topic: str) -> set[str]:
    """The fields that this topic alone has."""
    others = {name for each in INPUTS if fields_of(each) != fields_of(topic) for name in fields_of(each)}
    return set(fields_of(topic)) - others


def columns(topic: str, header: Sequence[str], mapped: Mapping[str, str]) -> list[Column]:
    """The columns that are fields of the topic: those of the map, and those that bear the name of a field."""
    fields = fields_of(topic)
    wanted = {name: name for name in header if name.partition(".")[0] in fields} | dict(mapped)
    found = []
    for field, name in wanted.items():
        if name not in header:
            near = difflib.get_close_matches(name, header, n=1)
            hint = f"did you mean {near[0]}?" if near else f"its columns are {', '.join(header)}"
            raise MappingError(f"--map {field}={name}: the file has no such column; {hint}")
        found.append(_column(topic, fields, field, name))
    missing = [
        each for each in ("customer_id", "occurred_at") if each not in {column.field for column in found}
    ]
    if missing:
        raise MappingError(
            f"no column is {missing[0]}: say --map {missing[0]}=COLUMN; the columns are {', '.join(header)}"
        )
    return found


def _column(topic: str, fields: Mapping[str, Any], field: str, name: str) -> Column:
    field, _, suffix = field.partition(":")
    top, _, part = field.partition(".")
    if top not in fields:
        near = difflib.get_close_matches(top, fields, n=1)
        hint = f"did you mean {near[0]}?" if near else f"its fields are {', '.join(fields)}"
        raise MappingError(f"--map {field}={name}: {topic} has no such field; {hint}")
    if suffix and suffix not in ("number", "yesno", "text"):
        raise MappingError(f"--map {field}:{suffix}={name}: expected :text, :number or :yesno")
    return Column(field, name, _kind(fields[top], field, part, suffix))


def _kind(type_: Any, field: str, part: str, suffix: str) -> Kind:
    """How the cells of a column are read, by the schema of the field."""
    kind = kind_of(type_)
    if kind == "map" and part:
        return _of_map(type_, suffix)
    if kind == "array" and part:
        inside = {each["name"]: each["type"] for each in type_["items"]["fields"]}
        if part not in inside:
            raise MappingError(f"--map {field}: a line of an order has {', '.join(inside)}")
        return _kind(inside[part], field, "", suffix)
    if part or kind in ("map", "array"):
        raise MappingError(f"--map {field}: write it as {field.partition('.')[0]}.NAME=COLUMN")
    if kind == "union":
        return _kind(type_[1], field, "", suffix)
    return "instant" if kind == "long" and not isinstance(type_, str) else _OF_SCHEMA[kind]


def _of_map(type_: Any, suffix: str) -> Kind:
    if suffix in ("number", "yesno"):
        return "number" if suffix == "number" else "yesno"
    return "yesno" if type_["values"] == "boolean" else "text"
