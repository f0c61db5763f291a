"""The agent that segments customers: it hands each fetched run to the task that owns its partition."""

from typing import Any

from streams.transport import BatchApp
from streams.transport.runs import runs_of


def segment_customers(app: BatchApp, owners: Any) -> Any:
    """Add the agent over the input topics to the application."""

    async def segment(stream: Any) -> None:
        async for event in stream.events():
            for run in runs_of(event):
                owners.deliver(run)

    return app.agent(app.run_topic(), name="segments")(segment)
