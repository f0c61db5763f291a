"""The rule as an application of stock Faust, as its documentation would have it: one agent, one table, one topic out.

Runs in the environment that `python -m tests.stock` makes: `python application.py worker --without-web`.
"""

import io
import json
import os
from pathlib import Path

import fastavro
import faust
import rule

STOCK = os.environ
app = faust.App(
    STOCK["STOCK_GROUP"],
    broker=f"kafka://{STOCK['STOCK_BROKERS']}",
    datadir=STOCK["STOCK_DATA_DIR"],
    processing_guarantee=STOCK["STOCK_GUARANTEE"],
    broker_session_timeout=float(STOCK["STOCK_SESSION"]),
    broker_heartbeat_interval=float(STOCK["STOCK_SESSION"]) / 3,
    topic_partitions=int(STOCK["STOCK_PARTITIONS"]),
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    store="memory://",
)
events = app.topic(*STOCK["STOCK_TOPICS"].split(), key_type=bytes, value_type=bytes, value_serializer="raw")
flips = app.topic("segment-events", key_type=bytes, value_type=bytes, value_serializer="raw")
customers = app.Table("customers", key_type=bytes, default=lambda: {"visits": [], "last": 0, "inside": False})

SCHEMAS = {
    topic: fastavro.parse_schema(json.loads((Path(STOCK["STOCK_SCHEMAS"]) / f"{name}.avsc").read_text()))
    for topic, name in (("clickstream", "Click"), ("transactions", "Transaction"))
}
KINDS = {"purchase": rule.PURCHASE, "bought": rule.PURCHASE, "page_view": rule.VISIT}


def decoded(topic, value):
    """An event from Confluent's wire format."""
    return fastavro.schemaless_reader(io.BytesIO(value[5:]), SCHEMAS[topic], None)


@app.agent(events)
async def three_visits(stream):
    """Each event changes its customer, and what flips is sent on."""
    async for message in stream.events():
        event = decoded(message.message.topic, message.value)
        at = round(event["occurred_at"].timestamp() * 1000)
        customer = rule.Customer(**customers[message.key])
        for transition, instant in rule.step(customer, at, KINDS.get(event["kind"], rule.OTHER)):
            flip = {"customer_id": event["customer_id"], "transition": transition, "occurred_at": instant}
            await flips.send(key=message.key, value=json.dumps(flip).encode())
        customers[message.key] = vars(customer)


if __name__ == "__main__":
    app.main()
