"""Enters and exits as a worker writes them: an event and the memberships after it, in one transaction."""

import time
from collections import defaultdict

from confluent_kafka import Producer

import schemas
from segments.engine import event_id

PLAIN = {"value": None, "details": {}, "arm": None}
NOTHING = {"cause": None, "evidence": [], "valid_until": None, **PLAIN}
EVIDENCE = [{"measure": "purchase.within(days=7).count()", "value": "3", "bound": "3", "holds": True}]


def now():
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


class Book:
    """The customers of a test, and their memberships; what it writes is what a worker would have written."""

    def __init__(self, address, transactional="book"):
        self._producer = Producer(
            {
                "bootstrap.servers": address, "partitioner": "murmur2_random", "transactional.id": transactional,
                "log_level": 0,
            }
        )  # fmt: skip
        self._producer.init_transactions(20)
        self._inside = defaultdict(dict)
        self._sequence = defaultdict(int)
        self.events = []

    def flips(self, *flips, reason="event"):
        """Write flips, such as ("ann", "enter", "big"), in one transaction; the events."""
        self._producer.begin_transaction()
        made = [self._flip(*flip, reason=reason) for flip in flips]
        self._producer.commit_transaction(30)
        self.events += made
        return made

    def _flip(self, customer, transition, segment, reason):
        self._sequence[customer] += 1
        sequence, at = self._sequence[customer], now()
        inside = self._inside[customer]
        episode = sequence if transition == "enter" else inside[segment]["episode"]
        event = {
            **NOTHING,
            "event_id": event_id(customer, segment, "v1", transition, sequence, at),
            "customer_id": customer,
            "segment": segment,
            "segment_version": "v1",
            "transition": transition,
            "occurred_at": at,
            "emitted_at": at,
            "sequence": sequence,
            "episode": episode,
            "reason": reason,
            "evidence": EVIDENCE,
        }
        if transition == "enter":
            inside[segment] = {
                "segment": segment,
                "segment_version": "v1",
                "entered_at": at,
                "episode": sequence,
                "valid_until": None,
                **PLAIN,
            }
        else:
            del inside[segment]
        headers = {"ce_segment": segment.encode(), "ce_id": event["event_id"].encode()}
        value = schemas.encode(schemas.SEGMENT_EVENT, event)
        self._produce("segment-events", customer, value, headers)
        if reason != "erasure":
            self._memberships(customer)
        return event

    def _memberships(self, customer):
        record = {
            "customer_id": customer,
            "sequence": self._sequence[customer],
            "segments": [self._inside[customer][name] for name in sorted(self._inside[customer])],
        }
        value = schemas.encode(schemas.SEGMENT_MEMBERSHIPS, record)
        self._produce("segment-memberships", customer, value)

    def erase(self, customer):
        """Write what an erasure gives: the exits, and a null."""
        self._producer.begin_transaction()
        made = [self._flip(customer, "exit", name, "erasure") for name in sorted(self._inside[customer])]
        self._produce("segment-memberships", customer, None)
        self._produce("profiles", customer, None)
        self._producer.commit_transaction(30)
        self._sequence[customer] = 0
        self.events += made
        return made

    def consent(self, customer, given, name="marketing", topic="profiles"):
        """Write a profile."""
        at = now()
        profile = {
            "event_id": f"{customer}-{at}",
            "customer_id": customer,
            "occurred_at": at,
            "attributes": {},
            "consents": {name: given},
        }
        self._producer.begin_transaction()
        self._produce(topic, customer, schemas.encode(schemas.PROFILE, profile))
        self._producer.commit_transaction(30)

    def _produce(self, topic, customer, value, headers=None):
        while True:
            try:
                self._producer.produce(topic, value, customer.encode(), headers=headers or {})
            except BufferError:
                self._producer.poll(0.1)
            else:
                return


def told(received):
    """Customer, transition and segment of each message that was received, in that order."""
    return [
        (each.customer, each.kind.removeprefix("segment."), each.body["data"]["segment"]) for each in received
    ]
