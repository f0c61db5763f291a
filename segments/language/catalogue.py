"""What there is: the input topics, the fields of their records, the kinds of events, the event sets, and visits.

Declared here once. The language, the story reader, the linter, the words, the plan, the oracle and the worker look it
up; a test holds it to the Avro schemas.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

SESSION_GAP = 30 * 60_000
"""Milliseconds: an event this long after the previous one begins another visit, as web analytics counts them."""
FUTURE = 5 * 60_000
"""Milliseconds that an event may be ahead of its Kafka timestamp: beyond, the workers refuse it."""


class Type(Enum):
    """What a field holds."""

    TEXT = "text"
    WHOLE = "a whole number"
    NUMBER = "a number"
    """Exact, of six decimals at most."""
    MONEY = "money"
    """Cents; in one currency."""
    INSTANT = "an instant"
    """Milliseconds since 1970, UTC."""
    TEXTS = "a map of texts"
    VALUES = "a map of texts, numbers and booleans"
    TRUTHS = "a map of booleans"
    LISTS = "a map of lists of texts"
    LINES = "a list of order lines"


COMPARED = (Type.TEXT, Type.WHOLE, Type.MONEY)
"""The types that a rule can compare."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of a record."""

    name: str
    type: Type
    optional: bool = False
    """Whether it may be null. Maps and lists may be left out in any case."""
    for_rules: bool = True
    """Whether rules and stories have it as a field of the event."""
    of_lines: bool = True
    """Whether an order line has it too: the amount is of the whole order."""


@dataclass(frozen=True, slots=True)
class Topic:
    """An input topic."""

    name: str
    record: str
    """The Avro record of its values."""
    fields: tuple[Entry, ...]
    """In the order of the schema."""
    kinds: tuple[str, ...] = ()
    """The kinds of its events that the language has names for; none: its records are no events."""
    own_kinds: bool = False
    """Whether there are other kinds, of the shop's own."""
    erases: bool = False
    """Whether a null value erases the customer. Such a topic is compacted."""

    def names(self, *types: Type) -> tuple[str, ...]:
        """The fields of these types that rules and stories have; the kind is not among them."""
        return tuple(
            each.name for each in self.fields if each.type in types and each.for_rules and each.name != "kind"
        )


_HEAD = (
    Entry("event_id", Type.TEXT),
    Entry("customer_id", Type.TEXT, for_rules=False),
    Entry("occurred_at", Type.INSTANT, for_rules=False),
)
LINE = (
    Entry("product_id", Type.TEXT),
    Entry("category", Type.TEXT, optional=True),
    Entry("quantity", Type.WHOLE),
    Entry("price", Type.MONEY),
)
"""The fields of one line of an order."""

ON_SITE = ("page_view", "product_view", "search", "cart_add", "cart_remove", "checkout", "login")
"""The kinds of click that make a visit: reading a mail, or calling the shop, is none."""

CLICKSTREAM = Topic(
    "clickstream",
    "Click",
    (
        *_HEAD,
        Entry("kind", Type.TEXT),
        Entry("session_id", Type.TEXT, optional=True),
        Entry("page", Type.TEXT, optional=True),
        Entry("product_id", Type.TEXT, optional=True),
        Entry("category", Type.TEXT, optional=True),
        Entry("channel", Type.TEXT, optional=True),
        Entry("attributes", Type.TEXTS),
    ),
    kinds=(*ON_SITE, "email_open", "email_click", "support_contact"),
    own_kinds=True,
)
TRANSACTIONS = Topic(
    "transactions",
    "Transaction",
    (
        *_HEAD,
        Entry("kind", Type.TEXT),
        Entry("order_id", Type.TEXT),
        Entry("amount", Type.MONEY, of_lines=False),
        Entry("currency", Type.TEXT),
        Entry("channel", Type.TEXT, optional=True),
        Entry("items", Type.LINES),
        Entry("attributes", Type.TEXTS),
    ),
    kinds=("purchase", "refund"),
)
PROFILES = Topic(
    "profiles",
    "Profile",
    (*_HEAD, Entry("attributes", Type.VALUES), Entry("consents", Type.TRUTHS), Entry("lists", Type.LISTS)),
    erases=True,
)
TOPICS = (CLICKSTREAM, TRANSACTIONS, PROFILES)
"""The input topics, in the order of the documents."""
INPUTS = tuple(topic.name for topic in TOPICS)
"""The input topics that there always are."""
SOURCE = "profiles-"
"""What begins the topic of a profile source beside `profiles`."""
IDENTITIES = Topic(
    "identities",
    "Link",
    (
        *_HEAD,
        Entry("into", Type.TEXT, for_rules=False),
        Entry("action", Type.TEXT, for_rules=False),
        Entry("source", Type.TEXT, optional=True, for_rules=False),
    ),
)
"""The topic of links: an input, too, whose records are of two customers. No rule reads it."""
LINK_ACTIONS = ("link", "unlink")
"""What a link can say."""
DEPLOYMENTS = "segment-deployments"
"""The topic of rule sets: an input, too, whose records are of groups and not of customers."""
EVENT_TOPICS = tuple(topic for topic in TOPICS if topic.kinds)
"""The topics of events; profiles are states."""

DAY = Entry("day", Type.TEXT)
"""A field that every event has and no record: its date in the time zone of the shop, as 2026-11-22."""
CALENDAR = (Entry("hour", Type.WHOLE), Entry("weekday", Type.TEXT), Entry("month", Type.WHOLE))
"""Fields that every event has and no record, in the time zone of the shop: 0 to 23, `monday` …, 1 to 12."""
TOTAL = Entry("total", Type.MONEY)
"""Of an order line: price × quantity."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


VALUE = Entry("value", Type.TEXT, optional=True)
"""A field that every flip has: the value of its segment; missing if that has none."""


@dataclass(frozen=True, slots=True)
class EventSet:
    """A set of events that a rule can speak of."""

    name: str
    """As a rule writes it: `visit`, `purchase.items`, `event("own_kind")`."""
    topics: tuple[Topic, ...]
    kinds: tuple[str, ...] | None = None
    """None: every kind."""
    own_kind: str | None = None
    """The kind, if it is one of the shop's own."""
    lines: bool = False
    """Whether each line of an order is an event."""
    visits: bool = False
    """Whether only the first event of each visit counts."""
    flip: str = ""
    """`entered` or `left`, if its events are the flips of a segment."""
    segment: Any = field(default=None, compare=False)
    """That segment."""
    en: str = field(default="", compare=False)
    """What a rule calls a kind of the shop's own, in the plural; empty: by its name."""
    nl: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.name

    @property
    def attributes(self) -> bool:
        """Whether its events have attributes of the shop's own, by which a rule can tell them apart."""
        return len(self.topics) == 1 and bool(self.topics[0].names(Type.TEXTS)) and not self.lines

    @property
    def orders(self) -> bool:
        """Whether its events consist of order lines, which are a set of their own."""
        return len(self.topics) == 1 and bool(self.topics[0].names(Type.LINES)) and not self.lines


VISIT = EventSet("visit", (CLICKSTREAM,), ON_SITE, visits=True)
ON_SITE_EVENTS = EventSet("on_site", (CLICKSTREAM,), ON_SITE)
ANY_EVENT = EventSet("any_event", EVENT_TOPICS)


def _sets() -> Iterator[EventSet]:
    for topic in EVENT_TOPICS:
        yield from (EventSet(kind, (topic,), (kind,)) for kind in topic.kinds)
        if topic.names(Type.LINES):
            yield from (EventSet(f"{kind}.items", (topic,), (kind,), lines=True) for kind in topic.kinds)


SETS = {each.name: each for each in (*_sets(), ANY_EVENT, ON_SITE_EVENTS, VISIT)}
"""The event sets that the language has names for, by name."""


def source_topic(source: str) -> Topic:
    """The topic of a profile source: of `crm` it is `profiles-crm`. It is like `profiles`, and merged with it."""
    return replace(PROFILES, name=SOURCE + source)


def inputs(sources: Iterable[str] = ()) -> tuple[str, ...]:
    """The input topics with those of these profile sources, which stand after the others, ascending."""
    return (*INPUTS, *sorted({SOURCE + source for source in sources}))


def sources_among(topics: Iterable[str]) -> tuple[str, ...]:
    """The names of the profile sources beside `profiles` that have these topics, ascending."""
    return tuple(sorted(each.removeprefix(SOURCE) for each in topics if each.startswith(SOURCE)))


def is_source(topic: str) -> bool:
    """Whether a topic has profiles: it is `profiles`, or that of another source."""
    return topic == PROFILES.name or topic.startswith(SOURCE)


def quoted(name: str) -> str:
    """A name as a literal on one line, which can be pasted into a rule."""
    return json.dumps(name, ensure_ascii=False)


def of_own_kind(kind: str, en: str = "", nl: str = "") -> EventSet:
    """The events of a kind of the shop's own, and what they are called in English and Dutch."""
    return EventSet(f"event({quoted(kind)})", (CLICKSTREAM,), (kind,), own_kind=kind, en=en, nl=nl)


def flips_of(flip: str, segment: Any, name: str) -> EventSet:
    """The enters (`entered`) or exits (`left`) of a segment of this id."""
    return EventSet(f"{flip}({name})", (), flip=flip, segment=segment)


def fields_of(events: EventSet) -> dict[str, Type]:
    """The fields of an event set by name: first those that every event has, then its own."""
    if events.flip:
        return {each.name: each.type for each in (VALUE, DAY, *CALENDAR)}
    found = [*SHARED, DAY, *CALENDAR]
    if len(events.topics) == 1:
        own = events.topics[0].fields
        found += [each for each in own if each.of_lines or not events.lines]
        found += (*LINE, TOTAL) if events.lines else ()
    return {each.name: each.type for each in found if _comparable(each)}


def _comparable(entry: Entry) -> bool:
    return entry.for_rules and entry.type in COMPARED


SHARED = tuple(
    entry
    for entry in EVENT_TOPICS[0].fields
    if all(entry.name in {each.name for each in topic.fields} for topic in EVENT_TOPICS)
    and _comparable(entry)
)
"""The fields that every event has."""
