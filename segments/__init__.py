"""The segments of the shop, one file each, and the language and engine behind them."""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["lint", "replay", "try_rules", "why"]


def replay(
    events: Iterable[Mapping[str, Any]],
    rules: Any = None,
    until: Any = None,
    *,
    partitions: int | None = None,
    grace: int = 2_000,
    currency: str = "EUR",
    customer_limit: int = 10_000,
    customer_bytes: int = 1_048_576,
    sort: bool = False,
    required_consent: str = "",
    timezone: str = "UTC",
    group: str = "segments",
) -> list[dict[str, Any]]:
    """What rules would have done with these events, by the very engine of the worker: one dict for each enter or exit.

    For notebooks and scripts; neither Kafka nor a wall clock takes part.

    Args:
        events: Dicts as JSON lines have them, in the order of the log, each with its `topic` (`clickstream`,
            `transactions`, `profiles`). Times are ISO 8601 texts, datetimes with a time zone, or milliseconds;
            amounts texts, `Decimal` or numbers. `"erase": True` erases a customer. Dicts of the topic
            `segment-deployments` deploy the folder of rules in `rules_from` at their `occurred_at`; dicts of the topic
            `identities` say that two ids are one customer.
        rules: A folder of rules, a rule file, a list of them, or segments made here (each with its `id=`); None, where
            the events hold deployments.
        until: Read no later event, and fire at the end what is due up to and including this instant.
        partitions: As many as the topics have, for events that tell their `partition`.
        grace: Milliseconds that the clock of a partition stays behind, as `SEGMENTS_GRACE`.
        currency: The currency that counts as money, as `SEGMENTS_CURRENCY`.
        customer_limit: Entries that one customer may occupy, as `SEGMENTS_CUSTOMER_LIMIT`.
        customer_bytes: Bytes that one customer may occupy, as `SEGMENTS_CUSTOMER_BYTES`.
        sort: Sort the events of each topic by time first. Events that come late flip what they change at the instant
            that their customer has come to; how many there are is said on stderr.
        required_consent: The consent that rules need, as `SEGMENTS_REQUIRED_CONSENT`.
        timezone: The time zone of the calendar by its IANA name, as `SEGMENTS_TIMEZONE`.
        group: Whose deployments count, as `SEGMENTS_GROUP`.

    Returns:
        The segment events with the fields and values of the lines of `segments replay`; times are ISO 8601 texts.

    Raises:
        SegmentsError: An event or a rule is wrong; the message says which, what was expected and what came. An event
            that a worker would refuse gives a warning, one for each reason.

    Two visits and a purchase:

    >>> import segments
    >>> from segments.language import Segment, purchase, visit
    >>> curious = Segment(id="curious", when=visit.since(purchase).within(days=7).count() >= 2)
    >>> anna = {"customer_id": "anna", "topic": "clickstream", "kind": "page_view"}
    >>> events = [
    ...     anna | {"event_id": "1", "occurred_at": "2026-11-20T09:00:00Z"},
    ...     anna | {"event_id": "2", "occurred_at": "2026-11-21T09:00:00Z"},
    ... ]
    >>> for flip in segments.replay(events, curious, until="2026-11-30T00:00:00Z"):
    ...     print(flip["customer_id"], flip["transition"], flip["occurred_at"], flip["reason"])
    anna enter 2026-11-21T09:00:00.000Z event
    anna exit 2026-11-27T09:00:00.000Z timer
    """
    # Not above: a rule file imports the language, and needs no engine.
    from segments.engine import EngineSettings
    from segments.insight import notebook
    from segments.insight.deploying import Deploying

    settings = EngineSettings(grace, currency, customer_limit, customer_bytes)
    deploying = Deploying(group, settings, required_consent, timezone)
    return notebook.replay(events, rules, until, partitions=partitions, sort=sort, deploying=deploying)


def why(
    events: Iterable[Mapping[str, Any]],
    rules: Any,
    customer: str,
    segment: str | None = None,
    until: Any = None,
    *,
    partitions: int | None = None,
    grace: int = 2_000,
    currency: str = "EUR",
    customer_limit: int = 10_000,
    customer_bytes: int = 1_048_576,
    sort: bool = False,
    required_consent: str = "",
    timezone: str = "UTC",
    group: str = "segments",
) -> dict[str, Any]:
    """Why a customer is in the segments, or not, after these events: what `segments why --file --json` prints.

    Args:
        events: As for `replay`.
        rules: As for `replay`.
        customer: The customer id.
        segment: The one segment that is asked about; by default all of them.
        until: As of this instant; by default that of the last event.
        partitions: As for `replay`.
        grace: As for `replay`.
        currency: As for `replay`.
        customer_limit: As for `replay`.
        customer_bytes: As for `replay`.
        sort: As for `replay`.
        required_consent: As for `replay`.
        timezone: As for `replay`.
        group: As for `replay`.

    Returns:
        In or out of each segment, since when, the value of each leaf with its bound, what would change it, and when
        time alone does. Times are ISO 8601 texts.

    Raises:
        SegmentsError: An event or a rule is wrong, or there is no such segment.
    """
    from segments.engine import EngineSettings
    from segments.insight import notebook
    from segments.insight.deploying import Deploying

    settings = EngineSettings(grace, currency, customer_limit, customer_bytes)
    deploying = Deploying(group, settings, required_consent, timezone)
    return notebook.why(
        events, rules, customer, segment, until, partitions=partitions, sort=sort, deploying=deploying
    )


def try_rules(
    events: Iterable[Mapping[str, Any]],
    rules: Any = None,
    until: Any = None,
    *,
    partitions: int | None = None,
    grace: int = 2_000,
    currency: str = "EUR",
    customer_limit: int = 10_000,
    customer_bytes: int = 1_048_576,
    sort: bool = False,
    required_consent: str = "",
    timezone: str = "UTC",
    group: str = "segments",
) -> dict[str, Any]:
    """How large the segments of rules would be after these events, all of them in one pass.

    Args:
        events: As for `replay`.
        rules: As for `replay`.
        until: As of this instant; by default that of the last event.
        partitions: As for `replay`.
        grace: As for `replay`.
        currency: As for `replay`.
        customer_limit: As for `replay`.
        customer_bytes: As for `replay`.
        sort: As for `replay`.
        required_consent: As for `replay`.
        timezone: As for `replay`.
        group: As for `replay`.

    Returns:
        A dict with `as_of`, `customers` (of whom anything is remembered), `in_none`; `segments`: by id `members`,
        `share` of the customers (None without any) and `leaves`: of each condition how many customers it `holds` for,
        and all before it too (`reached`), how many are `missing` a value, the `groups` of its values around the
        bound, and `percentiles` of the values (10, 25, 50, 75, 90, 99); `overlap`: each pair of segments with
        `customers` in both, the largest first; `records` by outcome;
        `refused`: by reason how many, and the first; `late`: how many events came late.

    Raises:
        SegmentsError: An event or a rule is wrong.
    """
    from segments.engine import EngineSettings
    from segments.insight import notebook
    from segments.insight.deploying import Deploying

    settings = EngineSettings(grace, currency, customer_limit, customer_bytes)
    deploying = Deploying(group, settings, required_consent, timezone)
    return notebook.try_rules(events, rules, until, partitions=partitions, sort=sort, deploying=deploying)


def lint(rules: Any) -> list[dict[str, Any]]:
    """What is wrong with rules, as `segments lint` says it: one dict for each finding.

    Args:
        rules: A folder of rules, a rule file, a list of them, or segments made here.

    Returns:
        Dicts with `rule` (empty: a file could not be read), `file`, `line`, `problem`, `mend` and `refused`: whether a
        worker refuses the rule.
    """
    from segments.insight import notebook

    return notebook.lint(rules)
