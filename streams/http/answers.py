"""Questions to a running worker about a customer, over HTTP; whoever owns the customer's partition answers."""

import hmac
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web

from segments.engine import Partition, partition_of
from segments.insight.warming import warming
from segments.insight.why import why
from streams.settings.types import current

Owned = Callable[[int], Partition | None]
"""The machine of a partition, None where this worker doesn't serve it."""

TooOld = Callable[[int, bytes], int]
"""How many events of a customer of a partition no rule looked back to."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _none(_number: int, _key: bytes) -> int:
    return 0


class Answers:
    """The page `/why/{customer}`; it shows a customer, so away from the loopback it needs the token."""

    def __init__(
        self, owned: Owned, count: int, host: str, token: str | None, too_old: TooOld = _none
    ) -> None:
        """Answer for the partitions that `owned` knows, of `count`."""
        self._owned, self._count, self._too_old = owned, count, too_old
        self._open = host in LOOPBACK and not token
        self._token = token

    def routes(self) -> list[web.RouteDef]:
        """The pages."""
        return [web.get("/why/{customer}", self._why), web.get("/known", self._known)]

    def _allowed(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._open or (
            self._token is not None and hmac.compare_digest(given.encode(), current(self._token).encode())
        )

    async def _why(self, request: web.Request) -> web.Response:
        if not self._allowed(request):
            mend = "send the token of SEGMENTS_HTTP_TOKEN as a bearer token"
            if self._token is None:
                mend = "set SEGMENTS_HTTP_TOKEN at the workers, and send it as a bearer token"
            return _error(401, f"This shows a customer, and not on the loopback: {mend}.")
        customer, segment = request.match_info["customer"], request.query.get("segment")
        number = partition_of(customer.encode(), self._count)
        partition = self._owned(number)
        if partition is None:
            return _error(404, f"This worker does not serve partition {number}.")
        if segment is not None and segment not in partition.rules.ids:
            return _error(404, f"There is no segment {segment}.")
        too_old = self._too_old(number, customer.encode())
        return web.json_response(why(partition, customer, segment) | {"too_old": too_old})

    async def _known(self, request: web.Request) -> web.Response:
        """Of the partitions served here: since when measures know events, and from when on rules are exact."""
        if not self._allowed(request):
            return _error(401, "Send the token of SEGMENTS_HTTP_TOKEN as a bearer token.")
        found: dict[str, Counter[str]] = {"known_since": Counter(), "warming_until": Counter()}
        for partition in filter(None, map(self._owned, range(self._count))):
            since = partition.known_since
            found["known_since"] |= Counter(since)  # the later of two instants
            found["warming_until"] |= Counter(warming(partition.rules, since, partition.clock))
        return web.json_response(found)


def _error(status: int, message: str) -> web.Response:
    body: dict[str, Any] = {"error": message}
    return web.json_response(body, status=status)
