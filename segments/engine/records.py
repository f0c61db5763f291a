"""What goes into a partition and what comes out of it."""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

from segments.engine._native import Transfer
from segments.language import catalogue

CLICKSTREAM = catalogue.CLICKSTREAM.name
TRANSACTIONS = catalogue.TRANSACTIONS.name
PROFILES = catalogue.PROFILES.name
INPUTS = tuple(sorted(catalogue.INPUTS))
"""The input topics, in the order that breaks ties."""
IDENTITIES = catalogue.IDENTITIES.name
"""The input topic of links."""
DEPLOYMENTS = "segment-deployments"
"""The input topic of rule sets, of a partition whose rule set is a record of its log."""

POSITION_KEY = b"\xff/position"
"""The key of the partition's own record beside its customers: no customer id is this, since it is not UTF-8."""

OLDER = b"\xff"
"""After a customer's key: the key of the record of what is older. No customer id ends so, since it is UTF-8."""

NEVER = 1 << 62
"""An instant that does not come."""

FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999
"""The first and the last millisecond of the years 1 to 9999."""

BEFORE_ALL = -NEVER
"""The instant of a customer, or the clock of a partition, before anything was applied."""

Event = dict[str, Any]
"""A decoded record: the field names of its Avro schema, times in milliseconds, money in cents."""


def of_customer(key: bytes) -> bool:
    """Whether a key is a customer's: neither the partition's own nor that of a second record."""
    return key != POSITION_KEY and not key.endswith(OLDER)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record could not be decoded."""

    reason: str
    error: str


class Record:
    """A record of an input topic. Not frozen: one is made for every event."""

    __slots__ = ("at", "digest", "event", "key", "offset", "over", "timestamp", "topic", "value")

    def __init__(
        self,
        topic: str,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        event: Event | Refusal | None,
    ) -> None:
        self.topic = topic
        self.offset = offset
        self.timestamp = timestamp
        """The Kafka timestamp, in milliseconds."""
        self.key = key
        self.value = value
        self.event = event
        """None: a null value, which erases a customer (`profiles` only)."""
        self.at: int = event["occurred_at"] if type(event) is dict else timestamp
        """When it happened; an erasure at its Kafka timestamp."""
        self.digest: bytes | None = None
        """Of its id, once it was asked for."""
        self.over: Refusal | None = None
        """Of a profile that is over a limit: why it is refused, unless it takes away a consent."""

    def __repr__(self) -> str:
        return f"Record({self.topic}@{self.offset}, {self.key!r})"


class Deciding(Protocol):
    """An object with the settings that the output depends on."""

    @property
    def grace(self) -> int: ...  # noqa: D102  as in `EngineSettings`
    @property
    def currency(self) -> str: ...  # noqa: D102
    @property
    def customer_limit(self) -> int: ...  # noqa: D102
    @property
    def customer_bytes(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings that the output depends on."""

    grace: int = 2_000
    """Milliseconds by which the clock of a partition stays behind."""
    currency: str = "EUR"
    customer_limit: int = 10_000
    """Entries that one customer may occupy."""
    customer_bytes: int = 1 << 20
    """Bytes that one customer may occupy."""

    @classmethod
    def of(cls, settings: Deciding) -> "EngineSettings":
        """Take them from the settings of a process."""
        return cls(settings.grace, settings.currency, settings.customer_limit, settings.customer_bytes)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record, with the reason it is counted by and the error in words."""

    record: Record
    reason: str
    error: str
    partition: int | None = None
    """Where it was read, if not in the partition that refused it."""


ERASED_NOBODY = "erased_nobody"
"""An erasure of a customer of whom nothing is remembered."""
TOO_OLD = "too_old"
"""An event that is ignored because no rule looks back so far."""
CURRENCY_CASE = "currency_case"
"""A transaction in the currency of the rules, but not in capital letters: it is no money."""
CONSENTS_ALONE = "consents_alone"
"""A profile over a limit that takes away a consent: its consents took effect, its attributes did not."""
NOTICES = {
    CONSENTS_ALONE: "profiles over a limit of which the consents alone took effect",
    CURRENCY_CASE: "transactions whose currency is not in capital letters: events, but no money",
    ERASED_NOBODY: "erasures of customers of whom nothing is remembered (a key is the customer id, not JSON or Avro)",
    TOO_OLD: "too old for every rule",
}
"""In words."""


def notice_text(kind: str, count: int) -> str:
    """A notice with the number of its records: `too old for every rule: 2 records`."""
    return f"{NOTICES[kind]}: {count:,} record{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Notice:
    """A record that was accepted and did not do what its sender may have meant."""

    kind: str
    """One of `NOTICES`."""
    topic: str
    offset: int
    key: bytes


@dataclass(slots=True)
class Effects:
    """All effects of a partition since the last collection, to be committed as a whole."""

    segment_events: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)
    """Key and `SegmentEvent`; `emitted_at` is 0: the caller, who reads the wall clock, sets it."""
    segment_outcomes: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)
    """Key and `SegmentOutcome`; `emitted_at` as in segment events."""
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """Open watches that were dropped: segment, and `erasure`, `rule_removed` or `goal_changed`."""
    memberships: list[tuple[bytes, dict[str, Any] | None]] = field(default_factory=list)
    """Key and `SegmentMemberships`; None is a null value."""
    dead_letters: list[DeadLetter] = field(default_factory=list)
    states: dict[bytes, bytes | None] = field(default_factory=dict)
    """The changed states by key; None deletes."""
    offsets: dict[str, int] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Records by topic and outcome: `applied`, `duplicate`, `ignored`, `forwarded` or `dead_letter`."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Dead letters by reason."""
    notices: list[Notice] = field(default_factory=list)
    """In the order of application."""
    lateness: list[int] = field(default_factory=list)
    """For each timer that fired: milliseconds from its instant to the clock at which it fired."""
    late: int = 0
    """Records applied that occurred before their customer's instant."""
    gaps: int = 0
    waiting: int = 0
    """Enters that found the customer in a segment for the most values already, counted at each evaluation."""
    engine_errors: int = 0
    """Bugs while timers fired."""
    links: dict[str, int] = field(default_factory=dict)
    """Links by what became of them: `applied`, `duplicate`, `conflict`, `cycle`, `limit`, `ignored`, `unlinked`."""
    transfers: list[Transfer] = field(default_factory=list)
    """Transfers to ids of other partitions."""
    clock: int = 0
    """The clock of the partition, in milliseconds."""

    @property
    def flips(self) -> Counter[tuple[str, str, str]]:
        """How many there are, by segment, transition and reason."""
        return Counter(
            (each["segment"], each["transition"], each["reason"]) for _, each in self.segment_events
        )

    @property
    def told(self) -> Counter[tuple[str, str, str]]:
        """How many segment outcomes there are, by segment, arm (empty without a control group) and kind."""
        every = (each for _, each in self.segment_outcomes)
        return Counter((each["segment"], each["arm"] or "", each["kind"]) for each in every)

    @property
    def arms(self) -> Counter[tuple[str, str]]:
        """How many enters there are of segments with a control group, by segment and arm."""
        enters = (
            each for _, each in self.segment_events if each["transition"] == "enter" and each.get("arm")
        )
        return Counter((each["segment"], each["arm"]) for each in enters)

    def commit_to(self, states: dict[bytes, bytes]) -> None:
        """Change committed states as a worker's store would, where they are a dictionary."""
        for key, state in self.states.items():
            if state is None:
                states.pop(key, None)
            else:
                states[key] = state


def event_id(
    customer: str, segment: str, version: str, transition: str, sequence: int, occurred_at: int
) -> str:
    """The same flip has the same id in every run."""
    text = "\0".join((customer, segment, version, transition, str(sequence), str(occurred_at)))
    return blake2b(text.encode(), digest_size=16).hexdigest()
