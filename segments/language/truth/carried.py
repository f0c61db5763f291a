"""What an enter carries, for the oracle: details as text, by SEMANTICS.md, section 3."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from segments.language.nodes.details import Listed
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import plain
from segments.language.truth.memory import Memory, read
from segments.language.truth.oracle import reckon, selected

LONGEST_TEXT = 1_024
"""Bytes of one of them."""
LONGEST_STAY = 2_048
"""Bytes of all those of a membership."""
LONGEST_VALUE = 256
"""Bytes of a value in a list."""
MOST_VALUES = 20


def carried(segment: Segment, now: int, memory: Memory, key: Any = None) -> dict[str, str]:
    """The details of an enter; what has no value is left out."""
    told = {name: _text(each, now, memory, key) for name, each in segment.details}
    return {name: text for name, text in told.items() if text is not None}


def shortened(segment: Segment, told: dict[str, str]) -> dict[str, str]:
    """The details that a membership keeps, by ascending name: a list is never cut, but may be left out."""
    lists = {name for name, each in segment.details if isinstance(each, Listed)}
    kept, room = {}, LONGEST_STAY
    for name, text in told.items():
        short = text if len(text.encode()) <= room or name in lists else cut(text, room)
        if short and len(short.encode()) <= room:
            kept[name] = short
            room -= len(short.encode())
    return kept


def cut(text: str, most: int) -> str:
    """A text cut to `most` bytes, its end marked by an ellipsis; nothing if not even that has room."""
    encoded, mark = text.encode(), "…"
    if len(encoded) <= most:
        return text
    rest = most - len(mark.encode())
    return encoded[:rest].decode(errors="ignore") + mark if rest >= 0 else ""


def _text(measure: Measure, now: int, memory: Memory, key: Any) -> str | None:
    then = now - (measure.events.offset or 0)
    rows = selected(measure, then, memory, key if measure.events.key is not None else None)
    if isinstance(measure, Listed):
        return _listed(measure, rows, memory)
    value = reckon(measure, rows, then, memory)
    if isinstance(value, Fraction):
        value = Decimal(round(value * 10**6)).scaleb(-6)
    return None if value is None else cut(plain(value), LONGEST_TEXT)


def _listed(measure: Measure, rows: list[Any], memory: Memory) -> str | None:
    of: Any = measure.field
    latest: dict[Any, int] = {}
    for row in rows:
        value = read(of, row, memory)
        if value is not None:
            latest[value] = max(row["occurred_at"], latest.get(value, row["occurred_at"]))
    values = sorted(
        latest, key=lambda each: (-latest[each], each.encode() if isinstance(each, str) else each)
    )
    found = list[str]()
    for each in values[:MOST_VALUES]:
        text = each if isinstance(each, str) else None
        element = plain(each) if text is None else json.dumps(cut(text, LONGEST_VALUE), ensure_ascii=False)
        if len(",".join(["[]", *found, element]).encode()) - 1 > LONGEST_TEXT:
            break
        found.append(element)
    return f"[{','.join(found)}]" if found else None
