"""The tables of fields in README.md, made from the schemas: `python -m schemas.tables` writes them."""

import json
from collections.abc import Iterator
from typing import Any

from schemas import records
from schemas.source import kind_of

README = records.FOLDER / "README.md"
BEGIN = "<!-- made by python -m schemas.tables -->\n"
END = "<!-- end -->\n"

_WORDS = {"decimal": "decimal (12, 2)", "long": "long", "int": "int"}


def with_tables(text: str) -> str:
    """README's text with the tables as they should be."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + "\n".join(_tables()) + "\n" + END + rest.split(END)[1]


def _tables() -> Iterator[str]:
    examples = records.read(records.FOLDER / "examples.json")
    for topic, name in records.RECORD_OF_TOPIC.items():
        schema = records.schema(name)
        yield f"### `{name}` on `{topic}`, schema id {records.newest(name).id}\n"
        yield f"{schema['doc']}\n"
        yield from _table(schema)
        yield "As `segments consume` shows it, before `topic`, `partition`, `offset` and `timestamp`:\n"
        yield f"```json\n{json.dumps(examples[name], indent=2, ensure_ascii=False)}\n```\n"


def _table(schema: Any) -> Iterator[str]:
    nested = []
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for field in schema["fields"]:
        yield f"| `{field['name']}` | {in_words(field['type'])} | {field['doc']} |"
        nested += list(_records_in(field["type"]))
    yield ""
    for each in nested:
        yield f"`{each['name']}`: {each['doc']}\n"
        yield from _table(each)


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
    return _WORDS.get(kind, kind)


def _records_in(schema: Any) -> Iterator[Any]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _records_in(branch)
    elif kind_of(schema) == "array":
        yield from _records_in(schema["items"])
    elif kind_of(schema) == "record":
        yield schema


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
