"""The cells of a table: instants, amounts, numbers and yes or no, as spreadsheets write them.

A cell that can be read in two ways is refused, and the message says which option decides.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import schemas
from schemas.instants import EPOCH, MILLISECOND

Dates = Literal["day-first", "month-first"]
Point = Literal["comma", "point"]

_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](.+))?")
_OTHER_DATE = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:,?[T ]+(.+))?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,3})\d*)?)?")
_OFFSET = re.compile(r"(?:Z| ?UTC| ?[+-]\d\d:?\d\d)$")
_BEHIND = re.compile(r"\d\s*-\s*$|^[^\d]*\(.*\)[^\d]*$")
"""A minus behind the amount, or brackets in its place; `12,-` is twelve."""
_MONEY = re.compile(r"^[^\d+-]*([+-]?)[^\d+-]*(\d[\d., '\u00a0\u202f]*)[^\d]*$")

YES = frozenset({"true", "yes", "y", "1", "ja", "j", "waar"})
NO = frozenset({"false", "no", "n", "0", "nee", "onwaar"})


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of a table are read: the zone of its times, the order of its dates, its decimal sign."""

    zone: ZoneInfo
    dates: Dates | None = None
    decimal: Point | None = None

    def instant(self, text: str) -> int:
        """Milliseconds since 1970 of a cell; ValueError if it is no instant, or could be two.

        A date without a time is the start of that day in the zone. A time without an offset is one of the zone: the
        first, if the zone has it twice.
        """
        cell = text.strip()
        if re.fullmatch(r"\d{12,13}", cell):
            return int(cell)
        if _OFFSET.search(cell) and _ISO_DATE.match(cell):
            return schemas.from_iso(re.sub(r" ?UTC$", "Z", cell).replace(" +", "+").replace(" -", "-"))
        year, month, day, time = self._date(cell)
        hour, minute, second, fraction = _time(time, cell)
        try:
            local = datetime(year, month, day, hour, minute, second, fraction * 1000, self.zone)
        except ValueError as error:
            raise ValueError(f"{cell!r}: {error}") from None
        instant = (local - EPOCH) // MILLISECOND
        told = (EPOCH + instant * MILLISECOND).astimezone(self.zone)
        if time and (told.hour, told.minute) != (hour, minute):
            raise ValueError(f"{cell!r} does not exist in {self.zone.key}: the clock skips it")
        return instant

    def _date(self, cell: str) -> tuple[int, int, int, str | None]:
        """Year, month, day and the text of the time of a date."""
        if match := _ISO_DATE.fullmatch(cell):
            return int(match[1]), int(match[2]), int(match[3]), match[4]
        match = _OTHER_DATE.fullmatch(cell)
        if match is None:
            raise ValueError(
                f"expected a date such as 2026-11-29, 2026-11-29 14:30 or 29-11-2026, got {cell!r}"
            )
        first, second = int(match[1]), int(match[2])
        if self.dates is None:
            raise ValueError(
                f"{cell!r} can be read in two ways: say --dates day-first or --dates month-first"
            )
        day, month = (first, second) if self.dates == "day-first" else (second, first)
        return int(match[3]), month, day, match[4]

    def amount(self, text: str) -> str:
        """A plain decimal such as 1234.50 of a cell such as `€ 1.234,50`; ValueError if it is none, or could be two."""
        cell = text.strip().replace("\u2212", "-")
        if _BEHIND.search(cell):
            raise ValueError(f"{text!r}: write the sign before the amount, such as -5.00")
        match = _MONEY.match(cell)
        if match is None:
            raise ValueError(f"expected an amount such as 49.95, got {text!r}")
        digits = re.sub(r"[ '\u00a0\u202f]", "", match[2]).rstrip(".,")
        return match[1].replace("+", "") + _plain(digits, self.decimal)

    def number(self, text: str) -> Decimal:
        """A number of a cell, with the same decimal sign as amounts."""
        return Decimal(self.amount(text))


def yes_or_no(text: str) -> bool:
    """True or false of a cell: yes, no, ja, nee, 1, 0, true, false; ValueError for anything else."""
    word = text.strip().casefold()
    if word not in YES | NO:
        raise ValueError(f"expected yes or no, got {text!r}")
    return word in YES


def _time(text: str | None, cell: str) -> tuple[int, int, int, int]:
    """Hour, minute, second and millisecond."""
    if not text:
        return 0, 0, 0, 0
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected a time such as 14:30 or 14:30:05 after the date, got {cell!r}")
    return int(match[1]), int(match[2]), int(match[3] or 0), int((match[4] or "").ljust(3, "0"))


def _plain(digits: str, decimal: Point | None) -> str:
    """Digits with separators as a plain decimal."""
    signs = [each for each in digits if each in ".,"]
    if decimal is not None:
        sign = "," if decimal == "comma" else "."
        whole, _, fraction = digits.replace("." if sign == "," else ",", "").partition(sign)
        return f"{whole}.{fraction}" if fraction else whole
    if not signs:
        return digits
    last = signs[-1]
    whole, _, fraction = digits.rpartition(last)
    if len(set(signs)) == 1 and (len(signs) > 1 or len(fraction) == 3):
        if len(signs) == 1:
            raise ValueError(f"{digits!r} can be read in two ways: say --decimal comma or --decimal point")
        return digits.replace(last, "")
    return f"{whole.replace('.', '').replace(',', '')}.{fraction}"
