"""Since when the measures of running rules know events, as the workers tell it."""

import json
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.errors import StreamsError
from streams.kafka.reachable import refusal
from streams.settings.settings import Settings

TIMEOUT = 3.0
"""Seconds that a worker has to answer."""
CONNECT = 1.0
"""Seconds that a broker has: without one, the rules are listed all the same."""


@dataclass(frozen=True, slots=True)
class Known:
    """What does not know all yet; in any partition, so the latest instant of all."""

    since: Counter[str] = field(default_factory=Counter)
    """For each such measure the instant from which it knows events."""
    warming: Counter[str] = field(default_factory=Counter)
    """For each such rule the instant from which on it is exact."""


def ask(settings: Settings, digest: str) -> Known:
    """Of the workers that hold these rules; nothing where no broker or no worker answers."""
    if all(refusal(each, CONNECT) is not None for each in settings.brokers.split(",")):
        return Known()
    # Not above: without a broker, no client of Kafka need be loaded.
    from streams.kafka.group import workers

    try:
        addresses = workers(settings, digest)
    except StreamsError:
        return Known()
    since, warming = Counter[str](), Counter[str]()
    for where in addresses:
        answer = _answer(where, settings.why_token)
        since |= Counter(answer.get("known_since", {}))  # the later of two instants
        warming |= Counter(answer.get("warming_until", {}))
    return Known(since, warming)


def _answer(where: str, token: str | None) -> Mapping[str, dict[str, int]]:
    request = urllib.request.Request(f"http://{where}/known")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - http, to a worker
            answer: dict[str, dict[str, int]] = json.load(response)
            return answer
    except (OSError, ValueError):
        return {}
