"""The same story told in two orders, under the conditions of *Late*."""

from dataclasses import dataclass, replace

from segments.language.truth.life import Customer
from tests.properties.picking import Pick
from tests.properties.records import Arrival
from tests.properties.rules import rule_set
from tests.properties.stories import GRACES, Example, Phase, afterwards, arrivals_to


@dataclass(frozen=True, slots=True)
class Shuffled:
    """One story in two orders of arrival: as drawn, and shuffled."""

    told: Example
    retold: Example


def shuffled(pick: Pick) -> Shuffled:
    """Each record in a phase of its own, so that the order of arrival is the order of application."""
    segments = rule_set(pick, until=False)
    retention = Customer(segments).retention
    arrivals = harmless(arrivals_to(pick, segments), retention)
    order = list(arrivals)
    for place in range(len(order)):
        other = pick(range(place, len(order)))
        order[place], order[other] = order[other], order[place]
    end, grace = afterwards(segments, arrivals), pick(GRACES)
    ends = [end] if pick((True, False)) else []

    def as_told(records: list[Arrival]) -> Example:
        return Example(tuple(segments), grace, tuple(Phase((each,), None) for each in [*records, *ends]))

    return Shuffled(as_told(arrivals), as_told(order))


def harmless(arrivals: list[Arrival], retention: int) -> list[Arrival]:
    """Nothing erased, refused, twice, at one time, or too old whatever the order."""
    kept: dict[int, Arrival] = {}
    for arrival in arrivals:
        near = arrival.time not in kept and all(abs(arrival.time - time) <= retention for time in kept)
        if arrival.event is not None and not arrival.refused and near:
            event = arrival.event | {"event_id": f"e{len(kept)}"}
            kept[arrival.time] = replace(arrival, event=event, timestamp=max(arrival.time, arrival.timestamp))
    return list(kept.values())
