"""The one-counter rule on stock Faust: an agent and a table, one event at a time."""

import os

import faust
from clicks import BOUND, BROKERS, GROUP, INPUT, OUTPUT, STATE, customer, flip

app = faust.App(
    GROUP,
    broker=f"kafka://{BROKERS}",
    store="memory://",
    datadir=STATE,
    topic_partitions=int(os.environ["BENCHMARK_PARTITIONS"]),
    topic_replication_factor=1,
    broker_commit_interval=1.0,
    web_enabled=False,
)
clicks = app.topic(INPUT, key_type=bytes, value_type=bytes, value_serializer="raw")
flips = app.topic(OUTPUT, key_type=bytes, value_type=bytes, value_serializer="raw")
counts = app.Table("counts", key_type=bytes, value_type=int, default=int)


@app.agent(clicks)
async def count(stream: faust.Stream) -> None:
    """Count each customer's clicks."""
    async for key, value in stream.items():
        who = customer(value)
        counts[key] += 1
        if counts[key] == BOUND:
            await flips.send(key=key, value=flip(who))


if __name__ == "__main__":
    app.main()
