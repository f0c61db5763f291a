"""Records as bytes, and what a topic holds of them, by confluent-kafka: a client that is none of ours."""

from confluent_kafka import Consumer, TopicPartition

import schemas
from segments.language.catalogue import CLICKSTREAM
from tests.kit.events import whole

PARTITIONS = 4
SEEN = '''"""Seen."""

from segments.language import Segment, page_view

seen = Segment(en="Saw a page", nl="Zag een pagina", when=page_view.within(days=9).count() >= 1)
'''
"""A rule that a page view lets enter, and that time ends after nine days."""


def click(customer, number, at, **more):
    """A click as bytes."""
    event = {
        "event_id": f"{customer}-{number}",
        "customer_id": customer,
        "occurred_at": at,
        "kind": "page_view",
    }
    return schemas.encode("Click", whole(CLICKSTREAM, event | more))


def read_all(address, topic, partitions=PARTITIONS):
    """All committed records of a topic."""
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "reader", "isolation.level": "read_committed"}
    )
    found = []
    for number in range(partitions):
        partition = TopicPartition(topic, number, 0)
        end = consumer.get_watermark_offsets(partition)[1]
        consumer.assign([partition])
        while end and consumer.position([partition])[0].offset < end:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None:
                found.append(message)
    consumer.close()
    return found


def view(customer, at):
    """A page view: its topic, customer and record."""
    base = {"event_id": f"{customer}-{at}", "customer_id": customer, "occurred_at": at}
    return CLICKSTREAM.name, customer, whole(CLICKSTREAM, base | {"kind": "page_view"})
