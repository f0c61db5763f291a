"""Questions to running workers over HTTP, as a command asks them.

The token goes to the address that a member of the group has announced, and nowhere else: no redirect is followed, no
proxy of the environment used.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.errors import StreamsError
from streams.kafka.reachable import refusal
from streams.settings.settings import Settings

TIMEOUT = 3.0
"""Seconds that a worker has to answer."""
CONNECT = 1.0
"""Seconds that a broker has: without one, the rules are listed all the same."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What does not know all yet; in any partition, so the latest instant of all."""

    since: Counter[str] = field(default_factory=Counter)
    """For each such measure the instant from which it knows events."""
    warming: Counter[str] = field(default_factory=Counter)
    """For each such rule the instant from which on it is exact."""


def ask(settings: Settings, digest: str | None) -> Coverage:
    """Of the workers that hold these rules, or of all (None); nothing where no broker or no worker answers."""
    if all(refusal(each, CONNECT) is not None for each in settings.brokers.split(",")):
        return Coverage()
    # Not above: without a broker, no client of Kafka need be loaded.
    from streams.kafka.group import workers

    try:
        addresses = workers(settings, digest)
    except StreamsError:
        return Coverage()
    since, warming = Counter[str](), Counter[str]()
    for where in addresses:
        answer = _answer(where, settings.why_token)
        since |= Counter(answer.get("known_since", {}))  # the later of two instants
        warming |= Counter(answer.get("warming_until", {}))
    return Coverage(since, warming)


def _answer(where: str, token: str | None) -> Mapping[str, dict[str, int]]:
    try:
        answer: dict[str, dict[str, int]] = answer_of(where, "/known", token, TIMEOUT)
    except (StreamsError, AttributeError):
        return {}
    return answer


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would take the token along."""

    def redirect_request(self, *_given: Any) -> None:
        """Say that there is none to follow."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())


def answer_of(where: str, path: str, token: str | None, seconds: float, body: bytes | None = None) -> Any:
    """What the worker at an address, host:port, answers for a path, decoded.

    Args:
        where: the address that a member of the group has announced.
        path: path and query, percent-encoded.
        token: of SEGMENTS_HTTP_TOKEN; None sends none.
        seconds: in which it must answer.
        body: what is sent, by POST; None: nothing, by GET.

    Raises:
        StreamsError: it refused, in its own words, or gave no answer.

    """
    try:
        return json.loads(_asked(where, path, token, seconds, body))
    except ValueError as error:
        raise StreamsError(f"The worker at {where} does not answer: {error}.") from None


def text_of(where: str, path: str, seconds: float) -> str:
    """What a worker answers for a path that needs no token, as text; StreamsError as `answer_of`."""
    return _asked(where, path, None, seconds).decode(errors="replace")


def _asked(where: str, path: str, token: str | None, seconds: float, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(f"http://{where}{path}", body)
    if body is not None:
        # Of a POST the worker asks where it comes from.
        request.add_header("Origin", f"http://{where}")
        request.add_header("Content-Type", "application/json")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with _OPENER.open(request, timeout=seconds) as response:
            answer: bytes = response.read()
            return answer
    except urllib.error.HTTPError as error:
        with error:
            raise StreamsError(_refusal(error, where)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StreamsError(f"The worker at {where} does not answer: {error}.") from None


def _refusal(error: urllib.error.HTTPError, where: str) -> str:
    """Why a worker refused, in its own words if it has any."""
    try:
        return str(json.load(error)["error"])
    except (OSError, ValueError, TypeError, KeyError):
        return f"What is at {where} answers with HTTP status {error.code}, as no worker does."
