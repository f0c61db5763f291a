"""The record of a partition beside its customers: offsets, clock, and the deployment that it runs."""

from dataclasses import dataclass

from segments.engine._native import position as read_position
from segments.language.errors import SegmentsError


@dataclass(frozen=True, slots=True)
class Position:
    """The partition's own record, which is stored beside its customers under `POSITION_KEY`."""

    offsets: dict[str, int]
    """The next offset to be applied, by topic."""
    clock: int
    """In milliseconds."""
    count: int
    """Of the partitions."""
    deployment: tuple[str, int, int] | None = None
    """Id, offset and instant of the deployment that the partition runs; None: its rule set was never deployed."""
    filling: tuple[str, int] | None = None
    """Id and offset of the deployment whose measures are filled beside it; None: none is."""


def position_of(record: bytes) -> Position:
    """Read such a record of any rule set. Raises SegmentsError if the bytes are none."""
    try:
        return Position(*read_position(record))
    except ValueError as error:
        raise SegmentsError(str(error)) from error
