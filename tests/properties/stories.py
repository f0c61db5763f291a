"""Stories at random, drawn from the rules they are told to: their kinds, their fields, their windows and bounds.

Instants are sums of a rule's own constants, a millisecond to each side, so that ends of windows, ties and crossings of
bounds are met all the time rather than never.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from segments.language import Segment
from segments.language.catalogue import CLICKSTREAM, ON_SITE, TRANSACTIONS, inputs, sources_among
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.text import leaves, measures_in
from segments.language.truth.life import Customer
from segments.language.truth.matters import spans
from tests.properties.picking import Pick, one_in, several
from tests.properties.printing import rule_text
from tests.properties.records import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Arrival,
    click,
    erase,
    item,
    profile,
    transaction,
)
from tests.properties.rules import NAMES, PROFILE, SHAPES, STEPS, TEXTS, Aim, rule_set

CENTS = (100_00, 50_00, 0, 99_99, 150_00, 149_99)
MOST = 16
GRACES = (0, 1, 2_000, HOUR)
LAGS = (0, 0, 0, 0, 0, 1, 2_000, HOUR, -MINUTE, -5 * MINUTE, -5 * MINUTE - 1)
"""Milliseconds from an event to Kafka; the last is from the future."""
CUSTOMERS = ("ann", "ann", "ann", "bob")
SOURCES = ("profiles", "profiles", "profiles-crm", "profiles-scores")
BESIDE = {"before": -1, "boundary": 0, "after": 1}
"""An event at the very end of a window or crossing of a bound, or a millisecond to a side of it."""
BEFALLS = ("late", "erase", "tie", *BESIDE)
"""What a story is about, if it is about something."""
AIMS = [(measure, column) for column in (*STEPS, *SHAPES, *BEFALLS, "plain", "until") for measure in NAMES]
"""What an example is about; rare are flips of a measure alone, and of a rule with `until`."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Records that are all in Kafka when the partition begins with them."""

    arrivals: tuple[Arrival, ...]
    now: int | None
    """The wall clock read once they are; None: `SEGMENTS_CLOCK=event`."""


Rules = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """Rules, settings, and what happens."""

    segments: Rules
    grace: int
    phases: tuple[Phase, ...]
    changes: dict[int, Rules] = field(default_factory=dict)
    """Other rules that take over, by the number of the phase before which they do."""
    limit: int = 10_000
    """`SEGMENTS_CUSTOMER_LIMIT`."""
    zone: str = "UTC"
    """`SEGMENTS_TIMEZONE`."""

    @property
    def rule_sets(self) -> list[Rules]:
        """All of them, in order."""
        return [self.segments, *self.changes.values()]

    @property
    def sources(self) -> tuple[str, ...]:
        """`SEGMENTS_PROFILE_SOURCES`: those that tell something."""
        return sources_among({each.topic for each in self.arrivals})

    @property
    def topics(self) -> tuple[str, ...]:
        """The inputs."""
        return tuple(sorted(inputs(self.sources)))

    @property
    def arrivals(self) -> list[Arrival]:
        """All records in the order in which they arrive."""
        return [arrival for phase in self.phases for arrival in phase.arrivals]

    def __repr__(self) -> str:
        lines = [f"grace={self.grace} limit={self.limit}", *map(rule_text, self.segments)]
        for number, phase in enumerate(self.phases):
            lines += [f"from now on {rule_text(each)}" for each in self.changes.get(number, ())]
            lines += [told(arrival) for arrival in phase.arrivals]
            lines.append("---" if phase.now is None else f"--- now={span(phase.now - START)}")
        return "\n    " + "\n    ".join(lines)


def span(milliseconds: int) -> str:
    """A time as it is read most easily: `days(1) + hours(2)`."""
    return f"-({Duration(-milliseconds)})" if milliseconds < 0 else str(Duration(milliseconds))


def told(arrival: Arrival) -> str:
    """A record in a line."""
    at = f"{span(arrival.time - START)}  {arrival.customer}"
    if arrival.refused:
        return f"{at}  {arrival.topic}  refused: {arrival.refused}"
    if arrival.event is None:
        return f"{at}  erase"
    hidden = ("customer_id", "occurred_at", "kind")
    fields = [f"{name}={value!r}" for name, value in arrival.event.items() if value and name not in hidden]
    kind = arrival.event.get("kind", arrival.topic)
    kind = kind if arrival.topic != "clickstream" or kind in CLICKSTREAM.kinds else f'event("{kind}")'
    return f"{at}  {kind}  {' '.join(fields)}  lag={span(arrival.timestamp - arrival.time)}"


def example(pick: Pick, aims: Sequence[Aim] = AIMS) -> Example:
    """Rules and a story of two customers, in one to three phases.

    Each is about one of the things that can be done or happen to a measure, drawn first, so that none is rare.
    """
    aim = pick(aims)
    segments = rule_set(pick, aim=aim)
    arrivals = arrivals_to(pick, segments, aim[1])
    cuts = sorted(several(pick, 2, lambda: pick(range(len(arrivals) + 1))))
    parts = [arrivals[start:end] for start, end in zip([0, *cuts], [*cuts, len(arrivals)], strict=True)]
    phases, clocks = [], one_in(pick, 2)
    for part in parts:
        now = pick([0, *spans_of(segments)]) if clocks else None
        latest = max((arrival.timestamp for arrival in part), default=START)
        phases.append(Phase(tuple(part), None if now is None else latest + now))
    if not one_in(pick, 4):
        phases.append(Phase((afterwards(segments, arrivals),), None))
    return Example(tuple(segments), pick(GRACES), tuple(phases))


def afterwards(segments: Sequence[Segment], arrivals: Sequence[Arrival]) -> Arrival:
    """Another customer's event, so much later that everything due before has fired."""
    latest = max((arrival.time for arrival in arrivals), default=START) - START
    return click(latest + 3 * Customer(segments).retention + 2 * HOUR, "email_click", customer="zoe")


def spans_of(segments: Sequence[Segment]) -> list[int]:
    """The lengths of time that matter to these rules."""
    customer = Customer(segments)
    back = {span for each in segments for span in (each.for_at_least, each.at_most_every, each.aim.window)}
    after = {each.span for events in measured_by(segments) for each in events.sets if each.span}
    return sorted({0, MINUTE, 30 * MINUTE, DAY, customer.retention, *changing_after(customer), *back, *after})


def arrivals_to(pick: Pick, segments: Sequence[Segment], aim: str = "") -> list[Arrival]:
    """Some records; each happens at an earlier one's time and a span, or a millisecond beside it."""
    arrivals: list[Arrival] = []
    times, kinds = [0], kinds_of(segments)
    spans = [*changing_after(Customer(segments)), *spans_of(segments)]
    reads_profile = any(not isinstance(leaf, Comparison | Segment) for leaf in read_by(segments))
    shapes = ["event"] * 15 + ["profile"] * (6 if reads_profile else 1) + ["again"] * 2 + ["erase", "refused"]
    shapes += ["erase"] * 4 * (aim == "erase")
    for _ in range(pick(range(1, MOST + 1))):
        aimed = aim in BEFALLS and one_in(pick, 3)
        times.append(aimed_at(pick, times, segments[0], aim) if aimed else instant(pick, times, spans))
        shape, lag, customer = pick(shapes), pick(LAGS), pick(CUSTOMERS)
        id = f"e{len(arrivals)}"
        if shape == "again" and arrivals:
            arrivals.append(again(pick, arrivals, times[-1]))
        elif shape == "erase":
            arrivals.append(erase(times[-1], customer))
        elif shape == "profile":
            arrivals.append(profile(times[-1], customer, id, lag, pick(SOURCES), **known(pick)))
        else:
            event = happening(pick, times[-1], pick(kinds), customer, id, lag)
            arrivals.append(replace(event, refused="undecodable") if shape == "refused" else event)
    return arrivals


def instant(pick: Pick, times: Sequence[int], spans: Sequence[int]) -> int:
    """An earlier time and a span, seldom minus a span, and a millisecond to each side as often as not."""
    anchor = times[-1] if pick((True, True, False)) else pick(times)
    span = pick((0, MINUTE, 40 * MINUTE)) if one_in(pick, 2) else pick(spans)
    return anchor + pick((1, 1, 1, 1, -1)) * span + pick((0, 1, -1))


def aimed_at(pick: Pick, times: Sequence[int], segment: Segment, aim: str) -> int:
    """An instant at which it happens what a story is about, to a window or bound of a segment."""
    anchor, least = pick(times), MINUTE * pick((1, 40))
    if aim in BESIDE:
        customer = Customer([segment])
        return anchor + pick(sorted(changing_after(customer) - {0, 1}) or [customer.retention]) + BESIDE[aim]
    return times[-1] - least if aim == "late" else anchor + (least if aim == "erase" else 0)


def again(pick: Pick, arrivals: Sequence[Arrival], at: int) -> Arrival:
    """A record once more: the very same, or the same id at another time."""
    first = pick(arrivals)
    if first.event is None or one_in(pick, 2):
        return first
    return replace(first, event=first.event | {"occurred_at": START + at}, timestamp=START + at)


def happening(pick: Pick, at: int, kind: str, customer: str, id: str, lag: int) -> Arrival:
    """A click or transaction; every field may be missing."""
    if kind not in TRANSACTIONS.kinds:
        names = ("session_id", "page", "product_id", "category", "channel")
        fields = {name: maybe(pick, TEXTS[name]) for name in names}
        campaign = maybe(pick, TEXTS["attributes"])
        score = maybe(pick, ("7", "+7.50", "0", "-0.000001", "none"))
        given = {"campaign": campaign, "score": score}
        attributes = {name: text for name, text in given.items() if text is not None}
        return click(at, kind, customer, id, lag, attributes=attributes, **fields)
    fields = {"channel": maybe(pick, TEXTS["channel"]), "order_id": pick(TEXTS["order_id"])}
    currency, lines = pick(("EUR", "EUR", "EUR", "USD")), several(pick, 2, lambda: line(pick))
    return transaction(at, kind, pick(CENTS), customer, id, lag, currency=currency, items=lines, **fields)


def line(pick: Pick) -> dict[str, Any]:
    """A line of an order."""
    return item(pick(TEXTS["product_id"]), pick(CENTS), pick((1, 2, 3, 0)), maybe(pick, TEXTS["category"]))


def maybe(pick: Pick, texts: Sequence[str]) -> str | None:
    """One of these, or missing."""
    return pick([*texts, *texts, None])


def known(pick: Pick) -> dict[str, Any]:
    """Attributes, consents and a list, missing now and then."""
    found = {name: pick([*values, *values, None, "31", 31.0]) for name, values in PROFILE.items()}
    consents = {name: pick((True, False, None)) for name in ("marketing", "sms")}
    given = {name: value for name, value in consents.items() if value is not None}
    listed = pick((None, (), ("travel",), ("food", "travel")))
    lists = {} if listed is None else {"interests": list(listed)}
    told = {name: value for name, value in found.items() if value is not None}
    return told | {"consents": given, "lists": lists}


def read_by(segments: Sequence[Segment]) -> list[Any]:
    """All leaves of these rules."""
    return [leaf for segment in segments for leaf in leaves(segment.when) + leaves(segment.until)]


def measured_by(segments: Sequence[Segment]) -> list[Events]:
    """The event sets of all measures of these rules."""
    return [each.events for leaf in read_by(segments) for each in measures_in(leaf)]


def kinds_of(segments: Sequence[Segment]) -> list[str]:
    """The kinds that these rules look at, and here and there another one."""
    measured = measured_by(segments)
    sets = [each for events in measured for each in events.sets]
    wanted = [kind for events in sets for kind in kinds_in(events)]
    measured_kinds = [kind for events in measured for kind in kinds_in(events)]
    return (
        measured_kinds * 4 + wanted * 2 + ["page_view", "purchase", "email_open", "wish"]
        if wanted
        else ["page_view", "purchase"]
    )


def kinds_in(events: Events) -> tuple[str, ...]:
    """The kinds that an event set is made of."""
    if events.source.visits:
        return ON_SITE[:1] + ON_SITE[-1:]
    return events.source.kinds or ("page_view", "purchase", "email_open")


def changing_after(customer: Customer) -> set[int]:
    """How long after an event some leaf of the customer's rules can change, in milliseconds."""
    return {span for leaf in customer.parts for span in spans(leaf)}
