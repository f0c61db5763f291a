"""Whether a flip is sent to a destination: a function of the flip, what was sent before, and what is so now."""

from collections.abc import Collection
from dataclasses import dataclass

from streams.delivery.config import PASSED_OVER, Destination
from streams.delivery.flip import ERASURE, FULL, RECONCILE, Flip
from streams.delivery.members import CONTROL

SEND = "send"
OVERTAKEN, CONSENT, ARM, REASON, UNSENT, HAD = (
    "overtaken", "no_consent", "arm", "reason", "never_entered", "had",
)  # fmt: skip
"""Why a flip is not sent: its exit came, or the customer was erased; the customer does not agree; the control group, or
an arm that is not wanted; nothing happened but a change of rules or a merge; no enter of it was ever tried; it, or a
later one, was settled before."""
DROPPED = (OVERTAKEN, CONSENT, ARM, REASON, UNSENT, HAD)


@dataclass(frozen=True, slots=True)
class Membership:
    """A customer in a segment now."""

    episode: int
    entered_at: int
    arm: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a destination was sent of a customer and segment: the offset and id of the last flip that is settled."""

    offset: int
    last: str | None


def verdict(
    flip: Flip, to: Destination, sent: Sent | None, now: Membership | None, consents: Collection[str]
) -> str:
    """`SEND`, or why not.

    `sent` is None if no enter was ever tried; `now` is the membership as it is, None if the customer is not in the
    segment; `consents` are those given now.
    """
    if sent is not None and _is_had(flip, sent):
        return HAD
    if not flip.enters:
        return UNSENT if sent is None and flip.reason != RECONCILE else SEND
    if flip.reason == ERASURE:
        return OVERTAKEN
    if flip.reason in PASSED_OVER and flip.reason not in to.also:
        return REASON
    if now is None or (now.episode, now.entered_at) != (flip.event["episode"], flip.event["occurred_at"]):
        return OVERTAKEN
    if not _is_of_arm(to, flip.event.get("arm") or now.arm):
        return ARM
    return SEND if set(to.consents) <= set(consents) else CONSENT


def _is_had(flip: Flip, sent: Sent) -> bool:
    """Whether this flip, or a later one of the customer and segment, was settled before."""
    if flip.reason in (FULL, RECONCILE):
        return False
    if flip.retried:
        return flip.place.offset < sent.offset
    return flip.id == sent.last or 0 <= flip.place.offset <= sent.offset


def _is_of_arm(to: Destination, arm: str | None) -> bool:
    return arm != CONTROL and (to.arms is None or arm in to.arms)
