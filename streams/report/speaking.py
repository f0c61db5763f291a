"""Texts, numbers and instants in a language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from segments.insight.outcomes.period import FEW
from segments.language.words.sentence import Language
from streams.report.texts import DUTCH

Figures = Mapping[str, Any]
MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class Row:
    """A number with its name, and what must be said beside it."""

    name: str
    value: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says texts, numbers and instants in a language."""

    language: Language
    currency: str
    zone: ZoneInfo

    def say(self, text: str, **values: object) -> str:
        """A text of the table, by its English."""
        return (DUTCH[text] if self.language == "nl" else text).format(**values)

    def number(self, value: float | str | None, places: int = 0) -> str:
        """1,234.5 in English, 1.234,5 in Dutch; what is of too few customers as it is, nothing as a dash."""
        if value is None or isinstance(value, str):
            return value or "–"
        text = f"{round(value, places) + 0.0:,.{places}f}".replace("-", MINUS)
        return text.translate(str.maketrans(",.", ".,")) if self.language == "nl" else text

    def percent(self, share: float | str | None, places: int = 1) -> str:
        """A share of one as a percentage."""
        if share is None or isinstance(share, str):
            return share or "–"
        return f"{self.number(share * 100, places)} %"

    def points(self, difference: float) -> str:
        """A difference of two percentages, in percentage points."""
        return f"{self.number(difference * 100, 1)} pp"

    def money(self, amount: float | str | None) -> str:
        """An amount with the currency."""
        if amount is None or amount == FEW:
            return amount or "–"
        return f"{self.number(float(amount), 2)} {self.currency}"

    def date(self, instant: int) -> str:
        """The date and time of an instant, in the zone."""
        return f"{datetime.fromtimestamp(instant / 1000, UTC).astimezone(self.zone):%Y-%m-%d %H:%M}"


def part_of(found: Figures, speaker: Speaker) -> str:
    """How many of how many, with the interval of the share where it is told."""
    number, interval = speaker.number, found["interval"]
    part, whole = ("active", "episodes") if "active" in found else ("converted", "mature")
    of = {"count": number(found[part]), "all": number(found[whole])}
    if interval is None:
        return speaker.say("{count} of {all}", **of)
    low, high = map(speaker.percent, interval)
    return speaker.say("{count} of {all}; interval {low} to {high}", **of, low=low, high=high)
