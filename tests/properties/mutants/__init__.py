"""Bugs that one could well write: each must be caught by the properties."""

from tests.properties.mutants.customers import FLIPS, FORGETTING
from tests.properties.mutants.partitions import CHANGES, PARTITION
from tests.properties.mutants.rules import EVENTS, WINDOWS

ALL = [*WINDOWS, *EVENTS, *FLIPS, *FORGETTING, *PARTITION, *CHANGES]
