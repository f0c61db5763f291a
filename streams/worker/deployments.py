"""The deployments of a group in the log of a partition: decoding them, and reading all of them at a take-over."""

import logging
from collections.abc import Mapping
from typing import Any

import cramjam
from aiokafka import TopicPartition

import schemas
from segments.engine import DEPLOYMENTS, FILL, RULES, Chain, Deployment, Records, deployment_of
from streams.kafka.offsets import Offsets
from streams.transport.reading import reading

log = logging.getLogger(__name__)


def decode(group: str, record: tuple[int, int, bytes | None, bytes | None]) -> Deployment | None:
    """Decode a record (offset, Kafka timestamp, key, value). Returns None for a deployment of another group."""
    offset, timestamp, key, value = record
    if key != group.encode():
        return None
    try:
        fields = schemas.decode(schemas.DEPLOYMENT, value or b"")
    except schemas.DecodeError as error:
        return Deployment(offset, timestamp, "", None, timestamp, "", wrong=f"{error}.")
    return _deployment(offset, timestamp, fields)


def _deployment(offset: int, timestamp: int, fields: Mapping[str, Any]) -> Deployment:
    plan, wrong = b"", None
    if fields["kind"] in (RULES, FILL):
        try:
            plan = bytes(cramjam.zstd.decompress(fields["plan"] or b""))
        except (ValueError, OSError, cramjam.DecompressionError) as error:
            wrong = f"its plan (format {fields['plan_format']}): {error}."
    return deployment_of(offset, timestamp, fields, plan, wrong)


def decoded(group: str, records: Records) -> list[Deployment]:
    """Return the deployments of the group in a fetched run."""
    return [found for each in records.raw() if (found := decode(group, each)) is not None]


async def read_chain(
    client: Mapping[str, Any], group: str, number: int, offsets: Offsets
) -> tuple[Chain, int]:
    """Read the chain of a partition to the end of its log. Returns it and the offset after the last record."""
    chain, place = Chain(), TopicPartition(DEPLOYMENTS, number)
    position = (await offsets.starts([place]))[place]
    end = (await offsets.ends([place]))[place]
    if position >= end:
        return chain, end
    async with reading(client, place, position, end) as turns:
        async for records, reached in turns:
            position = reached
            for record in records.raw():
                if record[0] < end and (found := decode(group, record)) is not None:
                    chain.add(found)
    return chain, position
