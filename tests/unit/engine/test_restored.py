"""States as a changelog holds them, put into a store without being unpacked in Python."""

from pathlib import Path

import pytest

from streams.store.stores import MemoryStore, RocksStore
from tests.simulation.batches import fetched
from tests.simulation.kafka import COMMITTED, Entry

RUNS = (
    [(b"ann", b"first"), (b"bob", b"state"), (b"cleo", b"state"), (b"", b"nobody")],
    [(b"ann", b"second"), (b"bob", None), (b"bob\xff", b"older"), (b"dora", None)],
)


def _run(rows, start):
    entries = [
        Entry("changelog", start + at, 5, key, value, (), COMMITTED) for at, (key, value) in enumerate(rows)
    ]
    return fetched(entries, start, start + len(rows))


@pytest.mark.parametrize("kind", ["memory", "rocksdb"])
def test_a_store_holds_the_last_state_of_each_key(kind: str, tmp_path: Path) -> None:
    """A later state replaces an earlier one, and a null deletes, in whatever runs they come; the position goes along."""
    store = MemoryStore() if kind == "memory" else RocksStore(tmp_path / "store", "group")
    start = 0
    for rows in RUNS:
        store.apply_fetched(_run(rows, start), start + len(rows))
        start += len(rows)
    assert dict(store.items()) == {b"ann": b"second", b"cleo": b"state", b"": b"nobody", b"bob\xff": b"older"}
    assert store.position == start
    store.close()


def test_bytes_and_second_records_are_counted() -> None:
    """As for states that a transaction has written."""
    store, start = MemoryStore(), 0
    for rows in RUNS:
        store.apply_fetched(_run(rows, start), start + len(rows))
        start += len(rows)
    assert store.size() == (
        3,
        sum(map(len, (b"ann", b"second", b"cleo", b"state", b"nobody", b"bob\xff", b"older"))),
    )
