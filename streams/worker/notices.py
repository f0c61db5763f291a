"""Records whose effect may surprise their sender: named in the log, and by `segments why`."""

import logging
import time
from collections import OrderedDict
from collections.abc import Iterable

from segments.engine import TOO_OLD, Notice, notice_text

log = logging.getLogger(__name__)

SAY_AGAIN = 60.0
"""Seconds before the log repeats a notice of a partition: a wrong producer is wrong with every record."""

KEPT = 10_000
"""Customers whose events that were too old are counted; the least recently counted are forgotten first."""


class Notices:
    """The notices of one partition since its take-over."""

    def __init__(self, number: int) -> None:
        """Start without notices."""
        self._number = number
        self._first: dict[str, Notice] = {}
        """By kind, the first notice that the log does not have yet."""
        self._counts: dict[str, int] = {}
        self._said_at: dict[str, float] = {}
        self._too_old: OrderedDict[bytes, int] = OrderedDict()

    def note(self, notices: Iterable[Notice]) -> None:
        """Note what was committed, and log what is due."""
        for each in notices:
            self._counts[each.kind] = self._counts.get(each.kind, 0) + 1
            self._first.setdefault(each.kind, each)
            if each.kind == TOO_OLD:
                self._too_old[each.key] = self._too_old.pop(each.key, 0) + 1
        while len(self._too_old) > KEPT:
            self._too_old.popitem(last=False)
        now = time.monotonic()
        for kind in [kind for kind in self._first if now - self._said_at.get(kind, -SAY_AGAIN) >= SAY_AGAIN]:
            first = self._first.pop(kind)
            log.warning(
                "%s-%d: %s; the first of them is at offset %d",
                first.topic, self._number, notice_text(kind, self._counts.pop(kind)), first.offset,
            )  # fmt: skip
            self._said_at[kind] = now

    def too_old(self, key: bytes) -> int:
        """The number of a customer's events that were too old for every rule, as far as is known."""
        return self._too_old.get(key, 0)
