"""How many bytes the record of an event has in Avro: by that the engine refuses what is too long.

Events of a notebook come without the bytes of their records, and what reads them knows no Avro.
"""

from collections.abc import Callable, Collection
from typing import Any

from segments.engine import Event
from segments.language.catalogue import IDENTITIES, LINE, PROFILES, TOPICS, Entry, Type, is_source

Bytes = Callable[[Any], int]
"""Gives the bytes of a value."""

HEADER = 5
"""Bytes before a record: a zero, and four of the schema's id."""


def length_of(topic: str, event: Event) -> int:
    """The bytes of an event in the engine's form, as a record of this topic."""
    return HEADER + _RECORDS[PROFILES.name if is_source(topic) else topic](event)


def _long(number: int) -> int:
    """Seven bits a byte, of a number whose sign is its last bit."""
    turned = number << 1 if number >= 0 else ~(number << 1)
    return max(1, -(-turned.bit_length() // 7))


def _text(value: str) -> int:
    length = len(value.encode())
    return _long(length) + length


def _money(cents: int) -> int:
    """Two's complement, in as few bytes as hold the sign too."""
    length = ((cents if cents >= 0 else ~cents).bit_length() + 8) // 8
    return _long(length) + length


def _value(value: str | float | bool) -> int:
    """Of an attribute of a profile: the number of its type, and itself."""
    return 1 + (_text(value) if isinstance(value, str) else 1 if isinstance(value, bool) else 8)


def _block(values: Collection[Any], of: Bytes) -> int:
    """A count, the values, and a zero; of none the zero alone."""
    return _long(len(values)) + sum(map(of, values)) + 1 if values else 1


def _map(of: Bytes) -> Bytes:
    return lambda value: _block(value.items(), lambda pair: _text(pair[0]) + of(pair[1]))


def _list(of: Bytes) -> Bytes:
    return lambda value: _block(value, of)


def _optional(of: Bytes) -> Bytes:
    return lambda value: 1 if value is None else 1 + of(value)


def _record(fields: Collection[Entry]) -> Bytes:
    sizes = {each.name: _optional(_OF[each.type]) if each.optional else _OF[each.type] for each in fields}
    return lambda value: sum(of(value[name]) for name, of in sizes.items())


_OF: dict[Type, Bytes] = {
    Type.TEXT: _text,
    Type.WHOLE: _long,
    Type.MONEY: _money,
    Type.INSTANT: _long,
    Type.TEXTS: _map(_text),
    Type.VALUES: _map(_value),
    Type.TRUTHS: _map(lambda _: 1),
    Type.LISTS: _map(_list(_text)),
}
_OF[Type.LINES] = _list(_record(LINE))
_RECORDS = {topic.name: _record(topic.fields) for topic in (*TOPICS, IDENTITIES)}
