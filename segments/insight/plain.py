"""Events as plain values, the way JSON lines have them: into the engine's form, and flips back out.

For notebooks and scripts, that have neither Kafka nor Avro at hand. Which fields there are is in the catalogue; a test
holds the values to what `segments replay` reads.
"""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from segments.engine import FIRST, LAST, Event
from segments.language.catalogue import IDENTITIES, LINE, PROFILES, TOPICS, Entry, Type, is_source
from segments.language.errors import SegmentsError

Reader = Callable[[str, Any], Any]
"""Reads the value of a field, whose path it is told for messages."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
LARGEST = Decimal(10) ** 60
"""In cents: what is too much for an amount, or negative, the engine refuses as it does in the worker."""
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation])
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)")
_INSTANT = 'a text such as "2026-11-22T09:30:00.000Z", a datetime with its time zone, or whole milliseconds since 1970'
_INSTANTS = ("occurred_at", "emitted_at", "valid_until")


class EventError(SegmentsError):
    """A value does not say what an event needs: the field, what was expected, what came."""


def event_of(topic: str, fields: Mapping[str, Any]) -> Event:
    """The event in the engine's form: times in milliseconds, money in cents, nothing missing."""
    return _record(FIELDS[PROFILES.name if is_source(topic) else topic], topic, "", fields)


def flip_of(event: Event) -> dict[str, Any]:
    """A segment event as a line of `segments replay` has it: without a wall clock, emitted when it happened."""
    shown = event | {"emitted_at": event["occurred_at"]}
    return shown | {name: iso(shown[name]) for name in _INSTANTS if shown[name] is not None}


def iso(instant: int) -> str | int:
    """2026-11-22T09:30:00.000Z; the number itself outside the years 1 to 9999, which have no such form."""
    try:
        moment = EPOCH + instant * MILLISECOND
    except OverflowError:
        return instant
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def instant(path: str, value: Any) -> int:
    """Milliseconds since 1970, of a number of them, a text or a datetime with its time zone."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        if not FIRST <= value <= LAST:
            raise _unexpected(path, "an instant of the years 1 to 9999", value)
        return int(value)
    moment = value
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise _unexpected(path, _INSTANT, value)
    count, rest = divmod(moment - EPOCH, MILLISECOND)
    if rest:
        raise _unexpected(path, "whole milliseconds", value)
    return count


def _unexpected(path: str, expected: str, value: Any) -> EventError:
    return EventError(f"{path}: expected {expected}, got {value!r:.100}")


def _text(path: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _unexpected(path, "a text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _unexpected(path, "a text of whole characters (no half surrogate pair)", value) from None
    return value


def _whole(path: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unexpected(path, "a whole number", value)
    return value


def _truth(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _unexpected(path, "true or false", value)
    return value


def _cents(path: str, value: Any) -> int:
    try:
        cents = _EXACT.scaleb(_decimal(value), 2)
    except (Inexact, InvalidOperation):
        raise _unexpected(path, 'an amount such as "150.00"', value) from None
    if not cents.is_finite() or abs(cents) >= LARGEST:
        raise _unexpected(path, 'an amount such as "150.00"', value)
    if cents != cents.to_integral_value():
        raise _unexpected(path, "an amount with at most two decimals", value)
    return int(cents)


def _decimal(value: Any) -> Decimal:
    """A float is read as it is written: 49.99 is 49.99."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise InvalidOperation
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        raise InvalidOperation
    return Decimal(repr(float(value)) if isinstance(value, float) else value)


def _attribute(path: str, value: Any) -> str | float | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _unexpected(path, "a number that fits a double", value)
        return number
    if isinstance(value, str):
        return _text(path, value)
    raise _unexpected(path, "a text, a number, true or false (leave it out if there is none)", value)


class _Optional:
    """A field that may be left out, with the value it then has."""

    def __init__(self, read: Reader, missing: Callable[[], Any] = lambda: None) -> None:
        self.read, self.missing = read, missing

    def __call__(self, path: str, value: Any) -> Any:
        # A table's rows (pandas) have NaN, which is not itself, where there is nothing.
        nothing = self.missing() is None and (value is None or value != value)  # noqa: PLR0124
        return None if nothing else self.read(path, value)


def _texts(path: str, value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        raise _unexpected(path, "a list of texts", value)
    return [_text(f"{path}[{place}]", each) for place, each in enumerate(value)]


def _map(read: Reader) -> _Optional:
    def pairs(path: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _unexpected(path, "a dict", value)
        return {_text(path, name): read(f"{path}.{name}", each) for name, each in value.items()}

    return _Optional(pairs, dict)


def _list(fields: Mapping[str, Reader]) -> _Optional:
    def items(path: str, value: Any) -> list[Event]:
        if not isinstance(value, list | tuple):
            raise _unexpected(path, "a list", value)
        return [_record(fields, "an item", f"{path}[{place}]", each) for place, each in enumerate(value)]

    return _Optional(items, list)


def _record(fields: Mapping[str, Reader], name: str, path: str, value: Any) -> Event:
    if not isinstance(value, Mapping):
        raise _unexpected(path, "a dict", value)
    inside = f"{path}." if path else ""
    for each in value:
        if each not in fields:
            near = difflib.get_close_matches(str(each), fields, n=1)
            mend = f"did you mean {near[0]}?" if near else f"its fields are {', '.join(fields)}"
            raise EventError(f"{inside}{each}: {name} has no such field; {mend}")
    return {each: _field(read, each, inside, value) for each, read in fields.items()}


def _field(read: Reader, name: str, inside: str, value: Mapping[str, Any]) -> Any:
    if name in value:
        return read(inside + name, value[name])
    if isinstance(read, _Optional):
        return read.missing()
    raise EventError(f"{inside}{name}: is missing")


_READERS: dict[Type, Reader] = {
    Type.TEXT: _text,
    Type.WHOLE: _whole,
    Type.MONEY: _cents,
    Type.INSTANT: instant,
    Type.TEXTS: _map(_text),
    Type.VALUES: _map(_attribute),
    Type.TRUTHS: _map(_truth),
    Type.LISTS: _map(_texts),
}


def _reader(entry: Entry) -> Reader:
    if entry.type is Type.LINES:
        return _list({each.name: _reader(each) for each in LINE})
    read = _READERS[entry.type]
    return _Optional(read) if entry.optional else read


FIELDS = {topic.name: {each.name: _reader(each) for each in topic.fields} for topic in (*TOPICS, IDENTITIES)}
"""The fields of each topic's records, with what reads them."""
