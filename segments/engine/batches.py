"""States as batches of records, for writing them outside of a partition's transaction."""

from collections.abc import Mapping

from segments.engine._native import Batch, Encoder


def batches_of(states: Mapping[bytes, bytes | None], now: int) -> list[Batch]:
    """Finished batches of these keys and values, without headers; `now` is the wall clock."""
    encoder = Encoder("", 0, 0, 0, 0)
    for key, value in states.items():
        encoder.state(now, key, value)
    return encoder.collect()[-1]
