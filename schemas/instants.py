"""Instants as text: ISO 8601 in UTC with milliseconds and Z, or whole milliseconds since 1970 as a number."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from schemas.errors import shown

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999
"""The first and the last millisecond of the years 1 to 9999: ISO 8601 has no form for others."""

EXPECTED = (
    'an instant such as "2026-11-22T09:30:00.000Z" (with Z or an offset) or whole milliseconds since 1970'
)

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,](\d+))?)?(?:Z|[+-]\d\d:?\d\d)")


def to_iso(instant: int) -> str | int:
    """Milliseconds since 1970 as 2026-11-22T09:30:00.000Z; the number itself outside the years 1 to 9999."""
    try:
        moment = EPOCH + instant * MILLISECOND
    except OverflowError:
        return instant
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_iso(value: Any) -> int:
    """Milliseconds since 1970; ValueError with what was expected and what came."""
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        whole = Decimal(value)
        if whole.is_finite() and whole == whole.to_integral_value():
            if FIRST <= whole <= LAST:
                return int(whole)
            raise ValueError(f"expected an instant of the years 1 to 9999, got {shown(value)}")
    raise ValueError(f"expected {EXPECTED}, got {shown(value)}")


def _from_text(text: str) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {EXPECTED}, got {shown(text)}")
    if match[1] and match[1][3:].strip("0"):
        raise ValueError(f"expected {EXPECTED}, got {shown(text)}, which is finer than a millisecond")
    try:
        return (datetime.fromisoformat(text) - EPOCH) // MILLISECOND
    except (ValueError, OverflowError) as error:
        raise ValueError(f"expected {EXPECTED}, got {shown(text)}: {error}") from None
