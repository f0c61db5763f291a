"""The one place that reads the wall clock."""

import time


def wall_clock() -> int:
    """Return the milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
