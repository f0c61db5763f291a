"""The agent that segments customers: it hands each fetched run to the task that owns its partition."""

from typing import Any

from streams.transport import BatchApp
from streams.transport.runs import run_of


def segment_customers(app: BatchApp, owners: Any) -> Any:
    """Add the agent over the input topics to the application."""

    async def segment(stream: Any) -> None:
        async for event in stream.events():
            owners.deliver(run_of(event))

    return app.agent(app.run_topic(), name="segments")(segment)
