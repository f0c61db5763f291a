"""One transaction writes a deployment to every partition: all of them have it, or none.

Only one deployment of a group is written at a time. Who writes initialises the transactional id first, which ends
whatever another one had begun; then reads the topic to its end; then writes, if the chain still ends where the
deployment was planned.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kafka import KafkaProducer
from kafka.errors import InvalidProducerEpochError, KafkaError, ProducerFencedError

import schemas
from segments.language.catalogue import DEPLOYMENTS
from streams.deployments.records import Chains, read_chains
from streams.errors import BrokerAway, StreamsError
from streams.kafka.connection import BOOTSTRAP_MILLISECONDS, RETRY_MILLISECONDS, connection, require_broker
from streams.kafka.group import require_readers
from streams.registry.registry import connect
from streams.settings.settings import Settings

LARGEST = 8_388_608
"""Bytes of a record: as many as the topic takes."""
HEADROOM = 1_024
"""Bytes that a record takes beside its value, at most."""
TRANSACTION_MILLISECONDS = 60_000
"""After which the broker ends the transaction of a command that died."""


class Overtaken(StreamsError):
    """Another deployment was written meanwhile: nothing was written."""

    exit_code = 4


def transactional_id(settings: Settings) -> str:
    """By which two deployments of a group exclude each other."""
    return f"{settings.group}-deploy"


def write(settings: Settings, record: dict[str, Any], seen: Chains) -> None:
    """Write a deployment to all partitions, planned on the chain that was seen.

    Raises:
        Overtaken: the chain has gone on, or another deployment has begun; nothing was written.
        BrokerAway: no broker answers; of the partitions all have it or none.
        UnreadableByWorkers: a worker that runs can't read its plan; nothing was written.

    """
    require_broker(settings)
    if (registry := connect(settings)) is not None:
        registry.register([DEPLOYMENTS])
    bare = schemas.encode(schemas.DEPLOYMENT, {**record, "rules": None})
    first = schemas.encode(schemas.DEPLOYMENT, record)
    if len(first) > LARGEST - HEADROOM:
        raise StreamsError(
            f"the deployment has {len(first):,} bytes, and a record at most {LARGEST:,}: split the rules"
        )
    try:
        # The group is asked while the producer connects.
        with ThreadPoolExecutor(1, "readers") as beside:
            readers = beside.submit(_require_readers, settings, record["plan_format"])
            _write(settings, seen, first, bare, readers.result)
    except (ProducerFencedError, InvalidProducerEpochError) as error:
        raise Overtaken(_overtaken(None)) from error
    except KafkaError as error:
        if error.retriable:
            raise BrokerAway(settings.brokers, error) from error
        raise


def _require_readers(settings: Settings, plan_format: int | None) -> None:
    if plan_format is not None:
        require_readers(settings, plan_format)


def _write(
    settings: Settings, seen: Chains, first: bytes, bare: bytes, require_readable: Callable[[], None]
) -> None:
    producer = KafkaProducer(
        **connection(settings),
        transactional_id=transactional_id(settings),
        transaction_timeout_ms=TRANSACTION_MILLISECONDS,
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=BOOTSTRAP_MILLISECONDS,
        retry_backoff_ms=RETRY_MILLISECONDS,
        max_request_size=LARGEST,
    )
    try:
        require_readable()
        producer.init_transactions()
        now = read_chains(settings)
        if _last(now) != _last(seen):
            raise Overtaken(_overtaken(_last(now)))
        producer.begin_transaction()
        key = settings.group.encode()
        sent = [
            producer.send(DEPLOYMENTS, key=key, value=bare if number else first, partition=number)
            for number in sorted(now.held)
        ]
        producer.flush()
        for each in sent:
            each.get()
        producer.commit_transaction()
    finally:
        producer.close(timeout=5)


def _last(chains: Chains) -> str | None:
    return None if chains.last is None else chains.last.id


def _overtaken(by: str | None) -> str:
    who = "another deployment" if by is None else f"deployment {by}"
    return (
        f"{who} was written meanwhile, and nothing of this one: look at it (segments diff), then deploy again"
    )
