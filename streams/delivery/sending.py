"""Requests to a destination, and what their answers mean."""

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from schemas.instants import EPOCH, MILLISECOND
from streams.delivery.config import Destination, is_loopback, is_refused

ANSWER = 65_536
"""Bytes of an answer that are read: a longer one counts as read."""
WORDS = 1_000
"""Characters of an answer that are kept: as many as the header `error` of a dead letter has."""
LONGEST_WAIT = 24 * 3_600_000
"""Milliseconds of `Retry-After` that are obeyed at most: the longest pause of the schedule."""
SHORT_WAIT = 1_000
"""Milliseconds without requests after a 429 that does not say how long."""
AGAIN = frozenset({401, 403, 404, 407, 408, 409, 421, 423, 425})
"""Answers of the 400s that another attempt may change: a login, a path, a lock that is put right meanwhile."""
GONE, TOO_MANY, UNAVAILABLE = 410, 429, 503


class Outcome(Enum):
    """What an answer means for what was sent."""

    TAKEN = auto()
    FAILED = auto()
    """Try again later."""
    REFUSED = auto()
    """No other attempt would change it."""
    THROTTLED = auto()
    """The destination is asked for too much."""
    DISABLED = auto()
    """The destination wants nothing any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request: its status (0: there was none), what was wrong, and how long to wait (milliseconds)."""

    outcome: Outcome
    status: int
    error: str = ""
    wait: int | None = None


class PrivateAddressError(OSError):
    """A name leads to an address to which nothing is sent."""


class _Guard(AbstractResolver):
    """Looks up names, and refuses those that lead into a private network: asked at each connection, not once."""

    def __init__(self, to: Destination) -> None:
        self._inner = ThreadedResolver()
        self._to = to

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host."""
        found = await self._inner.resolve(host, port, family)
        for each in found:
            address = ipaddress.ip_address(each["host"].partition("%")[0])
            strange = (
                not address.is_loopback if is_loopback(host) else address.is_loopback or is_refused(address)
            )
            if strange and not self._to.allow_private:
                raise PrivateAddressError(
                    f"{host} leads to {address}: nothing is sent to private networks unless allow_private = true"
                )
        return found

    async def close(self) -> None:
        """Nothing is kept."""
        await self._inner.close()


class Client:
    """Sends to one destination."""

    def __init__(self, to: Destination, context: ssl.SSLContext | None = None) -> None:
        self._to = to
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=to.concurrency, resolver=_Guard(to), ssl=context or ssl.create_default_context()
            ),
            timeout=aiohttp.ClientTimeout(total=to.timeout),
            auto_decompress=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": "segments"},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def post(self, body: bytes, headers: Mapping[str, str], now: int) -> Answer:
        """Send, and say what came of it; `now` is for a `Retry-After` that is a date."""
        try:
            async with self._session.post(
                self._to.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                text = await _read(response)
                return answer(response.status, response.headers, text, now)
        except TimeoutError:
            return Answer(Outcome.FAILED, 0, f"no answer within {self._to.timeout:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(Outcome.FAILED, 0, f"{type(error).__name__}: {error}")


async def _read(response: aiohttp.ClientResponse) -> str:
    """The beginning of an answer; one that ends before its length is an error."""
    data = b""
    async for chunk in response.content.iter_chunked(8_192):
        data += chunk
        if len(data) > ANSWER:
            break
    text = data.decode(errors="replace")
    # Not amid a word: half an id of a customer would not be recognised as one.
    return text if len(text) <= WORDS else text[:WORDS].rpartition(" ")[0]


def answer(status: int, headers: Mapping[str, str], text: str, now: int) -> Answer:
    """What a status means; `now` in milliseconds."""
    if 200 <= status < 300:
        return Answer(Outcome.TAKEN, status)
    wait = retry_after(headers.get("Retry-After", ""), now)
    words = " ".join(text.split())
    if status == GONE:
        return Answer(Outcome.DISABLED, status, words)
    if status == TOO_MANY or (status == UNAVAILABLE and wait is not None):
        return Answer(Outcome.THROTTLED, status, words, SHORT_WAIT if wait is None else wait)
    if 300 <= status < 400:
        where = urlsplit(headers.get("Location", "")).netloc or "elsewhere"
        return Answer(
            Outcome.FAILED,
            status,
            f"a redirect to {where}, which is not followed: put the new URL into the file",
        )
    if 400 <= status < 500 and status not in AGAIN:
        return Answer(Outcome.REFUSED, status, words)
    return Answer(Outcome.FAILED, status, words, wait)


def retry_after(text: str, now: int) -> int | None:
    """Milliseconds of a `Retry-After`: seconds, or a date; None if it says nothing."""
    if text.strip().isdigit():
        return min(LONGEST_WAIT, int(text) * 1000)
    try:
        at = parsedate_to_datetime(text)
        return min(LONGEST_WAIT, max(0, (at - EPOCH) // MILLISECOND - now))
    except (TypeError, ValueError):
        return None
