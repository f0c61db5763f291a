"""Free memory goes back to the system: what a backlog or a restore took for a while is not kept for good.

Three parts of a process keep what they no longer use. Python finds cycles of objects only when it looks for them, and a
cycle may hold what was fetched: 125 MB at 30,000 customers. The C library keeps large blocks that were freed, 60 MB for
each thread. The allocator of the engine gives pages back a second after they became free, but only while somebody
allocates.
"""

import asyncio
import ctypes
import gc

from segments.engine import release_free_memory

YOUNG, MIDDLE, OLD = 1_000, 20, 20
"""Python looks for cycles among new objects when there are a thousand more of them, and among all of them each 400 such
turns. A look took 0.7 ms on average and 6 ms at most: the customers are no objects of Python."""

M_MMAP_THRESHOLD = -3
"""The number of this option of ``mallopt``, in the C library of GNU."""

LARGE = 128 << 10
"""Bytes from which on a block goes back to the system as soon as it is freed. It is the default of the C library, which
raises it to the largest block that was freed, up to 32 MB, unless it is set."""

EVERY = 1.0
"""Seconds between two calls of the engine's allocator, which keeps free pages for as long."""


def set_up() -> None:
    """Let Python look for cycles among what comes after the start, and the C library give large blocks back."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    # Other C libraries (musl, that of macOS) have no such option.
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(M_MMAP_THRESHOLD, LARGE)


async def give_back() -> None:
    """Give back what the engine freed, once a second, until this is cancelled."""
    while True:
        await asyncio.sleep(EVERY)
        await asyncio.to_thread(release_free_memory)
