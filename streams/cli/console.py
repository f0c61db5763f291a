"""`segments console`: pages for everyone."""

import asyncio
import logging
import signal
from functools import partial

import click

from streams.cli.export import exported
from streams.cli.logs import LEVELS, configure
from streams.console.console import Console
from streams.console.database import Database
from streams.console.reader import Reader
from streams.console.rules import Watch, look
from streams.console.server import Server
from streams.console.workers import Workers
from streams.errors import StreamsError
from streams.http.answers import LOOPBACK
from streams.http.health import listen
from streams.registry.registry import connect
from streams.settings.settings import Settings, read_settings

log = logging.getLogger("segments")

PORT = 6080
"""Unless another one is given: beside that of a worker on the same machine."""
FILE = "console.db"


@click.command(name="console")
@click.option(
    "--port",
    "--http-port",
    "port",
    type=click.IntRange(0, 65535),
    help=f"Of the pages; 0: a free one. Default: SEGMENTS_HTTP_PORT if it is set, else {PORT}.",
)
@click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="What to log."
)
def command(port: int | None, log_level: str) -> None:
    """Serve pages about segments, customers and the workers' health, until told to stop. It only reads.

    On the loopback unless SEGMENTS_HTTP_HOST is set; elsewhere it needs SEGMENTS_HTTP_TOKEN, which is then asked for at
    /login. Counts by hour and each customer's memberships are kept in SEGMENTS_DATA_DIR/console.db, which is made anew
    from the topics if it is missing or damaged.
    """
    settings = read_settings()
    configure(log_level, settings.secrets)
    if settings.http_host not in LOOPBACK and settings.why_token is None:
        raise StreamsError(
            f"the console shows customers, and SEGMENTS_HTTP_HOST {settings.http_host} is not the loopback: "
            "set SEGMENTS_HTTP_TOKEN (or SEGMENTS_HTTP_TOKEN_FILE)"
        )
    asyncio.run(_serve(settings, _port(settings) if port is None else port))


def _port(settings: Settings) -> int:
    return settings.http_port if "http_port" in settings.model_fields_set else PORT


async def _serve(settings: Settings, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listening = listen(settings.http_host, port)
    rules = await asyncio.to_thread(look, settings)
    reader = Reader(Database(settings.data_dir / FILE), settings, connect(settings))
    workers = Workers(settings)
    console = Console(settings, reader, workers, rules, partial(exported, settings))
    watch = Watch(settings, console.take_rules)
    server = Server(console, listening)
    await server.start()
    log.info("the console: http://%s:%d/segments", settings.http_host, listening.getsockname()[1])
    running = [asyncio.create_task(each) for each in (reader.run(), workers.run(), watch.run(), stop.wait())]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.stop()
        await reader.close()
    log.info("stopped")
