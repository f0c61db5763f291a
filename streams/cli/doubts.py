"""What `segments produce` says of records that it sent, though they will not do what was probably meant."""

from collections.abc import Iterator
from typing import Any

from segments.engine import CURRENCY_CASE, TOO_OLD, TRANSACTIONS, load, notice_text
from segments.language.errors import SegmentsError
from streams.clock import wall_clock
from streams.settings.settings import Settings

DAY = 86_400_000
"""Milliseconds: no rule set looks back less far."""


class Doubts:
    """Counts records that the rules will make nothing of."""

    def __init__(self, settings: Settings, topic: str) -> None:
        """Count for one topic; the rules are loaded when there is an event that is old."""
        self._settings, self._topic = settings, topic
        self._retention: int | None = None
        self._loaded = False
        self._old = self._misspelt = 0

    def look(self, record: dict[str, Any]) -> None:
        """Look at a record in engine form."""
        if self._topic == TRANSACTIONS:
            currency = record["currency"]
            self._misspelt += (
                currency != self._settings.currency and currency.upper() == self._settings.currency
            )
        if "kind" in record and self._settings.clock == "wall":
            age = wall_clock() - record["occurred_at"]
            self._old += age > DAY and (kept := self._kept()) is not None and age > kept

    def _kept(self) -> int | None:
        """How far back the rules look, in milliseconds; None if they can't be loaded here."""
        if not self._loaded:
            self._loaded = True
            try:
                self._retention = load(self._settings.rules, self._settings.currency).plan.retention
            except SegmentsError:
                self._retention = None
        return self._retention

    def lines(self) -> Iterator[str]:
        """What there is to say."""
        if self._old:
            days = (self._retention or 0) / DAY
            yield f"{notice_text(TOO_OLD, self._old)}: over {days:g} days old, workers that are caught up ignore them"
        if self._misspelt:
            yield f"{notice_text(CURRENCY_CASE, self._misspelt)} (write {self._settings.currency})"
