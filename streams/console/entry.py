"""Who is let in: the token, once, against a cookie; and the headers that every answer carries."""

import asyncio
import hmac
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from aiohttp import web

from streams.console.render import Renderer
from streams.settings.types import current

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "segments_session"
SESSION_SECONDS = 12 * 3_600
"""A day at work."""
MOST_SESSIONS = 1_000
"""At a time; beyond, the oldest ends."""
WRONG, WITHIN_SECONDS = 5, 60.0
"""After this many wrong tokens in this many seconds, by all clients, no token is checked until they have passed."""
OPEN = ("/login", "/healthz", "/readyz", "/metrics")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, errors and streams included."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


class Entry:
    """Sessions of those who gave the token; without a token everybody on this machine is let in."""

    def __init__(self, token: str | None, renderer: Renderer) -> None:
        self._token = token
        self._renderer = renderer
        self._sessions: dict[str, float] = {}
        self._wrong: deque[float] = deque(maxlen=WRONG)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pages send those who are not let in to /login; /api and /live say 401."""
        if self._allowed(request):
            return await handler(request)
        if request.path.startswith(("/api/", "/live")):
            return web.json_response(
                {"error": "Log in at /login, or send the token of SEGMENTS_HTTP_TOKEN as a bearer token."},
                status=401,
            )
        raise web.HTTPSeeOther(f"/login?next={quote(request.rel_url.raw_path_qs, safe='')}")

    def _allowed(self, request: web.Request) -> bool:
        if self._token is None or request.path in OPEN or request.path.startswith("/static/"):
            return True
        if self._sessions.get(request.cookies.get(COOKIE, ""), 0.0) > _now():
            return True
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and not self._locked() and self._is_token(given)

    def _is_token(self, given: str) -> bool:
        """Whether this is the token; a wrong one is counted."""
        right = self._token is not None and hmac.compare_digest(
            given.encode(errors="replace"), current(self._token).encode()
        )
        if not right:
            self._wrong.append(_now())
        return right

    def _locked(self) -> bool:
        return len(self._wrong) == WRONG and _now() - self._wrong[0] < WITHIN_SECONDS

    def routes(self) -> list[web.RouteDef]:
        """The page /login."""
        return [web.get("/login", self._form), web.post("/login", self._login)]

    async def _form(self, request: web.Request) -> web.Response:
        if self._token is None:
            raise web.HTTPSeeOther("/segments")
        return self._renderer.page(request, "login.html", next=_next(request.query.get("next", "")))

    async def _login(self, request: web.Request) -> web.Response:
        given = await request.post()
        target = _next(str(given.get("next", "")))
        if self._locked():
            problem = "Five wrong tokens within a minute: wait a minute, then try again."
            return self._renderer.page(request, "login.html", status=429, next=target, problem=problem)
        if not self._is_token(str(given.get("token", ""))):
            problem = "This is not the token: it is the value of SEGMENTS_HTTP_TOKEN."
            return self._renderer.page(request, "login.html", status=401, next=target, problem=problem)
        response = web.Response(status=303, headers={"Location": target})
        response.set_cookie(
            COOKIE,
            self._begin(),
            httponly=True,
            samesite="Strict",
            secure=_behind_tls(request),
            max_age=SESSION_SECONDS,
        )
        return response

    def _begin(self) -> str:
        """Begin a session; its name is all that there is to it."""
        now = _now()
        self._sessions = {each: end for each, end in self._sessions.items() if end > now}
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        name = secrets.token_urlsafe(32)
        self._sessions[name] = now + SESSION_SECONDS
        return name


def _now() -> float:
    return asyncio.get_running_loop().time()


def _next(target: str) -> str:
    """Where to go after the login: a page here, nowhere else."""
    parts = urlsplit(target)
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    here = plain and not parts.netloc and target.isprintable()
    return target if here else "/segments"


def _behind_tls(request: web.Request) -> bool:
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
