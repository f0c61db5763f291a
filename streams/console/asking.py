"""Questions to the workers of the group; the token goes to addresses that its members announce, and nowhere else."""

import asyncio
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from segments.engine import partition_of
from streams.console.workers import Workers
from streams.errors import StreamsError
from streams.http.client import answer_of, text_of
from streams.settings.settings import Settings

SECONDS = 3.0
"""In which a worker must answer."""


class NobodyServes(StreamsError):
    """No worker serves a partition at the moment."""

    def __init__(self, number: int) -> None:
        super().__init__(f"no worker serves partition {number} at the moment: start one (segments worker)")
        self.number = number


async def ask(settings: Settings, workers: Workers, number: int, path: str, seconds: float = SECONDS) -> Any:
    """What the worker that serves a partition answers for a path; StreamsError if none does."""
    where = workers.group.owners.get(number)
    if where is None:
        await workers.look_again()
        where = workers.group.owners.get(number)
    if where is None:
        raise NobodyServes(number)
    return await asyncio.to_thread(answer_of, where, path, settings.why_token, seconds)


def place_of(customer: str, count: int) -> int:
    """The partition of a customer."""
    return partition_of(customer.encode(), count)


Samples = dict[str, list[tuple[dict[str, str], float]]]
"""Of each metric the samples, with their labels."""


async def metrics_of(where: str) -> Samples | None:
    """The metrics of a worker; None: it does not answer."""
    try:
        text = await asyncio.to_thread(text_of, where, "/metrics", SECONDS)
    except StreamsError:
        return None
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found
