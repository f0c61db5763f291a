"""Tells Segment, as its own audiences do: `SEGMENT_WRITE_KEY=... python segment_track.py BROKERS FILE [URL]`.

An enter is a track call "Audience Entered", an exit "Audience Exited". Segment drops what it has had: `messageId` is
the event's id.
"""

import base64
import json
import os
import sys
from typing import Any
from urllib.request import Request

from subscriber import follow  # type: ignore[import-not-found]  # beside this file
from webhook import post  # type: ignore[import-not-found]  # beside this file

URL = "https://api.segment.io/v1/track"
NAMES = {"enter": "Audience Entered", "exit": "Audience Exited"}


def call(event: Any) -> dict[str, Any]:
    """The track call for an event."""
    segment, inside = event["segment"], event["transition"] == "enter"
    return {
        "userId": event["customer_id"],
        "event": NAMES[event["transition"]],
        "messageId": event["event_id"],
        "timestamp": event["occurred_at"].isoformat(timespec="milliseconds"),
        "properties": {"audience_key": segment, segment: inside, "reason": event["reason"]},
        "context": {"integration": {"name": "segments", "version": event["segment_version"]}},
    }


def request(url: str, write_key: str, event: Any) -> Request:
    """The call as it is posted."""
    login = base64.b64encode(f"{write_key}:".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
    return Request(url, json.dumps(call(event)).encode(), headers)  # noqa: S310 - https, or the caller's own URL


if __name__ == "__main__":
    url, key = (sys.argv[3:] or [URL])[0], os.environ["SEGMENT_WRITE_KEY"]
    follow(sys.argv[1], sys.argv[2], lambda event: post(request(url, key, event)))
