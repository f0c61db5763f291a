"""JSON lines: one object a line, each with the file and number of its line, for messages to name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

from streams.errors import StreamsError

# What `segments consume` adds to a record and what tells `segments replay` where it goes: no fields of it.
TRANSPORT = ("topic", "partition", "offset", "timestamp", "key", "erase")


class LineError(StreamsError):
    """A line that can't be used: `where` is file:line."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the fields of its record, and apart from them those that say how it travels."""

    where: str
    fields: dict[str, Any]
    transport: dict[str, Any]
    length: int = 0
    """Bytes of the text."""

    @property
    def erases(self) -> bool:
        """Whether it stands for a null value."""
        return self.transport.get("erase") is True

    def error(self, message: object) -> LineError:
        """What is wrong with this line, with its place."""
        return LineError(self.where, str(message))


def numbered(stream: IO[bytes], source: str) -> Iterator[tuple[str, bytes]]:
    """The lines that are not blank, each with its place, file:line."""
    for number, text in enumerate(stream, start=1):
        if text.strip():
            yield f"{source}:{number}", text


def parse(where: str, text: bytes) -> Line:
    """The object on a line; LineError if there is none, or if it names something twice."""
    try:
        fields = json.loads(text.decode("utf-8-sig"), parse_float=Decimal, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise LineError(where, f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise LineError(where, f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise LineError(where, str(error)) from None
    if not isinstance(fields, dict):
        raise LineError(where, "expected a JSON object with the fields of a record")
    line = Line(where, fields, {name: fields.pop(name) for name in TRANSPORT if name in fields}, len(text))
    if not isinstance(line.transport.get("erase", False), bool):
        raise line.error("erase: expected true or false")
    return line


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which every name stands once: of two values one would be dropped in silence."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)}: stands twice in one object")
    return made
