"""The pure machine: records and readings of the clock go in, flips and states come out."""

from segments.engine import partition
from segments.engine.partition import Partition
from segments.engine.records import POSITION_KEY, DeadLetter, Effects, EngineSettings, Notice, Record, Refusal
from segments.engine.rules import RuleSet, load

COMPILED = not partition.__file__.endswith(".py")
"""Whether the engine is compiled to C, or runs as Python."""

__all__ = [
    "COMPILED",
    "POSITION_KEY",
    "DeadLetter",
    "Effects",
    "EngineSettings",
    "Notice",
    "Partition",
    "Record",
    "Refusal",
    "RuleSet",
    "load",
]
