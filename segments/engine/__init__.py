"""The pure machine: records and readings of the clock go in, flips and states come out."""

from segments.engine.partition import Partition
from segments.engine.records import POSITION_KEY, DeadLetter, Effects, EngineSettings, Record, Refusal
from segments.engine.rules import RuleSet, load

__all__ = [
    "POSITION_KEY",
    "DeadLetter",
    "Effects",
    "EngineSettings",
    "Partition",
    "Record",
    "Refusal",
    "RuleSet",
    "load",
]
