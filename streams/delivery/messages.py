"""What is sent: Standard Webhooks and CloudEvents at once, or the Audience events of Segment."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import schemas
from schemas.records import SEGMENT_EVENT
from streams.delivery.config import PREFIX, Destination
from streams.delivery.flip import ERASURE, Flip

AUDIENCE = {"enter": "Audience Entered", "exit": "Audience Exited"}
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""Characters of a CloudEvents header that stand for themselves; all others are percent-encoded."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request: its body, and its headers but for those of the attempt."""

    id: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the messages of a destination; `titles` are the names of the segments in its language."""

    to: Destination
    source: str
    titles: Mapping[str, str]

    def message(self, flips: Sequence[Flip]) -> Message:
        """One request for these flips; one flip, unless the destination takes batches."""
        if self.to.format == "segment":
            return self._of_segment(flips)
        if self.to.batch > 1:
            return self._batch(flips)
        (flip,) = flips
        attributes = {
            f"ce-{name}": quote(value, safe=_PLAIN) for name, value in self._attributes(flip).items()
        }
        return Message(flip.id, _json(self._data(flip)), {"content-type": "application/json", **attributes})

    def _batch(self, flips: Sequence[Flip]) -> Message:
        """A CloudEvents batch: each event structured, with an id of its own."""
        events = [
            {**self._attributes(flip), "datacontenttype": "application/json", "data": self._data(flip)}
            for flip in flips
        ]
        together = hashlib.blake2b("\0".join(flip.id for flip in flips).encode(), digest_size=16).hexdigest()
        headers = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
        return Message(together, _json(events), headers)

    def _attributes(self, flip: Flip) -> dict[str, str]:
        """The attributes of CloudEvents, extensions of ours last."""
        event = flip.event
        found = {
            "specversion": "1.0",
            "id": flip.id,
            "source": self.source,
            "type": f"segment.{event['transition']}",
            "time": str(schemas.to_iso(event["occurred_at"])),
            "subject": flip.customer,
            "segment": flip.segment,
            "transition": str(event["transition"]),
        }
        extensions = {} if flip.reason == ERASURE else {"value": flip.value, "arm": event.get("arm")}
        return found | {name: text for name, text in extensions.items() if text is not None}

    def _data(self, flip: Flip) -> dict[str, Any]:
        """The body of Standard Webhooks; of who was erased the id and the segment, and nothing else."""
        event = flip.event
        data = dict(self._shown(event))
        if flip.reason == ERASURE:
            data = {"customer_id": flip.customer, "segment": flip.segment}
        elif self.to.language is not None:
            data["title"] = self.titles.get(flip.segment)
        return {
            "type": f"segment.{event['transition']}",
            "timestamp": schemas.to_iso(event["occurred_at"]),
            "data": data,
        }

    @staticmethod
    def _shown(event: Mapping[str, Any]) -> dict[str, Any]:
        return schemas.to_json(SEGMENT_EVENT, dict(event))

    def _of_segment(self, flips: Sequence[Flip]) -> Message:
        body = _json({"batch": [self._track(flip) for flip in flips]})
        together = flips[0].id if len(flips) == 1 else hashlib.blake2b(body, digest_size=16).hexdigest()
        login = base64.b64encode(f"{self.to.secrets[0]}:".encode()).decode()
        return Message(
            together, body, {"content-type": "application/json", "authorization": f"Basic {login}"}
        )

    def _track(self, flip: Flip) -> dict[str, Any]:
        """The track call of an audience of Segment; `messageId` drops a repetition there.

        Each value of a segment with values is an audience: who leaves one value may be in for another.
        """
        event, segment = flip.event, flip.segment
        named = flip.value is not None and flip.reason != ERASURE
        audience = f"{segment}:{flip.value}" if named else segment
        properties: dict[str, Any] = {"audience_key": audience, audience: flip.enters}
        context: dict[str, Any] = {}
        if flip.reason != ERASURE:
            title = {"audience_name": self.titles.get(segment)} if self.to.language is not None else {}
            more = {"value": flip.value, "reason": flip.reason, **title}
            properties |= {name: text for name, text in more.items() if text is not None}
            context = {"integration": {"name": "segments", "version": event["segment_version"]}}
        return {
            "type": "track",
            "userId": flip.customer,
            "event": AUDIENCE[event["transition"]],
            "messageId": flip.id,
            "timestamp": schemas.to_iso(event["occurred_at"]),
            "properties": properties,
            "context": context,
        }


def signed(message: Message, to: Destination, now: int) -> dict[str, str]:
    """All headers of an attempt at `now` (milliseconds): those of the message, and its signatures."""
    if to.format == "segment":
        return dict(message.headers)
    seconds = str(now // 1000)
    content = b".".join((message.id.encode(), seconds.encode(), message.body))
    signatures = (
        base64.b64encode(hmac.digest(base64.b64decode(each.removeprefix(PREFIX)), content, "sha256")).decode()
        for each in to.secrets
    )
    return {
        **message.headers,
        "webhook-id": message.id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
