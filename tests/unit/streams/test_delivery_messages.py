"""What is sent, read as its receivers read it: Standard Webhooks in two languages, an SDK of CloudEvents, Segment."""

import base64
import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.v1.http import from_json
from standardwebhooks import Webhook, WebhookVerificationError

import schemas
from schemas.records import SEGMENT_EVENT
from streams.delivery.config import Destination
from streams.delivery.flip import Flip, Place
from streams.delivery.messages import Writer, signed
from streams.local.maven import cache, filled

NEW, OLD = ("whsec_" + base64.b64encode(bytes([each]) * 32).decode() for each in (1, 2))
PLACE = Place("segment-events", 1, 7)
EVENT = schemas.from_json(
    SEGMENT_EVENT, json.loads(Path("schemas/examples.json").read_text())["SegmentEvent"]
)
TITLES = {"high_value": "Waardevolle klanten"}
JAVASCRIPT = Path("tests/unit/streams/javascript")


def flip(**fields):
    """The example of the schemas, with other fields."""
    return Flip({**EVENT, **fields}, PLACE, PLACE, 0)


def to(**fields):
    """A destination."""
    return replace(Destination("crm", "https://crm.example.org/hook", (NEW, OLD)), **fields)


def sent(*flips, now=None, **fields):
    """The headers and the body of a request for these flips."""
    destination = to(**fields)
    message = Writer(destination, "/segments/shop", TITLES).message(flips)
    return signed(message, destination, int(time.time() * 1000) if now is None else now), message.body


def test_the_standard_library_verifies_each_secret():
    """Both secrets of a rotation verify; another one, a changed body and an old message do not."""
    headers, body = sent(flip())
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(body, headers)["data"]["customer_id"] == "anna"
    assert headers["webhook-id"] == EVENT["event_id"]
    for wrong in (
        (Webhook("whsec_" + base64.b64encode(bytes(32)).decode()), body, headers),
        (Webhook(NEW), body + b" ", headers),
        (Webhook(NEW), body, headers | {"webhook-id": "another"}),
        (Webhook(NEW), *reversed(sent(flip(), now=0))),
    ):
        with pytest.raises(WebhookVerificationError):
            wrong[0].verify(wrong[1], wrong[2])


@pytest.mark.timeout(120)
def test_the_javascript_library_verifies_it():
    """As a receiver in Node.js does, letters beyond ASCII too."""
    folder = filled(cache() / "javascript-standardwebhooks-1.1.1", _installed)
    headers, body = sent(flip(customer_id="zoë"))
    done = subprocess.run(
        ["node", str(JAVASCRIPT / "verify.js"), NEW],
        input=json.dumps({"headers": headers, "body": body.decode()}),
        env={**os.environ, "NODE_PATH": str(folder / "node_modules")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(body)


def _installed(folder):
    """What package-lock.json names, by npm."""
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes((JAVASCRIPT / name).read_bytes())
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)


def test_a_cloudevents_sdk_reads_it():
    """In binary mode: the same id, the flip's instant, the customer as subject, extensions of ours."""
    headers, body = sent(flip(customer_id="zoë %1", value="sho\nes", arm="treated"))
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    event = from_http_event(HTTPMessage(headers, body))
    assert event.get_id() == headers["webhook-id"] == EVENT["event_id"]
    assert (event.get_type(), event.get_source()) == ("segment.enter", "/segments/shop")
    assert event.get_subject() == "zoë %1"
    assert event.get_time().isoformat() == "2026-11-22T09:41:12.250000+00:00"
    assert event.get_extension("segment") == "high_value"
    assert (event.get_extension("value"), event.get_extension("arm")) == ("sho\nes", "treated")
    assert event.get_data()["data"]["sequence"] == 3


def test_a_body_has_the_type_the_instant_and_the_event():
    """As Standard Webhooks says; with a language it has the title of the segment."""
    _, body = sent(flip(), language="nl")
    found = json.loads(body)
    assert list(found) == ["type", "timestamp", "data"]
    assert (found["type"], found["timestamp"]) == ("segment.enter", "2026-11-22T09:41:12.250Z")
    assert found["data"] == schemas.to_json(SEGMENT_EVENT, EVENT) | {"title": "Waardevolle klanten"}
    assert len(body) < 20_000


def test_of_who_was_erased_the_id_and_the_segment_are_sent_and_nothing_else():
    """Neither evidence nor reason nor title; to Segment neither."""
    erased = flip(transition="exit", reason="erasure", value="shoes")
    headers, body = sent(erased, language="nl")
    assert json.loads(body)["data"] == {"customer_id": "anna", "segment": "high_value"}
    assert "ce-value" not in headers
    call = json.loads(sent(erased, format="segment", secrets=("key",), language="nl")[1])["batch"][0]
    assert call["properties"] == {"audience_key": "high_value", "high_value": False}
    assert call["context"] == {}


def test_an_exit_that_waits_while_its_customer_is_erased_tells_no_more_than_that_of_an_erasure():
    """The same id, id and segment, and nothing else; in its dead letter neither, from which it can be sent again."""
    left = flip(transition="exit", reason="profile", value="shoes", details={"spent": "129.95"})
    bare = left.of_erased()
    headers, body = sent(bare, language="nl")
    assert json.loads(body)["data"] == {"customer_id": "anna", "segment": "high_value"}
    assert headers["webhook-id"] == left.id
    kept = schemas.decode(SEGMENT_EVENT, bare.raw)
    assert (kept["reason"], kept["evidence"], kept["details"], kept["cause"]) == ("erasure", [], {}, None)
    assert (kept["event_id"], bare.key, bare.source) == (left.id, left.key, left.source)


def test_a_batch_is_one_of_cloudevents():
    """Each event has its own id; the request's id is of all of them together, the same on each attempt."""
    both = flip(), flip(event_id="second", customer_id="bob")
    headers, body = sent(*both, batch=10)
    assert headers["content-type"].startswith("application/cloudevents-batch+json")
    assert Webhook(NEW).verify(body, headers)
    events = [from_json(json.dumps(each)) for each in json.loads(body)]
    assert [each["id"] for each in events] == [EVENT["event_id"], "second"]
    assert events[1].data["data"]["customer_id"] == "bob"
    assert sent(*both, batch=10)[0]["webhook-id"] == headers["webhook-id"]
    assert sent(both[0], batch=10)[0]["webhook-id"] != headers["webhook-id"]


def test_each_value_of_a_segment_is_an_audience_of_segment():
    """Leaving one value is not leaving the others."""
    left = flip(transition="exit", value="shoes")
    (call,) = json.loads(sent(left, format="segment", secrets=("key",))[1])["batch"]
    assert call["properties"] == {
        "audience_key": "high_value:shoes", "high_value:shoes": False, "value": "shoes", "reason": "event",
    }  # fmt: skip


@pytest.mark.parametrize(("transition", "name"), [("enter", "Audience Entered"), ("exit", "Audience Exited")])
def test_segment_is_told_as_by_its_own_audiences(transition, name):
    """A track call with the write key, an id that drops repetitions, and the instant of the flip."""
    headers, body = sent(flip(transition=transition), format="segment", secrets=("write-key",), language="nl")
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"write-key:"
    assert "webhook-id" not in headers
    (call,) = json.loads(body)["batch"]
    assert (call["type"], call["event"], call["userId"]) == ("track", name, "anna")
    assert call["messageId"] == EVENT["event_id"]
    assert call["timestamp"] == "2026-11-22T09:41:12.250Z"
    assert call["properties"] == {
        "audience_key": "high_value", "high_value": transition == "enter", "reason": "event",
        "audience_name": "Waardevolle klanten",
    }  # fmt: skip
