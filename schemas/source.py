"""Python source of a reader or writer under construction, and the field that each of its lines is about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import TracebackType
from typing import Any

from schemas import binary

_fields: dict[Callable[..., Any], list[str]] = {}
"""For each function made the field of each of its lines."""


def failed_at(function: Callable[..., Any], argument: Any) -> str:
    """The field at which a function fails, found by the line of its source: there it is asked once more."""
    fields = _fields[function]
    try:
        function(argument)
    except Exception as error:  # noqa: BLE001 - whatever it is, its line is what is asked for
        return next((fields[line - 1] for code, line in _frames(error) if code is function.__code__), "")
    return ""


def _frames(error: BaseException) -> Iterator[tuple[Any, int]]:
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next


def kind_of(schema: Any) -> str:
    """What a schema is: a primitive, `decimal`, or one of union, record, array, map."""
    if isinstance(schema, list):
        return "union"
    if isinstance(schema, str):
        return schema
    if schema.get("logicalType") == "decimal":
        return "decimal"
    return str(schema["type"])


class Source:
    """Source under construction: its lines, and for each the field that it reads or writes."""

    def __init__(self, head: str) -> None:
        self.lines = [head]
        self.fields = [""]
        self.depth = 1
        self.field = ""
        self._numbers = count()
        self._constants: dict[str, Any] = {}

    def add(self, *lines: str) -> None:
        """Append lines at the present depth."""
        self.lines += [" " * self.depth + line for line in lines]
        self.fields += [self.field] * len(lines)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Append the head of a block; what is added within is its body."""
        self.add(head)
        self.depth += 1
        yield
        self.depth -= 1

    @contextmanager
    def within(self, field: str) -> Iterator[None]:
        """What is added within reads or writes this field."""
        outer = self.field
        self.field = f"{outer}.{field}" if outer else field
        yield
        self.field = outer

    def name(self) -> str:
        """A variable not yet used."""
        return f"v{next(self._numbers)}"

    def constant(self, value: Any) -> str:
        """The name by which the source may use a value."""
        name = self.name()
        self._constants[name] = value
        return name

    def made(self, title: str) -> Any:
        """The function, compiled."""
        text = "\n".join(self.lines)
        names = {**vars(binary), "Any": Any, **self._constants}
        exec(compile(text, f"<{title}>", "exec"), names)  # noqa: S102 - of a schema only its shape gets in
        made = names["made"]
        _fields[made] = self.fields
        return made
