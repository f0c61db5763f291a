"""How many examples a property is tried on, and what being the same means."""

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.properties.drive import Worker
from tests.properties.stories import Example

EXAMPLES = int(os.environ.get("SEGMENTS_EXAMPLES", "2000"))
"""`make soak` asks for more, and for other ones each time."""
LEAST = 2000
"""Fewer examples are not judged by what they cover."""
SOAK = "SEGMENTS_EXAMPLES" in os.environ


SEED = str(time.time_ns()) if SOAK else "properties"
"""Of what is drawn by plain chance."""


LONG = pytest.mark.timeout(0 if SOAK else 900)
"""Many examples take long on a busy machine, and a soak takes as long as it is asked to."""


def thorough(share: float = 1.0) -> settings:
    """So many examples, the same ones in each run unless more are asked for."""
    return settings(
        max_examples=max(50, int(EXAMPLES * share)),
        derandomize=not SOAK,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=SOAK,
    )


def alike(drawn: Example, at_once: Worker, in_pieces: Worker) -> None:
    """Everything published is the same, and so is what is remembered of every customer."""
    found = unlike_in(at_once, in_pieces)
    assert not found, "\n".join([repr(drawn), *found])


def unlike_in(at_once: Worker, in_pieces: Worker) -> list[str]:
    """How two runs of one example differ; nothing if they agree."""
    found = []
    for name in ("flips", "memberships", "told", "outcomes", "offsets", "clock"):
        left, right = getattr(at_once.output, name), getattr(in_pieces.output, name)
        if left != right:
            found.append(f"{name} at once: {left}\n{name} in pieces: {right}")
    if at_once.watches != in_pieces.watches:
        found.append(f"watches at once: {at_once.watches}, in pieces: {in_pieces.watches}")
    if +at_once.members != +in_pieces.members:
        found.append(f"members at once: {at_once.members}, in pieces: {in_pieces.members}")
    keys = {*at_once.customers, *in_pieces.customers}
    found += [
        f"state of {key!r}" for key in keys if at_once.customers.get(key) != in_pieces.customers.get(key)
    ]
    return found
