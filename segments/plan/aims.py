"""The part of a plan that says what a rule is measured by: its goal, and the customers whom it holds out."""

import msgspec

from segments.plan.events import Field, Filter, Flips, Take


class Goal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The events that an enter is to lead to. They are counted as they come, and are kept by no stream."""

    takes: tuple[Take, ...]
    flips: tuple[Flips, ...]
    """Flips for other reasons than a change of rules or a merge; with `takes` empty."""
    lines: bool
    """Each line of the event's `items` is an event of its own."""
    filter: Filter | None
    key: Field | None
    """In a rule with values only events that have the value which was entered."""
    revenue: Field | None
    """The money of an event, in cents."""
    window: int
    """An event at t counts while entered_at < t < entered_at + window. Milliseconds."""
    text: str
    """As an outcome tells it, with window and revenue."""


class Arms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which customers are left alone."""

    experiment: str
    """The name by which they are drawn."""
    control: str
    """The percentage of them, as an outcome tells it."""
    below: int
    """The same in hundredths of a percent: a customer whose number in the split is below it is of the control group."""


class Aim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule is measured by; no part of its version."""

    identity: str
    """A digest of goal, revenue, control and experiment: open watches go on in a rule set that has the same."""
    goal: Goal | None
    arms: Arms | None
