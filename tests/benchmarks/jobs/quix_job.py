"""The one-counter rule on Quix Streams, exactly once: a changelog and transactions."""

from clicks import BOUND, BROKERS, GROUP, INPUT, OUTPUT, STATE, customer, flip
from quixstreams import Application, State

app = Application(
    broker_address=BROKERS,
    consumer_group=GROUP,
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    commit_interval=1.0,
    state_dir=STATE,
    loglevel="WARNING",
)
clicks = app.topic(INPUT, key_deserializer="bytes", value_deserializer="bytes")
flips = app.topic(OUTPUT, key_serializer="bytes", value_serializer="bytes")


def step(value: bytes, state: State) -> list[bytes]:
    """Count each customer's clicks."""
    who = customer(value)
    count = state.get("count", 0) + 1
    state.set("count", count)
    return [flip(who)] if count == BOUND else []


app.dataframe(clicks).apply(step, stateful=True, expand=True).to_topic(flips)

if __name__ == "__main__":
    app.run()
