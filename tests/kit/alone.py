"""One customer, lived through alone, beside the same customer in the whole log."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from segments.engine import Deployment, EngineSettings, Record
from segments.insight.alone import Alone, Moment
from segments.insight.replay import Replay
from segments.insight.why import why


def assert_alone_as_whole(
    log: Mapping[str, Sequence[Record]],
    settings: EngineSettings,
    deployments: Sequence[Deployment],
    customers: Iterable[str],
    until: int,
) -> None:
    """Flips, answers and clock of each customer are those of the whole log, which flips somebody."""
    whole = Replay(0, 1, log, None, settings, deployments)
    flips = [flip for effects in whole.run(until) for _, flip in effects.segment_events]
    assert flips
    for customer in customers:
        moments = {
            topic: [
                Moment(each.at, each.at, each if each.key == customer.encode() else None) for each in records
            ]
            for topic, records in log.items()
        }
        alone = Alone(0, 1, None, settings, deployments)
        found = [flip for effects in alone.run(moments, until) for _, flip in effects.segment_events]
        assert list(map(without_offset, found)) == [
            without_offset(each) for each in flips if each["customer_id"] == customer
        ]
        assert why(alone.partition, customer, at=until) == why(whole.partition, customer, at=until)
        assert alone.partition.clock == whole.partition.clock


def without_offset(flip: dict[str, Any]) -> dict[str, Any]:
    """A flip without the offset of its cause: one customer alone is read from places of its own."""
    cause = flip["cause"] and {"topic": flip["cause"]["topic"], "event_id": flip["cause"]["event_id"]}
    return flip | {"cause": cause}
