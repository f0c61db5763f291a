"""Posts each enter and exit to a URL, one after another, until it is taken: `python webhook.py BROKERS FILE URL`.

A crash may post one again: whoever takes them tells by the `Idempotency-Key`, which is the event's id. PER_SECOND is
the most that is posted in a second, so that a million flips at once are a long stream and no blow.
"""

import json
import random
import sys
import time
from itertools import count
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from subscriber import follow  # type: ignore[import-not-found]  # beside this file

PER_SECOND = 100
LATER = {408, 425, 429}
LONGEST = 60.0


def request(url: str, event: Any) -> Request:
    """What is posted for an event."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": event["event_id"]}
    return Request(url, json.dumps(event, default=str).encode(), headers)  # noqa: S310 - the caller's own URL


def post(posted: Request) -> bool:
    """Post until it is taken; False if it is refused in a way that no other attempt would change."""
    for attempt in count():
        wait = min(LONGEST, 0.5 * 2**attempt) * random.uniform(0.5, 1)
        try:
            with urlopen(posted, timeout=10):  # noqa: S310 - as above
                time.sleep(1 / PER_SECOND)
                return True
        except HTTPError as error:
            with error:
                if error.code not in LATER and error.code < 500:
                    print(f"refused with {error.code}: {posted.data!r}", file=sys.stderr, flush=True)
                    return False
                told = error.headers.get("Retry-After", "")
            wait = min(LONGEST, float(told)) if told.isdigit() else wait
        except OSError as error:
            print(f"{error}, trying again in {wait:.1f} s", file=sys.stderr, flush=True)
        time.sleep(wait)
    return False


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2], lambda event: post(request(sys.argv[3], event)))
