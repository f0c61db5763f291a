"""A receiver of webhooks that is as bad as they come: slow, refusing, redirecting, half an answer; and that counts."""

import json
import ssl
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request: when it came, its headers (small letters), its body and the status that was answered."""

    at: float
    headers: dict[str, str]
    raw: bytes
    body: Any
    status: int

    @property
    def id(self):
        """Its `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def kind(self):
        """Its type."""
        return self.body["type"]

    @property
    def customer(self):
        """Of whom it is."""
        return self.body["data"]["customer_id"]


@dataclass
class Reply:
    """What is answered: a status and headers, after a pause; `half` breaks off amid the body."""

    status: int = 200
    headers: dict[str, str] | None = None
    pause: float = 0.0
    half: bool = False
    text: str = ""


Choose = Callable[[dict[str, str], Any], Reply]


class Receiver:
    """What came, and what is answered next; `choose` decides by headers and body."""

    def __init__(self):
        self.received: list[Received] = []
        self.choose: Choose = lambda _headers, _body: Reply()
        self.together: Counter[str] = Counter()
        self.most_together: dict[str, int] = defaultdict(int)
        self.url = ""
        self.lock = threading.Lock()

    @property
    def taken(self):
        """What was answered with 2xx."""
        return [each for each in self.received if 200 <= each.status < 300]

    def of(self, customer):
        """What came of a customer."""
        return [each for each in self.received if each.customer == customer]

    def wait(self, count, seconds=60.0, what=None):
        """Wait until so many have been taken, or until `what` holds."""
        deadline = time.monotonic() + seconds
        while not (what() if what else len(self.taken) >= count):
            assert time.monotonic() < deadline, f"{len(self.taken)} of {count} came in {seconds} s"
            time.sleep(0.02)
        return self.taken


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self):
        """Note it, and answer."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body, receiver = json.loads(raw), self.receiver
        customer = body["data"]["customer_id"] if isinstance(body, dict) and "data" in body else ""
        with receiver.lock:
            receiver.together[customer] += 1
            most = max(receiver.most_together[customer], receiver.together[customer])
            receiver.most_together[customer] = most
            reply = receiver.choose(headers, body)
        if reply.pause:
            time.sleep(reply.pause)
        with receiver.lock:
            receiver.together[customer] -= 1
            receiver.received.append(Received(time.monotonic(), headers, raw, body, reply.status))
        self._answer(reply)

    def _answer(self, reply):
        self.send_response(reply.status)
        for name, value in (reply.headers or {}).items():
            self.send_header(name, value)
        text = reply.text.encode()
        self.send_header("Content-Length", str(len(text) + 100 * reply.half))
        self.end_headers()
        self.wfile.write(text)
        if reply.half:
            self.wfile.flush()
            self.close_connection = True

    def log_message(self, *_arguments):
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, *_arguments):
        """A client that goes away is what is tested."""


@contextmanager
def receiving(certificate=None, port=0):
    """A receiver on a port of the loopback, with TLS if it has a certificate."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    with _Server(("127.0.0.1", port), handler) as server:
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        receiver.url = f"{scheme}://localhost:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def self_signed(file, name="localhost"):
    """A certificate that nobody vouches for, with its key, in one file."""
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", str(file), "-out", f"{file}.crt", "-days", "2", "-subj", f"/CN={name}"),
        *("-addext", f"subjectAltName=DNS:{name}"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with file.open("a") as both:
        both.write(Path(f"{file}.crt").read_text())
    return file
