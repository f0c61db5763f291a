"""Requests to a schema registry, by Confluent's interface: one at a time, each with a time-out.

It blocks: a worker calls it in a thread. Nothing of a login gets into a message.
"""

import base64
import http.client
import json
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPSHandler, Request, build_opener

from streams.errors import RegistryAway, RegistryError, RegistryUnusable
from streams.kafka.tls import tls_context
from streams.settings.settings import Settings
from streams.settings.types import MASK, current, secret

SECONDS = 5.0
LARGEST = 4 * 1_048_576
"""Bytes of an answer; the largest of our schemas has 4 kB."""
CONTENT = "application/vnd.schemaregistry.v1+json"
NOT_FOUND = 404
NOT_ALLOWED = (401, 403)
LATER = (408, 429)
FAILED = 500


@dataclass(frozen=True, slots=True)
class RegistryClient:
    """Where a registry is, and how to log in to it."""

    url: str
    """Without login and query: what messages may show."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False)
    seconds: float = SECONDS
    query: str = field(default="", repr=False)
    """Sent with each request, such as `apikey=…`; no message shows it."""

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The registry's answer; None: it says that there is no such thing.

        Raises RegistryAway if none came, RegistryError if it was refused, RegistryUnusable if it is too long.
        """
        text = self._answer(method, path, body)
        if text is None:
            return None
        found = _object(text)
        if found is None:
            raise RegistryAway(self.url, "the answer is no JSON object")
        return found

    def names(self, path: str) -> list[str] | None:
        """The names in the registry's answer; None: it has no such list."""
        try:
            found = _json(self._answer("GET", path, None))
        except RegistryError:
            return None
        whole = isinstance(found, list) and all(isinstance(each, str) for each in found)
        return found if whole else None

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> bytes | None:
        try:
            with build_opener(HTTPSHandler(context=self.context)).open(
                self._request(method, path, body), timeout=self.seconds
            ) as answer:
                return self._whole(answer.read(LARGEST + 1), path)
        except HTTPError as error:
            with error:
                self._refused(error.code, method, path, error.read(LARGEST))
                return None
        except (OSError, http.client.HTTPException) as error:
            raise RegistryAway(self.url, self._masked(getattr(error, "reason", error))) from None

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Request:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": f"{CONTENT}, application/json", "Content-Type": CONTENT}
        query = f"{'&' if '?' in path else '?'}{self.query}" if self.query else ""
        request = Request(self.url + path + query, data, headers, method=method)  # noqa: S310 - http(s), by its setting
        if self.login is not None:
            # Not for another host to which the registry might send us.
            user, password = self.login
            given = base64.b64encode(f"{user}:{current(password)}".encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {given}")
        return request

    def _masked(self, said: object) -> str:
        """What an answer or an error says, without the key that it may repeat."""
        return str(said).replace(self.query, MASK) if self.query else str(said)

    def _whole(self, text: bytes, path: str) -> bytes:
        if len(text) > LARGEST:
            raise RegistryUnusable(f"the answer of {self.url} to {path} is longer than {LARGEST} bytes")
        return text

    def _refused(self, code: int, method: str, path: str, text: bytes) -> None:
        """Raise, unless the registry itself says that it knows no such thing."""
        found = _object(text) or {}
        if code >= FAILED or code in LATER:
            raise RegistryAway(self.url, f"HTTP status {code}")
        if code in NOT_ALLOWED:
            raise RegistryError(
                f"the schema registry at {self.url} refused {method} {path} (HTTP status {code}): "
                "see SEGMENTS_REGISTRY_USER and SEGMENTS_REGISTRY_PASSWORD"
            )
        if code != NOT_FOUND:
            said = self._masked(found.get("message") or f"HTTP status {code}")
            known = isinstance(found.get("error_code"), int)
            kind = RegistryUnusable if method == "GET" and known else RegistryError
            raise kind(f"the schema registry at {self.url} refused {method} {path}: {said}")
        if not isinstance(found.get("error_code"), int):
            raise RegistryError(
                f"{self.url} is not a schema registry with Confluent's interface: it has no {path}; "
                "SEGMENTS_REGISTRY_URL needs the whole path, of Apicurio /apis/ccompat/v7"
            )


def registry_client(settings: Settings) -> RegistryClient | None:
    """The client that the settings ask for, None without a registry."""
    if settings.registry_url is None:
        return None
    parts = urlsplit(settings.registry_url)
    host, path = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
    url = urlunsplit(parts._replace(netloc=host, path=path, query="", fragment=""))
    login = _login(settings)
    if login is None and parts.username:
        login = unquote(parts.username), unquote(parts.password or "")
    context = _tls(settings) if parts.scheme == "https" else None
    return RegistryClient(url, login, context, query=parts.query)


def _tls(settings: Settings) -> ssl.SSLContext:
    return tls_context(
        ("SEGMENTS_REGISTRY_CA", settings.registry_ca),
        ("SEGMENTS_REGISTRY_CERT", settings.registry_cert),
        settings.registry_key,
    )


def _login(settings: Settings) -> tuple[str, str] | None:
    if settings.registry_user is None:
        return None
    return settings.registry_user, secret(settings.registry_password, settings.registry_password_file) or ""


def _object(text: bytes) -> dict[str, Any] | None:
    """The JSON object in an answer, None if it is anything else."""
    found = _json(text)
    return found if isinstance(found, dict) else None


def _json(text: bytes | None) -> Any:
    """The JSON in an answer, None if it is none."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None
