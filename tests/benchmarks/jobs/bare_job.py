"""Fetch and decode, nothing else: the limit for Python with confluent-kafka and fastavro."""

from clicks import BROKERS, GROUP, INPUT, Notes, customer
from confluent_kafka import Consumer

notes = Notes()
consumer = Consumer(
    {
        "bootstrap.servers": BROKERS,
        "group.id": GROUP,
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe([INPUT])
while True:
    for message in consumer.consume(1000, 0.1):
        customer(message.value())
        notes.one_more()
