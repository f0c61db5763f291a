"""Our topics (schemas/README.md): how they are made, and how those that exist differ.

All have the same number of partitions, so that whatever a customer does meets in one partition, and
LogAppendTime, since the clock of a partition trusts Kafka's timestamps and nobody else's.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import for_code

from segments.language import catalogue
from streams.errors import TopicsError
from streams.kafka.connection import admin
from streams.settings.settings import Settings

log = logging.getLogger(__name__)

Cleanup = Literal["delete", "compact"]

HOUR = 3_600_000
DAY = 24 * HOUR
MEGABYTE = 1_048_576
TRANSFERS = "-transfers"
"""How the name of a group's transfers ends."""
UNKNOWN_TOPIC = 3
TOPIC_EXISTS = 36

RETAINED = 400 * DAY
"""Milliseconds that inputs and outputs are kept at least, unless `--retention` says less: a year, and a month to look
back from its end. Inputs are kept as long as the rules remember, if that is longer."""
FOR_EVER = -1
"""`retention.ms` of a topic whose records are never deleted."""
LONGEST = (1 << 63) - 1
"""Milliseconds; the largest value of `delete.retention.ms`, which has no word for ever."""
RETENTION_SETTING, NULLS_SETTING = "retention.ms", "delete.retention.ms"

# For how long a null value is kept after compaction: whoever reads from the start must be done by then. A null in an
# input erases a customer, and is kept as long as the events that it erases.
NULLS_KEPT = {"segment-memberships": 7 * DAY}

# Bytes of a record. A dead letter holds a refused record of up to 8 MB and its headers, a membership record all
# segments of a customer, a record of the changelog what is remembered of one.
LARGEST = {
    catalogue.DEPLOYMENTS: 8 * MEGABYTE,
    "dead-letters": 16 * MEGABYTE,
    "delivery-dead-letters": 2 * MEGABYTE,
    "segment-memberships": 16 * MEGABYTE,
}
LARGEST_STATE = 8 * MEGABYTE
LARGEST_TRANSFER = 16 * MEGABYTE
LARGEST_SETTING = "max.message.bytes"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be."""

    name: str
    cleanup: Cleanup
    direction: Literal["in", "rules", "out", "state", "transfers", "delivery"]
    """Seen from the workers; `rules`: their rule sets, an input that is no event; `transfers`: what their partitions
    send each other; `delivery`: what `segments deliver` writes, and no worker needs."""


@dataclass(frozen=True, slots=True)
class ExistingTopic:
    """A topic as it is."""

    partitions: int
    replication: int
    cleanup: str
    timestamp_type: str
    largest: int
    """Bytes of a record, and of a batch of records, that it takes at most."""
    retained: int
    """Milliseconds that a record is kept, by `retention.ms`; `FOR_EVER` without an end."""
    nulls_kept: int
    """Milliseconds that a null is kept after compaction."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with a topic, and its mend."""

    topic: str
    problem: str
    mend: str
    in_partitions: bool = False
    """Whether it is in the number of partitions."""
    stops_workers: bool = False
    """Whether no worker runs with it."""

    def __str__(self) -> str:
        return f"{self.topic}: {self.problem}: {self.mend}"


TOPICS = (
    *(Topic(each.name, "compact" if each.erases else "delete", "in") for each in catalogue.TOPICS),
    Topic(catalogue.IDENTITIES.name, "delete", "in"),
    Topic(catalogue.DEPLOYMENTS, "delete", "rules"),
    Topic("segment-events", "delete", "out"),
    Topic("segment-memberships", "compact", "out"),
    Topic("segment-outcomes", "delete", "out"),
    Topic("dead-letters", "delete", "out"),
    Topic("delivery-dead-letters", "delete", "delivery"),
)
INPUTS = catalogue.INPUTS
ADOPTED = (*INPUTS, catalogue.IDENTITIES.name)
"""The inputs that a group can be told to read from their beginnings."""
PROFILES = tuple(topic.name for topic in catalogue.TOPICS if topic.erases)
"""The inputs in which a null erases the customer."""


def of_sources(sources: Iterable[str]) -> tuple[Topic, ...]:
    """The topics of these profile sources, beside `profiles`."""
    return tuple(Topic(catalogue.SOURCE + each, "compact", "in") for each in sorted(sources))


def profiles(sources: Iterable[str]) -> tuple[str, ...]:
    """The inputs in which a null erases the customer, those of profile sources among them."""
    return (*PROFILES, *(topic.name for topic in of_sources(sources)))


def changelog(group: str) -> Topic:
    """Where the workers of a group keep what they remember of customers."""
    return Topic(f"{group}-customers-changelog", "compact", "state")


def transfers(group: str) -> Topic:
    """By which the partitions of a group send each other what is remembered of ids that are merged."""
    return Topic(group + TRANSFERS, "delete", "transfers")


def topics(group: str, sources: Iterable[str] = ()) -> tuple[Topic, ...]:
    """All topics of ours: the contract's, those of profile sources, and the changelog and the transfers of a group."""
    return (*TOPICS, *of_sources(sources), changelog(group), transfers(group))


def of_workers(group: str) -> tuple[Topic, ...]:
    """All topics that a group of workers reads or writes, but for those of profile sources."""
    return tuple(each for each in topics(group) if each.direction != "delivery")


def retained(topic: Topic, inputs: int = RETAINED) -> int | None:
    """Milliseconds that a topic keeps its records, the inputs so many; None of a compacted topic."""
    if topic.cleanup == "compact":
        return None
    if topic.direction in ("rules", "transfers"):
        return FOR_EVER
    return inputs if topic.direction == "in" else RETAINED


def configuration(topic: Topic, replication: int, inputs: int = RETAINED) -> dict[str, str]:
    """The settings with which a topic is created; the inputs keep records for so many milliseconds."""
    settings: dict[str, object] = {"cleanup.policy": topic.cleanup, "message.timestamp.type": "LogAppendTime"}
    if topic.cleanup == "compact":
        # Kafka compacts closed segments only: by default an erased profile stays readable for a week.
        settings |= {
            "segment.bytes": 64 * MEGABYTE,
            "segment.ms": 6 * HOUR,
            "max.compaction.lag.ms": DAY,
            NULLS_SETTING: inputs if topic.direction == "in" else NULLS_KEPT.get(topic.name, DAY),
        }
    if (kept := retained(topic, inputs)) is not None:
        settings[RETENTION_SETTING] = kept
    if replication >= 3:
        settings["min.insync.replicas"] = 2
    if (largest := largest_record(topic)) is not None:
        settings[LARGEST_SETTING] = largest
    return {name: str(value) for name, value in settings.items()}


def largest_record(topic: Topic) -> int | None:
    """Bytes that a record of the topic must be able to have; None: what Kafka takes by default is enough."""
    if topic.direction == "transfers":
        return LARGEST_TRANSFER
    return LARGEST_STATE if topic.direction == "state" else LARGEST.get(topic.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `create` did, or would do: topics made, topics that were there, and how those differ."""

    partitions: int
    """Of each topic made."""
    created: tuple[Topic, ...]
    existing: tuple[Topic, ...]
    differences: tuple[Difference, ...]


def create(
    settings: Settings,
    partitions: int | None,
    replication: int,
    inputs: int = RETAINED,
    *,
    dry_run: bool = False,
) -> Outcome:
    """Creates the topics that are missing; the inputs keep records for `inputs` milliseconds.

    Without a number of `partitions` they get as many as most of those that exist have; without any, the default of
    SEGMENTS_PARTITIONS. Nothing is created while one that exists has another number: the set would not fit together.
    """
    wanted = topics(settings.group, settings.profile_sources)
    with admin(settings) as client:
        found = look(client, wanted)
        partitions = partitions or common_partitions(found) or settings.partitions
        differences = tuple(differing(wanted, found, partitions, inputs))
        missing = tuple(topic for topic in wanted if topic.name not in found)
        if any(each.in_partitions for each in differences):
            missing = ()
        if missing and not dry_run:
            make(client, missing, partitions, replication, inputs)
    return Outcome(partitions, missing, tuple(topic for topic in wanted if topic.name in found), differences)


def check(settings: Settings, partitions: int | None = None, inputs: int = RETAINED) -> list[Difference]:
    """How the topics differ from what they should be; by default most of them say how many partitions.

    The inputs should keep records for `inputs` milliseconds at least.
    """
    wanted = topics(settings.group, settings.profile_sources)
    with admin(settings) as client:
        found = look(client, wanted)
    expected = partitions or common_partitions(found)
    ours = (*TOPICS, *of_sources(settings.profile_sources))
    return [*_missing(ours, found), *differing(wanted, found, expected, inputs)]


def require(settings: Settings) -> int:
    """Refuses topics with which a worker cannot work, and gives their number of partitions.

    The group's own changelog and transfers are created if they are not there yet: each group has others. A topic that
    takes smaller records than are written to it is a warning: what is too large there becomes a dead letter. Profile
    sources are those of the deployment, see `require_sources`.

    Raises:
        TopicsError: one line for each topic that is missing or has another number of partitions, and for each input
            whose timestamps producers make: a device with a wrong clock would move the clock of a partition.
        BrokerAway: no broker answers.

    """
    own = (changelog(settings.group), transfers(settings.group))
    wanted = of_workers(settings.group)
    with admin(settings) as client:
        found = look(client, wanted)
        partitions = common_partitions({name: found[name] for name in INPUTS if name in found})
        wrong = list(_missing([each for each in wanted if each not in own], found))
        differences = list(differing(wanted, found, partitions))
        wrong += [each for each in differences if each.stops_workers]
        if wrong:
            raise TopicsError("\n".join(str(each) for each in wrong))
        if missing := [each for each in own if each.name not in found]:
            make(client, missing, partitions, found[INPUTS[0]].replication)
    for each in differences:
        if LARGEST_SETTING in each.problem:
            log.warning("%s", each)
    return partitions


def require_sources(settings: Settings, sources: Collection[str]) -> None:
    """Refuses profile sources whose topics do not fit: missing, or of other partitions, timestamps or kept nulls.

    Raises TopicsError with one line for each difference, and BrokerAway.
    """
    if not sources:
        return
    wanted = of_sources(sources)
    with admin(settings) as client:
        found = look(client, (*TOPICS, *wanted))
    partitions = common_partitions({name: found[name] for name in INPUTS if name in found})
    wrong = list(_missing(wanted, found))
    wrong += [each for each in differing((*TOPICS, *wanted), found, partitions) if each.stops_workers]
    names = {topic.name for topic in wanted}
    if lines := [str(each) for each in wrong if each.topic in names]:
        raise TopicsError("\n".join(lines))


def require_delivery(settings: Settings) -> int:
    """Refuses topics with which nothing can be delivered, and gives their number of partitions.

    Raises TopicsError with one line for each topic that is missing, and BrokerAway.
    """
    return require_these(
        settings,
        {
            *("segment-events", "segment-memberships", "delivery-dead-letters"),
            *(catalogue.IDENTITIES.name, catalogue.DEPLOYMENTS),
            *profiles(settings.profile_sources),
        },
    )


def require_these(settings: Settings, needed: Collection[str]) -> int:
    """The number of partitions of some of our topics.

    Raises TopicsError with one line for each of them that is missing, and BrokerAway.
    """
    ours = (*TOPICS, *of_sources(settings.profile_sources))
    wanted = [each for each in ours if each.name in needed]
    with admin(settings) as client:
        found = look(client, wanted)
    if missing := [str(each) for each in _missing(wanted, found)]:
        raise TopicsError("\n".join(missing))
    return common_partitions(found)


def common_partitions(found: dict[str, ExistingTopic]) -> int:
    """The number of partitions that most topics have; 0 if there are none."""
    counts = Counter(each.partitions for each in found.values())
    return counts.most_common(1)[0][0] if counts else 0


def look(client: KafkaAdminClient, wanted: Iterable[Topic]) -> dict[str, ExistingTopic]:
    """The topics that exist, as they are."""
    names = [topic.name for topic in wanted]
    described = {each["name"]: each for each in client.describe_topics(names) if not _is_unknown(each)}
    if not described:
        return {}
    resources = [ConfigResource("TOPIC", name) for name in described]
    configs = client.describe_configs(resources, config_filter="all")["topic"]
    # A topic that is being deleted may be described and have no settings any more: it is gone.
    present = [name for name in names if name in described and configs.get(name)]
    return {name: _found(described[name]["partitions"], configs[name]) for name in present}


def _is_unknown(described: dict[str, Any]) -> bool:
    """Whether there is no such topic; any other trouble with it must not look like that."""
    error = described["error_code"]
    if error not in (0, UNKNOWN_TOPIC):
        raise TopicsError(f"{described['name']}: Kafka does not describe it: {for_code(error).__name__}")
    return bool(error == UNKNOWN_TOPIC)


def _found(partitions: list[dict[str, list[int]]], config: dict[str, dict[str, str]]) -> ExistingTopic:
    return ExistingTopic(
        partitions=len(partitions),
        replication=min((len(each["replica_nodes"]) for each in partitions), default=0),
        cleanup=config["cleanup.policy"]["value"],
        timestamp_type=config["message.timestamp.type"]["value"],
        largest=int(config[LARGEST_SETTING]["value"]),
        retained=int(config[RETENTION_SETTING]["value"]),
        nulls_kept=int(config[NULLS_SETTING]["value"]),
    )


def make(
    client: KafkaAdminClient,
    missing: Iterable[Topic],
    partitions: int,
    replication: int,
    inputs: int = RETAINED,
) -> None:
    """Creates topics and waits until they can be used; one that somebody else just created stays as it is."""
    wanted = {
        topic.name: {
            "num_partitions": partitions,
            "replication_factor": replication,
            "configs": configuration(topic, replication, inputs),
        }
        for topic in missing
    }
    answers = client.create_topics(wanted, raise_errors=False)["topics"]
    refused = [each for each in answers if each["error_code"] not in (0, TOPIC_EXISTS)]
    if refused:
        raise TopicsError(
            "\n".join(
                f"{each['name']}: Kafka refused to create it: {each['error_message']}" for each in refused
            )
        )
    client.wait_for_topics(list(wanted))


def _missing(wanted: Iterable[Topic], found: dict[str, ExistingTopic]) -> Iterator[Difference]:
    for topic in wanted:
        if topic.name not in found:
            yield Difference(topic.name, "missing", "create it with `segments topics create`")


def differing(
    wanted: Iterable[Topic], found: dict[str, ExistingTopic], partitions: int, inputs: int | None = None
) -> Iterator[Difference]:
    """How the topics that exist differ; for how long records are kept is compared if the inputs have a wanted time."""
    erased = _erased_from(found)
    for topic in wanted:
        if (actual := found.get(topic.name)) is not None:
            yield from _compare(topic, actual, partitions)
            if inputs is not None:
                yield from _compare_retention(topic, actual, inputs)
            if topic.direction == "in" and topic.cleanup == "compact" and actual.nulls_kept < erased:
                # A rebuild would read events of a customer whose erasure is gone, and bring them back.
                yield _setting(topic, NULLS_SETTING, str(erased), str(actual.nulls_kept), stops_workers=True)


def _erased_from(found: dict[str, ExistingTopic]) -> int:
    """Milliseconds that an erasure must be kept: as long as the inputs keep events."""
    kept = [
        found[topic.name].retained
        for topic in TOPICS
        if topic.direction == "in" and topic.cleanup == "delete" and topic.name in found
    ]
    return LONGEST if FOR_EVER in kept else max(kept, default=0)


def _compare_retention(topic: Topic, actual: ExistingTopic, inputs: int) -> Iterator[Difference]:
    """Records that are deleted too early; one that is kept longer than needed is nobody's loss."""
    wanted = retained(topic, inputs)
    if wanted is None or actual.retained in (FOR_EVER, wanted):
        return
    if wanted == FOR_EVER or actual.retained < wanted:
        yield _setting(topic, RETENTION_SETTING, str(wanted), str(actual.retained))


def _compare(topic: Topic, actual: ExistingTopic, partitions: int) -> Iterator[Difference]:
    if actual.partitions != partitions:
        yield Difference(
            topic.name,
            f"expected {partitions} partitions, came {actual.partitions}",
            _mend_of_partitions(topic, actual.partitions),
            in_partitions=True,
            stops_workers=True,
        )
    if set(actual.cleanup.split(",")) != {topic.cleanup}:
        yield _setting(topic, "cleanup.policy", topic.cleanup, actual.cleanup)
    if actual.timestamp_type != "LogAppendTime":
        yield _setting(
            topic,
            "message.timestamp.type",
            "LogAppendTime",
            actual.timestamp_type,
            stops_workers=topic.direction == "in",
        )
    if (largest := largest_record(topic)) is not None and actual.largest < largest:
        yield _setting(topic, LARGEST_SETTING, str(largest), str(actual.largest))


def _mend_of_partitions(topic: Topic, actual: int) -> str:
    if topic.direction in ("state", "transfers"):
        # Deleting it would delete what is remembered of every customer.
        return (
            f"what the group remembers was written for {actual}; deploy/operations.md says under More partitions "
            "how to move"
        )
    return f"have all with --partitions {actual}, or delete it and `segments topics create`"


def _setting(topic: Topic, name: str, expected: str, came: str, *, stops_workers: bool = False) -> Difference:
    mend = (
        "`kafka-configs.sh --bootstrap-server $SEGMENTS_BROKERS --alter --entity-type topics "
        f"--entity-name {topic.name} --add-config {name}={expected}`"
    )
    problem = f"expected {name}={expected}, came {came}"
    return Difference(topic.name, problem, mend, stops_workers=stops_workers)
