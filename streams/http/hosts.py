"""Which requests are answered at all: a page that somebody has open elsewhere must not reach us through their browser.

A name that an attacker's DNS points at us comes as a foreign `Host`; a form of another page as a foreign `Origin`.
"""

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import cache
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = frozenset({"/metrics", "/healthz", "/readyz"})
"""Asked for by probes and scrapes, under whatever name; they tell nothing of a customer."""
LOOPBACK = frozenset({"localhost", "localhost."})
ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound
PROBE = (("8.8.8.8", socket.AF_INET), ("2001:4860:4860::8888", socket.AF_INET6))
"""Nothing is sent there: the kernel is asked from which address of ours it would be."""


def guard(bound: str, announced: str, allowed: Collection[str]) -> Middleware:
    """A middleware that answers 421 to a foreign host, and 403 to a POST from another origin.

    Args:
        bound: the address that the server is bound to.
        announced: the address, host:port, that it tells others; empty if it tells none.
        allowed: more hosts, each a name or an address.

    """
    ours = {_name(each) for each in (bound, announced, *allowed) if _name(each) not in ANY}

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN:
            return await handler(request)
        host = request.headers.get("Host", "")
        if not _is_ours(_name(host), ours, everywhere=bound in ANY):
            return _refused(421, "This host is not served here: name it in SEGMENTS_HTTP_HOSTS.")
        if request.method == "POST" and not _same(request.headers.get("Origin", ""), host):
            return _refused(403, "A POST needs an Origin of the same host.")
        return await handler(request)

    return guarded


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _name(host: str) -> str:
    """The host of `host:port`, lower case, an IPv6 address without its brackets."""
    if host.count(":") > 1 and not host.startswith("["):
        return host.lower()
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return "?"


def _is_ours(name: str, ours: Collection[str], *, everywhere: bool) -> bool:
    if name in ours or name in LOOPBACK:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or (everywhere and str(address) in addresses())


@cache
def addresses() -> frozenset[str]:
    """The addresses of this machine, as far as its name and its routes tell them."""
    found = set()
    with suppress(OSError):  # A machine without a name of its own is known by its routes.
        found |= {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None)}
    for probe, family in PROBE:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect((probe, 53))
            except OSError:
                continue
            found.add(asking.getsockname()[0])
    return frozenset(map(str, found))


def _same(origin: str, host: str) -> bool:
    """Whether an Origin names the same host and port."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc.lower() == host.lower()
