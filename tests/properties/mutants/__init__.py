"""Bugs that one could well write: each must be caught by the properties."""

from .customers import FLIPS, FORGETTING
from .partitions import CHANGES, PARTITION
from .rules import EVENTS, WINDOWS

ALL = [*WINDOWS, *EVENTS, *FLIPS, *FORGETTING, *PARTITION, *CHANGES]
