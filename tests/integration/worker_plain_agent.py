"""A worker with one more agent, as a developer would add one: it notes each record of the topic `notes` in a file."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from segments.engine import load
from streams.kafka import topics
from streams.settings.settings import read_settings
from streams.worker.app import build


async def main(file: Path) -> None:
    """Run it until SIGTERM."""
    settings = read_settings()
    partitions = await asyncio.to_thread(topics.require, settings)
    worker = build(settings, load(settings.rules), partitions)
    notes = worker.app.topic("notes", key_type=bytes, value_type=bytes, value_serializer="raw")

    @worker.app.agent(notes)
    async def note(stream: Any) -> None:
        async for value in stream:
            if value == os.environ.get("FAIL_AT", "").encode():
                raise ValueError(value)
            with file.open("ab") as lines:
                lines.write(value + b"\n")

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.offsets.start()
    starting = asyncio.create_task(worker.app.start())
    failed = asyncio.create_task(worker.app.failed())
    await asyncio.wait([asyncio.create_task(stop.wait()), failed], return_when=asyncio.FIRST_COMPLETED)
    code = 1 if failed.done() else 0
    await worker.app.stop()
    starting.cancel()
    await worker.offsets.stop()
    failed.cancel()
    sys.exit(code)


logging.basicConfig(level="INFO")
asyncio.run(main(Path(sys.argv[1])))
