"""The rows of a table as records: JSON lines that `segments produce`, `try` and `replay` take."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from itertools import groupby
from typing import Any, TextIO

import schemas
from streams.conversion.mapping import Column
from streams.conversion.values import Reading, yes_or_no
from streams.errors import StreamsError

SAMPLE = 65_536
"""Characters of a file by which its delimiter is told."""
DELIMITERS = ",;\t|"


class RowError(StreamsError):
    """A row that is no record: the message begins with file:line."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: the line where it ends, and its cells by column."""

    line: int
    cells: Mapping[str, str]

    @property
    def text(self) -> str:
        """The whole row, for ids."""
        return "\0".join(f"{name}\0{value}" for name, value in self.cells.items())


def read(file: TextIO, delimiter: str | None) -> tuple[list[str], list[Row]]:
    """The header and the rows of a CSV file that are not empty; RowError for a row with more cells than the header."""
    sample = file.read(SAMPLE)
    file.seek(0)
    rows = csv.reader(file, delimiter=delimiter or _delimiter(sample))
    header = [name.strip() for name in next(rows, [])]
    if not header:
        raise RowError(f"{file.name}: the file is empty; its first line must name the columns")
    if doubled := [name for name, count in Counter(header).items() if count > 1]:
        raise RowError(f"{file.name}:1: two columns are named {doubled[0]!r}: rename one of them")
    found = []
    for cells in rows:
        if len(cells) > len(header):
            raise RowError(
                f"{file.name}:{rows.line_num}: {len(cells)} cells, but {len(header)} columns: a cell that "
                "holds the delimiter must stand in double quotes"
            )
        if any(cell.strip() for cell in cells):
            padded = [*cells, *[""] * (len(header) - len(cells))]
            found.append(Row(rows.line_num, dict(zip(header, padded, strict=True))))
    return header, found


def _delimiter(sample: str) -> str:
    """The delimiter that stands most often in the first line."""
    first = sample.partition("\n")[0]
    return max(DELIMITERS, key=first.count)


@dataclass(slots=True)
class Conversion:
    """Makes records of rows for one topic."""

    topic: str
    columns: Sequence[Column]
    reading: Reading
    constants: Mapping[str, str]
    source: str
    _seen: Counter[str] = field(default_factory=Counter)

    def records(self, rows: Iterable[Row], wrong: Any) -> list[dict[str, Any]]:
        """The records in order of time; rows of one instant stay in their order.

        `wrong` is called with the RowError of each row that is no record; it raises, or the row is passed over.
        """
        made = []
        for group in self._groups(rows):
            try:
                made.append(self._checked(group))
            except RowError as error:
                wrong(error)
        return [line for _, line in sorted(made, key=lambda each: each[0])]

    def _groups(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """One row for each record; with columns for the lines of an order, all rows of one order and customer."""
        if not any(column.top == "items" for column in self.columns):
            yield from ([row] for row in rows)
            return
        names = [each.name for each in self.columns if each.field in ("customer_id", "order_id")]
        if len(names) < 2:
            yield from ([row] for row in rows)
            return
        key = {row.line: tuple(row.cells[name] for name in names) for row in rows}
        places = {value: place for place, value in enumerate(dict.fromkeys(key.values()))}
        ordered = sorted(rows, key=lambda row: places[key[row.line]])
        for _, group in groupby(ordered, key=lambda row: key[row.line]):
            yield list(group)

    def _checked(self, rows: list[Row]) -> tuple[int, dict[str, Any]]:
        """The instant and the line of a record, made and read once as `produce` would."""
        line = self._line(rows)
        try:
            record = schemas.from_json(schemas.record_of(self.topic), line)
        except schemas.JsonError as error:
            raise self._error(rows[0], str(error)) from None
        if not record["customer_id"]:
            raise self._error(rows[0], "customer_id is empty")
        if self.topic == "transactions" and record["amount"] < 0:
            raise self._error(
                rows[0],
                f"the amount {line['amount']} is negative: a refund is a positive amount of kind refund",
            )
        return record["occurred_at"], {"topic": self.topic} | line

    def _line(self, rows: list[Row]) -> dict[str, Any]:
        line: dict[str, Any] = {"event_id": self._id(rows), **self.constants}
        for column in self.columns:
            if column.top != "items":
                self._put(line, column, rows)
        if self.topic == "transactions":
            line.setdefault("order_id", line["event_id"])
            self._put_items(line, rows)
        line["occurred_at"] = schemas.to_iso(line["occurred_at"])
        return line

    def _id(self, rows: list[Row]) -> str:
        """A digest of the rows; a row that stands twice in the file has another id the second time."""
        text = "\1".join(row.text for row in rows)
        self._seen[text] += 1
        return blake2b(f"{self.topic}\1{text}\1{self._seen[text]}".encode(), digest_size=16).hexdigest()

    def _put(self, line: dict[str, Any], column: Column, rows: list[Row]) -> None:
        """Put a cell into its field; an empty one is left out. The rows of one order must not differ in it."""
        cells = dict.fromkeys(row.cells[column.name].strip() for row in rows)
        cells.pop("", None)
        if len(cells) > 1:
            raise self._error(
                rows[0], f"{column.name}: the rows of this order differ: {', '.join(list(cells)[:3])}"
            )
        if not cells:
            if column.field in ("customer_id", "occurred_at"):
                raise self._error(rows[0], f"{column.name}: is empty; it is the {column.field}")
            return
        value = self._value(column, next(iter(cells)), rows[0])
        if column.part:
            line.setdefault(column.top, {})[column.part] = value
        else:
            line[column.field] = value

    def _put_items(self, line: dict[str, Any], rows: list[Row]) -> None:
        """The lines of the order, and its amount from them if no column has it."""
        columns = [each for each in self.columns if each.top == "items"]
        if columns:
            line["items"] = [self._item(columns, row) for row in rows]
            if "amount" not in line:
                parts = (Decimal(each["price"]) * each["quantity"] for each in line["items"])
                line["amount"] = str(sum(parts, Decimal(0)))

    def _item(self, columns: Sequence[Column], row: Row) -> dict[str, Any]:
        item: dict[str, Any] = {"quantity": 1}
        for column in columns:
            if cell := row.cells[column.name].strip():
                item[column.part] = self._value(column, cell, row)
        for name in ("product_id", "price"):
            if name not in item:
                raise self._error(
                    row, f"a line of an order without items.{name}: say --map items.{name}=COLUMN"
                )
        return item

    def _value(self, column: Column, cell: str, row: Row) -> Any:
        try:
            match column.kind:
                case "instant":
                    return self.reading.instant(cell)
                case "amount":
                    return self.reading.amount(cell)
                case "whole":
                    return int(cell)
                case "number":
                    return float(self.reading.number(cell))
                case "yesno":
                    return yes_or_no(cell)
                case "text":
                    return cell
        except ValueError as error:
            raise self._error(row, f"{column.name}: {error}") from None

    def _error(self, row: Row, message: str) -> RowError:
        return RowError(f"{self.source}:{row.line}: {message}")
