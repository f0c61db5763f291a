"""The Faust table of the customers: read by everyone, written only by the transactions of its partitions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import faust

from streams.store.stores import MemoryStore, PartitionStore, RocksStore

CUSTOMERS = "customers"


def changelog_topic(group: str) -> str:
    """Return the name of the changelog of a group's customers."""
    return f"{group}-{CUSTOMERS}-changelog"


class CustomerTable(faust.Table[bytes, bytes]):
    """A table with one store for each partition that this worker owns.

    It takes part in the application like any table, and its changelog is the topic that Faust would name for it.
    But Faust neither writes nor restores it: the changelog is part of each partition's transaction.
    """

    def configure(self, kind: str, folder: Path) -> None:
        """Say where the partitions are stored: ``memory``, or ``rocksdb`` in a folder."""
        self._kind = kind
        self._folder = folder
        self._stores: dict[int, PartitionStore] = {}

    async def on_start(self) -> None:
        """Start without declaring topics: `segments topics` makes them."""

    async def on_stop(self) -> None:
        """Close every partition."""
        for number in list(self._stores):
            self.close_partition(number)

    def open_partition(self, number: int) -> PartitionStore:
        """Return the store of a partition, opened if it isn't."""
        if number not in self._stores:
            self._stores[number] = self._new_store_of(number)
        return self._stores[number]

    def _new_store_of(self, number: int) -> PartitionStore:
        if self._kind == "memory":
            return MemoryStore()
        topic = self.changelog_topic.get_topic_name()
        return RocksStore(self._folder / f"{topic}-{number}", f"{topic}-{number}")

    def close_partition(self, number: int) -> None:
        """Close the store of a partition that went to another worker."""
        store = self._stores.pop(number, None)
        if store is not None:
            store.close()

    def open_partitions(self) -> frozenset[int]:
        """Return the numbers of the partitions whose stores are open."""
        return frozenset(self._stores)

    def __getitem__(self, key: bytes) -> bytes:
        """Return the committed state of a customer of this worker."""
        for store in self._stores.values():
            state = store.get(key)
            if state is not None:
                return state
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        """Say whether a customer of this worker has a state."""
        return isinstance(key, bytes) and any(store.get(key) is not None for store in self._stores.values())

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the customers of this worker."""
        return (key for store in self._stores.values() for key, _ in store.items())

    def __len__(self) -> int:
        """Count the customers of this worker."""
        return sum(1 for _ in self)

    def _refuse(self, *_arguments: Any) -> NoReturn:
        raise TypeError(
            "customers can't be written here: a state changes only in the transaction of its partition, "
            "by what segments.engine.Partition takes from an event"
        )

    __setitem__: Any = _refuse
    __delitem__: Any = _refuse
    on_key_set: Any = _refuse
    on_key_del: Any = _refuse
    on_clear: Any = _refuse
