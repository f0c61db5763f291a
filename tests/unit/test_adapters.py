"""The adapters of deploy/subscribers, against a server of this test: what they post, and what they try again."""

import base64
import importlib
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(60)

EVENT = {
    "event_id": "c1d2", "customer_id": "anna", "segment": "high_value", "segment_version": "3f2a",
    "transition": "enter", "occurred_at": datetime(2026, 11, 22, 9, 41, 12, 250_000, UTC), "sequence": 3,
    "reason": "event",
}  # fmt: skip


@pytest.fixture
def adapter(monkeypatch):
    """An adapter, imported as from its own folder; the pauses that it makes are noted, not made."""
    monkeypatch.syspath_prepend(str(Path("deploy/subscribers").resolve()))
    pauses = []

    def load(name):
        module = importlib.import_module(name)
        monkeypatch.setattr("webhook.time.sleep", pauses.append)
        module.pauses = pauses
        return module

    return load


@contextmanager
def server(*answers):
    """Answers with these statuses and headers, one after another; what came is noted."""
    came, left = [], list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((dict(self.headers), json.loads(body)))
            status, headers = left.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_arguments):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/hook", came
        finally:
            running.shutdown()
            thread.join()


def test_a_webhook_is_tried_again_until_it_is_taken(adapter):
    """After 500 and 429 again, later each time and when it was told to; the key tells a repetition."""
    webhook = adapter("webhook")
    with server((500, {}), (503, {}), (429, {"Retry-After": "7"}), (200, {})) as (url, came):
        assert webhook.post(webhook.request(url, EVENT))
    assert [headers["Idempotency-Key"] for headers, _ in came] == ["c1d2"] * 4
    assert came[0][1]["customer_id"] == "anna"
    first, second, told, paced = webhook.pauses
    assert 0.25 <= first <= 0.5 <= second <= 1
    assert (told, paced) == (7, 1 / webhook.PER_SECOND)


def test_a_webhook_gives_up_what_is_refused(adapter, capsys):
    """A 400 is no better the second time: it is told, and the next event goes on."""
    webhook = adapter("webhook")
    with server((400, {}), (200, {})) as (url, came):
        assert not webhook.post(webhook.request(url, EVENT))
        assert webhook.post(webhook.request(url, EVENT))
    assert len(came) == 2
    assert "refused with 400" in capsys.readouterr().err


def test_a_webhook_outlives_its_server(adapter):
    """Nobody there is tried again too, at most a minute apart."""
    webhook = adapter("webhook")
    with server((200, {})) as (url, came):
        attempts = iter(range(12))
        real = webhook.urlopen

        def refused_at_first(*arguments, **options):
            if next(attempts) < 10:
                raise ConnectionRefusedError
            return real(*arguments, **options)

        webhook.urlopen = refused_at_first
        try:
            assert webhook.post(webhook.request(url, EVENT))
        finally:
            webhook.urlopen = real
    assert len(came) == 1
    assert 30 <= max(webhook.pauses) <= webhook.LONGEST


@pytest.mark.parametrize(("transition", "name"), [("enter", "Audience Entered"), ("exit", "Audience Exited")])
def test_segment_is_told_as_by_its_own_audiences(adapter, transition, name):
    """A track call of Segment, with the write key, an id that drops repetitions, and the instant of the flip."""
    segment = adapter("segment_track")
    with server((200, {})) as (url, came):
        assert segment.post(segment.request(url, "secret", EVENT | {"transition": transition}))
    headers, body = came[0]
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"secret:"
    assert (body["event"], body["userId"], body["messageId"]) == (name, "anna", "c1d2")
    assert body["timestamp"] == "2026-11-22T09:41:12.250+00:00"
    assert body["properties"]["audience_key"] == "high_value"
    assert body["properties"]["high_value"] is (transition == "enter")
