"""Questions about a customer over HTTP; the worker that owns the customer's partition answers."""

import hmac
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web

from segments.engine import Partition, partition_of
from segments.insight.identity import followed
from segments.insight.warming import warming
from segments.insight.why import why
from streams.settings.types import current

Owned = Callable[[int], Partition | None]
"""The machine of a partition, None where this worker doesn't serve it."""

TooOld = Callable[[int, bytes], int]
"""How many events of a customer of a partition no rule looked back to."""

Allowed = Callable[[web.Request], web.Response | None]
"""Refuses a request that may not be answered; None: it may."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _none(_number: int, _key: bytes) -> int:
    return 0


class Answers:
    """The page `/why/{customer}`, which follows redirects as far as the partitions are served here.

    It shows a customer, so away from the loopback it needs the token.
    """

    def __init__(
        self, owned: Owned, count: int, host: str, token: str | None, too_old: TooOld = _none
    ) -> None:
        """Answer for the partitions that `owned` knows, of `count`."""
        self._owned, self._count, self._too_old = owned, count, too_old
        self._open = host in LOOPBACK and not token
        self._token = token

    def routes(self) -> list[web.RouteDef]:
        """The HTTP routes of a worker."""
        return [web.get("/why/{customer:[^/]+}", self._why), web.get("/known", self._known)]

    def refusal(self, request: web.Request) -> web.Response | None:
        """Why a request is not answered; None: it may be."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._open or (
            self._token is not None and hmac.compare_digest(given.encode(), current(self._token).encode())
        ):
            return None
        mend = "send the token of SEGMENTS_HTTP_TOKEN as a bearer token"
        if self._token is None:
            mend = "set SEGMENTS_HTTP_TOKEN at the workers, and send it as a bearer token"
        return refused(401, f"This shows customers, and not on the loopback: {mend}.")

    async def _why(self, request: web.Request) -> web.Response:
        if (refusal := self.refusal(request)) is not None:
            return refusal
        customer, segment = request.match_info["customer"], request.query.get("segment")
        number = partition_of(customer.encode(), self._count)
        partition = self._owned(number)
        if partition is None:
            return refused(404, f"This worker does not serve partition {number}.")
        if segment is not None and segment not in partition.rules.ids:
            return refused(404, f"There is no segment {segment}.")
        return web.json_response(followed(lambda each: self._answer(each, segment), customer))

    def _answer(self, customer: str, segment: str | None) -> dict[str, Any] | None:
        """What is known of an id; None: its partition is not served here."""
        number = partition_of(customer.encode(), self._count)
        partition = self._owned(number)
        if partition is None:
            return None
        return why(partition, customer, segment) | {"too_old": self._too_old(number, customer.encode())}

    async def _known(self, request: web.Request) -> web.Response:
        """Of the partitions served here: since when measures know events, and from when on rules are exact."""
        if (refusal := self.refusal(request)) is not None:
            return refusal
        found: dict[str, Counter[str]] = {"known_since": Counter(), "warming_until": Counter()}
        for partition in filter(None, map(self._owned, range(self._count))):
            since = partition.known_since
            found["known_since"] |= Counter(since)  # the later of two instants
            found["warming_until"] |= Counter(warming(partition.rules, since, partition.clock))
        return web.json_response(found)


def refused(status: int, message: str) -> web.Response:
    """An answer that says in words why there is no other."""
    body: dict[str, Any] = {"error": message}
    return web.json_response(body, status=status)
