"""Records of the simulation as the batches that brokers hold, and back."""

from collections.abc import Iterable
from typing import Any

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from segments.engine import Batch, Fetch, Records
from tests.simulation.kafka import Entry, Row


def fetched(entries: Iterable[Entry], start: int, end: int) -> Records:
    """The records of a fetch that covers the offsets [start, end)."""
    builder = DefaultRecordBatchBuilder(
        2, 0, is_transactional=0, producer_id=-1, producer_epoch=0, base_sequence=0, batch_size=1 << 28
    )
    for each in entries:
        builder.append(each.offset - start, each.timestamp, each.key, each.value, [])
    raw = bytearray(builder.build())
    raw[0:8] = start.to_bytes(8, "big")
    raw[23:27] = (end - start - 1).to_bytes(4, "big")
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    records = Fetch(bytes(raw), start).next_run(1 << 30)
    assert records is not None
    return records


def rows(batch: Batch) -> list[Row]:
    """Key, value and headers of each record of a finished batch."""
    made: Any = batch
    made._set_producer_state(1, 0, 0)
    return rows_of(made._build())


def rows_of(batch: bytes) -> list[Row]:
    """The same of the bytes of a batch."""
    found = MemoryRecords(batch).next_batch()
    return [(each.key, each.value, tuple(each.headers)) for each in found]
