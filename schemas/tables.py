"""The tables of fields in README.md, made from the schemas; `make docs` writes them."""

import json
from collections.abc import Iterator
from typing import Any

from schemas import records
from schemas.source import kind_of

ADVICE: dict[str, dict[str, str]] = records.read(records.FOLDER / "advice.json")
"""What to do with each field of what we write, by record."""


def text() -> str:
    """All tables, each with an example of the whole record."""
    return "\n" + "\n".join(_tables())


def _tables() -> Iterator[str]:
    for topic, name in records.RECORD_OF_TOPIC.items():
        schema = records.schema(name)
        example = examples()[name]
        yield f"### `{name}` on `{topic}`, schema id {records.newest(name).id}\n"
        yield f"{schema['doc']}\n"
        yield from _table(schema, example)
        yield "As `segments consume` shows it, before `topic`, `partition`, `offset` and `timestamp`:\n"
        yield f"```json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```\n"


def examples() -> dict[str, dict[str, Any]]:
    """An example of each record as JSON, with all fields: one that `examples.json` does not tell has its default."""
    return {
        name: {
            each["name"]: example.get(each["name"], each.get("default"))
            for each in records.schema(name)["fields"]
        }
        for name, example in records.read(records.FOLDER / "examples.json").items()
    }


def _table(schema: Any, example: Any) -> Iterator[str]:
    """Field, type, an example, what it means; and for what we write, what to do with it."""
    advice = ADVICE.get(schema["name"])
    nested = []
    yield "| field | type | example | meaning |" + (" what to do with it |" if advice else "")
    yield "|---|---|---|---|" + ("---|" if advice else "")
    for field in schema["fields"]:
        name, value = field["name"], _example(example[field["name"]])
        row = f"| `{name}` | {in_words(field['type'])} | {value} | {field['doc']} |"
        yield row + (f" {advice[name]} |" if advice else "")
        nested += [(each, _first(example[name])) for each in _records_in(field["type"])]
    yield ""
    for each, value in nested:
        yield f"`{each['name']}`: {each['doc']}\n"
        yield from _table(each, value)


def _example(value: Any) -> str:
    """A value in a cell; lists and objects are in the whole example below the table."""
    return "below" if isinstance(value, list | dict) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def in_words(schema: Any) -> str:
    """A type in words."""
    kind = kind_of(schema)
    if kind == "union":
        return " or ".join(in_words(branch) for branch in sorted(schema, key=lambda each: each == "null"))
    if kind == "array":
        return f"array of {in_words(schema['items'])}"
    if kind == "map":
        return f"map of {in_words(schema['values'])}"
    if kind == "record":
        return f"`{schema['name']}`"
    if kind == "long" and not isinstance(schema, str):
        return "timestamp-millis"
    if kind == "decimal":
        return f"decimal ({schema['precision']}, {schema['scale']})"
    return kind


def _records_in(schema: Any) -> Iterator[Any]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _records_in(branch)
    elif kind_of(schema) == "array":
        yield from _records_in(schema["items"])
    elif kind_of(schema) == "record":
        yield schema
