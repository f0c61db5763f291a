"""Stores for the committed states of a partition's customers, each with its position in the changelog."""

import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

from rocksdict import AccessType, BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch

from segments.engine import CommittedStates, Records, Transaction
from segments.engine import States as NativeStates

log = logging.getLogger(__name__)

State = tuple[bytes, bytes | None]
States = Mapping[bytes, bytes | None] | Iterable[State]


class PartitionStore(Protocol):
    """The committed states of one partition. Only committed states are ever written to it."""

    position: int | None
    """The changelog offset up to which this store is complete; None if it is empty and was never read."""

    as_of: int
    """When it was last known to be at the end of the changelog, in milliseconds of the wall clock."""

    def get(self, key: bytes) -> bytes | None:
        """Return a state."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return all states."""

    def keys(self) -> Iterable[bytes]:
        """Return the keys of all states."""

    def size(self) -> tuple[int, int]:
        """Return the number of states and their bytes, keys included; may be estimated."""

    def apply(self, states: States, position: int | None, as_of: int = 0) -> None:
        """Write states, and with them the position if it is known; None as a state deletes."""

    def apply_fetched(self, records: Records, position: int) -> None:
        """Write the states that fetched records of the changelog hold, as `apply` does."""

    def commit(self, transaction: Transaction, position: int | None, as_of: int = 0) -> None:
        """Write the states that a transaction has committed, as `apply` does."""

    @property
    def states(self) -> CommittedStates:
        """The states as the engine reads them."""

    def restored(self) -> None:
        """Note the end of a restore, which wrote many keys several times."""

    def wipe(self) -> None:
        """Forget everything."""

    def close(self) -> None:
        """Close the store."""


def _pairs(states: States) -> Iterable[State]:
    return states.items() if isinstance(states, Mapping) else states


class MemoryStore:
    """In the memory of the engine. It outlives a rebalance that gives the partition back: the tail is read again."""

    def __init__(self) -> None:
        """Start empty."""
        self.states = NativeStates()
        self.position: int | None = None
        self.as_of = 0
        self.get = self.states.get

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return all states."""
        return self.states.items()

    def keys(self) -> Iterable[bytes]:
        """Return the keys of all states, as they are now."""
        return self.states.keys()

    def size(self) -> tuple[int, int]:
        """Return the number of states, each whether it is in one record or in two, and their bytes."""
        return len(self.states) - self.states.older, self.states.bytes

    def apply(self, states: States, position: int | None, as_of: int = 0) -> None:
        """Write states and position."""
        self.states.apply(list(_pairs(states)))
        self._at(position, as_of)

    def apply_fetched(self, records: Records, position: int) -> None:
        """Write the states of fetched records, and position."""
        records.apply_to(self.states)
        self._at(position, 0)

    def commit(self, transaction: Transaction, position: int | None, as_of: int = 0) -> None:
        """Write the states of a transaction, and position."""
        transaction.apply_to(self.states)
        self._at(position, as_of)

    def _at(self, position: int | None, as_of: int) -> None:
        if position is not None:
            self.position, self.as_of = position, as_of or self.as_of

    def restored(self) -> None:
        """Do nothing: each state is held once."""

    def wipe(self) -> None:
        """Forget everything."""
        self.states.clear()
        self.position = None

    def close(self) -> None:
        """Drop everything: another worker owns the partition now."""
        self.wipe()


META_KEY = b"\xff\xff/changelog"
"""The key of owner and position. It sorts after every customer id, since those are UTF-8."""

MEBIBYTE = 1024 * 1024

CACHE = Cache(16 * MEBIBYTE)
"""The block cache, which all partitions of a worker share."""

DICTIONARY = 16 * 1024
"""Bytes of the compression dictionary of a file; it is trained on a hundred times as many."""

LIVE_KEYS = "rocksdb.estimate-num-keys"
LIVE_BYTES = "rocksdb.estimate-live-data-size"
BYTES_IN_MEMORY = "rocksdb.cur-size-active-mem-table"
"""Properties that RocksDB has without reading."""


class RocksStore:
    """A RocksDB database, so that a restart reads only what was committed since.

    States and position are written in one batch. A directory that is damaged, or belongs to another group or
    changelog, is wiped: everything in it is in Kafka too.
    """

    def __init__(self, path: Path, identity: str) -> None:
        """Open the database at `path`, which must be of `identity`."""
        self._path = path
        self._identity = identity
        self.position: int | None = None
        self.as_of = 0
        self._compaction: Thread | None = None
        self._open_or_wipe()

    def _open_or_wipe(self) -> None:
        try:
            self._open()
            self._read_position()
        except Exception as error:  # noqa: BLE001  rocksdict raises plain Exceptions
            log.warning("%s can't be used (%s): wiped, to be restored from Kafka", self._path, error)
            self.wipe()

    def _open(self) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        self._db: Any = Rdict(str(self._path), options=_options(), access_type=AccessType.read_write())

    def _read_position(self) -> None:
        found = self._db.get(META_KEY)
        if found is None:
            if next(iter(self._db.keys()), None) is not None:
                raise ValueError("no note of whose states these are")
            return
        meta = json.loads(found)
        if meta["identity"] != self._identity:
            raise ValueError(f"expected the states of {self._identity}, found those of {meta['identity']}")
        self.position, self.as_of = int(meta["position"]), int(meta["as_of"])

    def get(self, key: bytes) -> bytes | None:
        """Return a state."""
        state: bytes | None = self._db.get(key)
        return state

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Return all states, in key order."""
        return ((key, value) for key, value in self._db.items() if key != META_KEY)

    def keys(self) -> Iterator[bytes]:
        """Return the keys of all states, in their order, as they are at the call."""
        return (key for key in self._db.keys() if key != META_KEY)  # noqa: SIM118 - no dict

    def size(self) -> tuple[int, int]:
        """Return RocksDB's estimates: what was written again and not compacted yet counts twice, as do two records."""
        tables, written = map(self._db.property_int_value, (LIVE_BYTES, BYTES_IN_MEMORY))
        return max(0, self._db.property_int_value(LIVE_KEYS) - 1), tables + written

    def apply(self, states: States, position: int | None, as_of: int = 0) -> None:
        """Write states and position in one batch."""
        batch = WriteBatch(raw_mode=True)
        for key, value in _pairs(states):
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        if position is not None:
            as_of = as_of or self.as_of
            meta = {"identity": self._identity, "position": position, "as_of": as_of}
            batch.put(META_KEY, json.dumps(meta).encode())
        self._db.write(batch)
        if position is not None:
            self.position, self.as_of = position, as_of

    def apply_fetched(self, records: Records, position: int) -> None:
        """Write the states of fetched records, and position, in one batch."""
        self.apply(((key, value) for _, _, key, value in records.raw() if key is not None), position)

    def commit(self, transaction: Transaction, position: int | None, as_of: int = 0) -> None:
        """Write the states of a transaction, and position, in one batch."""
        self.apply(transaction.states, position, as_of)

    @property
    def states(self) -> CommittedStates:
        """The database itself."""
        return self

    def restored(self) -> None:
        """Have RocksDB compact in the background what a restore wrote several times: half of it is left, or less."""
        self._compaction = Thread(target=self._db.compact_range, args=(None, None), name="compaction")
        self._compaction.start()

    def wipe(self) -> None:
        """Delete the database and start an empty one."""
        self.close()
        shutil.rmtree(self._path, ignore_errors=True)
        self.position = None
        self._open()

    def close(self) -> None:
        """Flush and let go of the directory, after a compaction under way: two seconds for 200 MB."""
        if self._compaction is not None:
            self._compaction.join()
            self._compaction = None
        db, self._db = getattr(self, "_db", None), None
        if db is not None:
            db.close()


def _options() -> Options:
    """Bound the memory: rocksdict's default is a block cache of 2 GiB for each database."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(16 * MEBIBYTE)
    options.set_max_write_buffer_number(2)
    options.set_max_open_files(256)
    # Neighbouring customers share products, so blocks of 16 KiB compress a quarter better than blocks of 4.
    options.set_compression_type(DBCompressionType.zstd())
    # The lowest level holds nearly everything and is seldom written: stronger compression with a dictionary saves 4 %.
    options.set_bottommost_compression_type(DBCompressionType.zstd())
    options.set_bottommost_compression_options(-14, 6, 0, DICTIONARY, True)
    options.set_bottommost_zstd_max_train_bytes(100 * DICTIONARY, True)
    table = BlockBasedOptions()
    table.set_block_cache(CACHE)
    table.set_block_size(16 * 1024)
    table.set_bloom_filter(10, False)
    options.set_block_based_table_factory(table)
    return options
