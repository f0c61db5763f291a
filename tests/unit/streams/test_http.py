"""The HTTP server of a worker and the questions to it: who holds it up, what it refuses, where the token goes."""

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from aiohttp import test_utils, web

import streams.http.connections
import streams.http.health
from streams.errors import StreamsError
from streams.http.answers import Answers
from streams.http.client import answer_of
from streams.http.health import HealthServer, listen, reachable
from streams.http.hosts import addresses, guard
from streams.kafka import group
from streams.kafka.client_id import address, identity
from streams.settings.settings import Settings
from streams.telemetry.metrics import Metrics

pytestmark = pytest.mark.timeout(60)


@contextmanager
def serving(token=None):
    """A worker's server in a thread of its own; where it listens."""
    loop, ready, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    listening = listen("127.0.0.1", 0)
    where = reachable("127.0.0.1", listening)

    async def serve():
        server = HealthServer(Metrics(), None, [guard("127.0.0.1", where, ["behind.proxy"])])
        server.add(Answers(lambda _number: None, 4, "127.0.0.1", token).routes())
        await server.start(listening)
        ready.set()
        await ended.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield where
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def connected(where):
    """A connection that says nothing."""
    host, _, port = where.rpartition(":")
    return socket.create_connection((host, int(port)), 10)


def asked(where, text):
    """The status that a request, given as bytes, is answered with."""
    with connected(where) as connection:
        connection.sendall(text)
        return int(connection.makefile("rb").readline().split()[1])


def test_connections_that_say_nothing_do_not_shut_the_server(monkeypatch):
    """With hundreds of them held, or a header that comes byte for byte, health answers at once: the oldest are closed."""
    monkeypatch.setattr(streams.http.health, "HEADER_SECONDS", 600)
    with serving() as where:
        held = [connected(where) for _ in range(400)]
        slow = connected(where)
        slow.sendall(b"GET /metrics HT")
        began = time.monotonic()
        for _ in range(20):
            assert asked(where, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == 200
        assert time.monotonic() - began < 5
        for each in held[:250]:
            each.settimeout(5)
            with suppress(ConnectionError):
                assert each.recv(1) == b""
        for each in (*held, slow):
            each.close()


def test_a_connection_without_a_header_is_closed(monkeypatch):
    """Nothing, or half of a header, for longer than the time-out: the server ends it."""
    monkeypatch.setattr(streams.http.health, "HEADER_SECONDS", 0.3)
    with serving() as where, connected(where) as silent, connected(where) as half:
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        for each in (silent, half):
            each.settimeout(5)
            assert each.recv(1) == b""


@pytest.mark.parametrize(
    "header",
    [b"Authorization: Bearer \xff\xfe", b"X-Anything: \xe9t\xe9", b"Authorization: Bearer \xed\xa0\x80"],
)
def test_a_header_that_is_no_text_is_the_senders_fault(header):
    """Bytes that are not UTF-8 are 400, whichever header and page, and the token is not compared with them."""
    with serving("secret") as where:
        for page in (b"/why/ann", b"/healthz"):
            request = b"GET " + page + b" HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n\r\n"
            assert asked(where, request) == 400
        wrong = b"GET /why/ann HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s\xc3\xa9cret\r\n\r\n"
        assert asked(where, wrong) == 401


@pytest.mark.parametrize("path", [b"/why/%ff", b"/why/%ed%a0%80", b"/why/ann?segment=%ff", b"/why/%00"])
def test_a_path_that_is_no_text_is_no_failure(path):
    """Whatever stands in the path is somebody whom nobody knows here, or a wrong request."""
    with serving() as where:
        assert 400 <= asked(where, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n") < 500


@pytest.mark.parametrize("customer", ["{ann}", "a/b", "a%b?c#d", " ", "<b>", "\u202eann"])
def test_any_id_is_one_segment_of_a_path(customer):
    """Percent-encoded, whatever it has in it: braces too, which a route of aiohttp leaves out by itself."""
    with serving() as where:
        path = f"/why/{quote(customer, safe='')}".encode()
        with connected(where) as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"This worker does not serve partition" in connection.makefile("rb").read()


@contextmanager
def stranger(seen, **headers):
    """A server that is no worker: it notes what it was shown, and sends everybody elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("Authorization")))
            self.send_response(302 if headers else 200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_arguments):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


def test_the_token_is_taken_nowhere_else(monkeypatch):
    """No redirect is followed and no proxy used; what is no worker is said to be none."""
    elsewhere, seen, proxied = [], [], []
    with (
        stranger(elsewhere) as other,
        stranger(seen, Location=f"http://{other}/known") as where,
        stranger(proxied) as proxy,
    ):
        monkeypatch.setenv("http_proxy", f"http://{proxy}")
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(StreamsError, match="HTTP status 302, as no worker does"):
            answer_of(where, "/known", "secret", 5)
        with pytest.raises(StreamsError, match="does not answer"):
            answer_of(other, "/known", "secret", 5)
    assert (seen, proxied) == ([("/known", "Bearer secret")], [])
    assert elsewhere == [("/known", "Bearer secret")]


def test_a_worker_refuses_in_its_own_words():
    """Without the token the answer says what to send; with it that the partition is not served there."""
    with serving("secret") as where:
        with pytest.raises(StreamsError, match="SEGMENTS_HTTP_TOKEN"):
            answer_of(where, "/why/ann", None, 5)
        with pytest.raises(StreamsError, match="does not serve partition"):
            answer_of(where, "/why/ann", "secret", 5)
        assert answer_of(where, "/known", "secret", 5) == {"known_since": {}, "warming_until": {}}


@pytest.mark.parametrize(
    ("announced", "found"),
    [
        ("worker-1:6066", "worker-1:6066"),
        ("worker_1.shop.internal:6066", "worker_1.shop.internal:6066"),
        ("[::1]:6066", "[::1]:6066"),
        ("evil/path?:80", None),
        ("user:pass", None),
        ("host:80/x", None),
        ("::1:6066", None),
        ("", None),
    ],
)
def test_an_address_is_a_host_and_a_port(announced, found):
    """Anything else that a member of the group calls itself is not where a worker answers."""
    assert address(identity("worker", "digest", announced)) == found


def test_a_member_without_a_partition_is_not_asked(monkeypatch):
    """Who joins the group and is assigned nothing, or not the partition asked about, is not shown the token."""

    def member(name, *partitions):
        assigned = {"assigned_partitions": [{"topic": "clickstream", "partitions": list(partitions)}]}
        where = identity(name, "digest", f"{name}:6066")
        return {"client_id": where, "member_assignment": assigned if partitions else b""}

    found = [member("stranger"), member("one", 0, 2), member("two", 1)]
    monkeypatch.setattr(group, "_members", lambda _settings: found)
    settings = Settings(brokers="localhost:9092", rules="segments")
    assert group.workers(settings, "digest") == ["one:6066", "two:6066"]
    assert group.owner(settings, "clickstream", 1) == "two:6066"
    with pytest.raises(group.NoOwner):
        group.owner(settings, "clickstream", 3)


def test_an_address_of_version_six_stands_in_brackets():
    """Else its last part would be taken for the port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        assert reachable("::1", listening) == f"[::1]:{port}"
        assert address(identity("w", "d", reachable("::1", listening))) == f"[::1]:{port}"


def test_health_says_what_it_waits_for_before_there_is_a_worker():
    """While it starts it lives, and is not ready."""
    with serving() as where:
        with urllib.request.urlopen(f"http://{where}/healthz", timeout=5) as answer:
            assert json.load(answer)["alive"] is True
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{where}/readyz", timeout=5)
        assert refused.value.code == 503
        refused.value.close()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(
            ("localhost", 404),
            ("127.0.0.1:9", 404),
            ("[::1]:80", 404),
            ("behind.proxy", 404),
            ("BEHIND.proxy:1", 404),
        ),
        *(
            ("evil.example", 421),
            ("behind.proxy.evil.example", 421),
            ("192.0.2.1", 421),
            ("", 421),
            ("[::1", 421),
        ),
        ("localhost@evil.example", 421),
    ],
)
def test_a_worker_answers_its_own_hosts_alone(host, status):
    """421 to a name that is not the worker's, so that no page elsewhere reaches it through a browser; probes may."""
    with serving() as where:
        assert asked(where, f"GET /why/ann HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == status
        assert asked(where, f"GET /metrics HTTP/1.1\r\nHost: {host or 'x'}\r\n\r\n".encode()) == 200


def test_a_worker_on_all_addresses_answers_each_of_them():
    """Bound to all, a request may name any address of the machine, and the name that the worker announces."""
    (own, *_) = addresses() or {"127.0.0.1"}

    async def answered(host):
        app = web.Application(middlewares=[guard("0.0.0.0", "worker-1:6066", [])])
        app.add_routes([web.get("/why", nothing)])
        async with test_utils.TestClient(test_utils.TestServer(app)) as client:
            return (await client.get("/why", headers={"Host": host})).status

    async def nothing(_request):
        return web.Response()

    told = {host: asyncio.run(answered(host)) for host in (own, "worker-1", "worker-2", "192.0.2.1")}
    assert told == {own: 200, "worker-1": 200, "worker-2": 421, "192.0.2.1": 421}
