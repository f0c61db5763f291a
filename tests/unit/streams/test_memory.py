"""What a worker no longer uses goes back to the system."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from streams.transport.raw import RawPartition, RawRecords

STATM = Path("/proc/self/statm")

RESIDENT = """
import gc, sys, time
from pathlib import Path
from segments.engine import States, release_free_memory
from streams.worker import memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20
"""

FREED = """
states = States()
began = resident()
value = bytes(1_000)
for first in range(0, 100_000, 100):
    states.apply([(b"%d" % number, value) for number in range(first, first + 100)])
full = resident()
states.clear()
time.sleep(1.2)
release_free_memory()
print(began, full, resident())
"""

CYCLES = """
memory.set_up()
began = most = resident()
for number in range(1_000):
    cycle = [[bytearray(b"x") * 1_000_000], [], [], [], []]
    cycle.append(cycle)
    most = max(most, resident())
print(began, most)
"""

LARGE = """
began = resident()
blocks = [bytearray(b"x") * 100_000 for _ in range(1_000)]
last = bytearray(b"x") * 100_000
full = resident()
del blocks
memory.release()
print(began, full, resident())
"""


def told(program: str) -> list[int]:
    """What a program in a process of its own says of its memory, in MiB."""
    said = subprocess.run(
        [sys.executable, "-c", RESIDENT + program], check=True, capture_output=True, text=True, timeout=60
    )
    return [int(each) for each in said.stdout.split()]


pytestmark = pytest.mark.skipif(not STATM.exists(), reason="only Linux tells the resident memory there")


def test_what_the_engine_freed_goes_back_to_the_system() -> None:
    """Of 100 MB of states nothing is held a second after they are gone."""
    began, full, after = told(FREED)
    assert full - began > 95
    assert after - began < 25


def test_cycles_that_hold_large_blocks_are_found_soon() -> None:
    """Of 1,000 cycles with a megabyte each, at most 300 are there at a time."""
    began, most = told(CYCLES)
    assert most - began < 300


def test_blocks_of_python_that_are_free_go_back_to_the_system() -> None:
    """100 MB of blocks are gone, although a block behind them is in use."""
    began, full, after = told(LARGE)
    assert full - began > 90
    assert after - began < 10


def test_a_fetch_that_the_engine_has_opened_is_held_by_nothing_else() -> None:
    """Its bytes are gone with the last name for them, before Python looks for cycles."""
    held = RawPartition(
        TopicPartition("clickstream", 0), RawRecords(b"x" * 100), None, 7, None, None, True, "read_committed"
    )
    assert held.raw == b"x" * 100
    assert held.opened().position == 7
    gone = weakref.ref(held)
    gc.disable()
    try:
        del held
        assert gone() is None
    finally:
        gc.enable()
