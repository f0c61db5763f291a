"""The one-counter rule on Bytewax, with recovery: the state in snapshots, the offsets beside it.

It commits nothing to Kafka, so it notes how far it has come in a file.
"""

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from clicks import BOUND, BROKERS, INPUT, OUTPUT, Notes, customer, flip

notes = Notes()


def read(message: object) -> tuple[str, None]:
    """Decode, and note how far we are."""
    notes.one_more()
    return customer(message.value), None


def step(count: int | None, _: None) -> tuple[int, list[bool]]:
    """Count each customer's clicks."""
    count = (count or 0) + 1
    return count, [True] if count == BOUND else []


flow = Dataflow("benchmark")
clicks = kop.input("clicks", flow, brokers=[BROKERS], topics=[INPUT], tail=True, batch_size=1000)
op.raises("bad", clicks.errs)
keyed = op.map("key", clicks.oks, read)
entered = op.stateful_flat_map("count", keyed, step)
messages = op.map("write", entered, lambda each: KafkaSinkMessage(each[0].encode(), flip(each[0])))
kop.output("flips", messages, brokers=[BROKERS], topic=OUTPUT)
