"""An enter or exit on its way to a destination, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import schemas
from schemas.records import SEGMENT_EVENT

ERASURE = "erasure"
"""The reason of the exits of a customer who was erased."""
ENTER, EXIT = "enter", "exit"
FULL, RECONCILE = "full", "reconcile"
"""Reasons of flips that no worker made: the memberships as they are, and the repair of a list."""
NOWHERE = -1
"""The offset of a flip that is not in segment-events."""


class Place(NamedTuple):
    """A record of a topic."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Flip:
    """A segment event, where it lies in segment-events, and since when Kafka has it (milliseconds)."""

    event: Mapping[str, Any]
    place: Place
    source: Place
    """The record that it was read from: that of `place`, or a dead letter that is sent again."""
    timestamp: int
    raw: bytes = b""
    """The record as it lies in segment-events."""
    retried: bool = False
    """Whether somebody sent it again from the dead letters."""

    @property
    def id(self) -> str:
        """The same on each attempt."""
        return str(self.event["event_id"])

    @property
    def known_as(self) -> str:
        """The id of the flip in segment-events that this one stands for, so that it need not be sent as well."""
        return str(self.event.get("known_as", self.id))

    @property
    def customer(self) -> str:
        """Whose flip it is."""
        return str(self.event["customer_id"])

    @property
    def segment(self) -> str:
        """Which segment."""
        return str(self.event["segment"])

    @property
    def value(self) -> str | None:
        """For which value of a segment with values."""
        return self.event.get("value")

    @property
    def enters(self) -> bool:
        """Whether it is an enter."""
        return bool(self.event["transition"] == ENTER)

    @property
    def reason(self) -> str:
        """Why it flipped."""
        return str(self.event["reason"])

    def of_erased(self) -> "Flip":
        """The same flip, of a customer who was erased since: nothing is told but id and segment, as of an erasure."""
        if self.reason == ERASURE:
            return self
        nothing: dict[str, Any] = {
            "reason": ERASURE,
            "cause": None,
            "evidence": [],
            "valid_until": None,
            "details": {},
        }
        event = {**self.event, **nothing}
        return replace(self, event=event, raw=schemas.encode(SEGMENT_EVENT, event))

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What enters and exits alternate for."""
        return self.customer, self.segment, self.value
