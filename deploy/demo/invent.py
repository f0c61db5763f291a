"""Invention that is the same on every run: a choice depends on words, never on chance.

What the sources lack (a time of day, a product, a price) is invented from the identity of the record alone,
so that two runs, and two machines, make the same events.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

# An event as a JSON line (schemas/README.md), with its topic.
Line = dict[str, Any]

T = TypeVar("T")

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def number(limit: int, *words: object) -> int:
    """A whole number from 0 up to, not including, `limit`, which depends on the words."""
    digest = hashlib.blake2b("/".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % limit


def choice(options: Sequence[T], *words: object) -> T:
    """One of the options, which one depends on the words."""
    return options[number(len(options), *words)]


def one_in(count: int, *words: object) -> bool:
    """True for one in `count` of the words."""
    return number(count, *words) == 0


def amount(cents: int) -> str:
    """Money as JSON lines have it: `150.00`."""
    return f"{cents // 100}.{cents % 100:02d}"


def cents(text: str) -> int:
    """Whole cents of an amount such as `150.00`."""
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))
