"""`segments worker`: runs a worker until it is told to stop."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import click

from segments.engine import RuleSet, load
from streams.cli.logs import LEVELS, configure
from streams.errors import BrokerAway, RegistryAway, StreamsError
from streams.http.answers import Answers
from streams.http.health import HealthServer, listen, reachable
from streams.kafka import group, retention, topics
from streams.kafka.permissions import require_allowed
from streams.registry.lookup import Lookup
from streams.registry.registry import connect
from streams.settings.settings import Settings, read_settings
from streams.telemetry.metrics import Metrics
from streams.worker.app import Worker, build

log = logging.getLogger("segments")

AWAY = 2.0
"""Seconds between two attempts to find a broker."""
STOP_TIMEOUT = 15.0


@click.command()
@click.option("--http-port", type=click.IntRange(0, 65535), help="Port of metrics and health; 0: a free one.")
@click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="What to log."
)
def command(http_port: int | None, log_level: str) -> None:
    """Run a worker. Several of them share the partitions.

    It loads the rules, waits for a broker, checks the topics, takes over what the group assigns, and runs until
    SIGTERM or Ctrl-C; then it commits, leaves the group and ends.
    """
    settings = read_settings()
    configure(log_level, settings.secrets)
    rules = load(settings.rules, settings.currency)
    port = settings.http_port if http_port is None else http_port
    _collect_garbage_rarely()
    sys.exit(_run(_main(settings, rules, port)))


def _collect_garbage_rarely() -> None:
    """Python would look at every remembered customer again and again, and find none that is garbage.

    With 20,000 customers that took half of the time. Now it looks when there are a million objects more than after the
    last look, which is seldom; at a hundred thousand the worker stood still for up to 280 ms each second or two.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 100)


def _run(main: Any) -> int:
    try:
        import uvloop
    except ImportError:
        return int(asyncio.run(main))
    return int(uvloop.run(main))


async def _main(settings: Settings, rules: RuleSet, port: int) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    listening = listen(settings.http_host, port)
    address = reachable(settings.http_host, listening)
    starting = HealthServer(Metrics(version("segments"), rules))
    # A copy: the socket itself goes on listening when this server makes room for the next.
    await starting.start(listening.dup())
    try:
        partitions = await _topics(settings, stop)
        if partitions is None:
            return 0
        with suppress(BrokerAway):
            for warning in await asyncio.to_thread(retention.warnings, settings, rules.plan.retention):
                log.warning(warning)
        lookup = await _registered(settings, stop)
        await asyncio.to_thread(group.require_same_rules, settings, rules.digest)
    finally:
        await starting.stop()
    return await _serve(build(settings, rules, partitions, address, lookup), settings, listening, stop)


def _on_signals(stop: asyncio.Event) -> None:
    """The first signal asks for a gentle stop; one that comes a second later or more ends at once."""
    loop = asyncio.get_running_loop()
    first: list[float] = []

    def stopping(number: int) -> None:
        if not first:
            log.info("stopping (%s)", signal.Signals(number).name)
            first.append(loop.time())
            stop.set()
        elif loop.time() - first[0] > 1:
            log.warning("second signal: ending at once")
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping, number)


async def _topics(settings: Settings, stop: asyncio.Event) -> int | None:
    """Wait for a broker, then check the topics; None if told to stop meanwhile."""
    said = False
    while not stop.is_set():
        try:
            await asyncio.to_thread(require_allowed, settings)
            return await asyncio.to_thread(topics.require, settings)
        except BrokerAway as error:
            if not said:
                log.warning("%s; waiting for it", error)
                said = True
        await _within(stop, AWAY)
    return None


async def _registered(settings: Settings, stop: asyncio.Event) -> Lookup | None:
    """Wait for the schema registry, if there is one, and register: without its ids nothing can be written."""
    registry, said = connect(settings), False
    while registry is not None and not stop.is_set():
        try:
            await asyncio.to_thread(registry.register)
        except RegistryAway as error:
            if not said:
                log.warning("%s; waiting for it", error)
                said = True
        else:
            log.info("the schemas are registered at %s", registry.url)
            return Lookup(registry)
        await _within(stop, AWAY)
    return None


async def _within(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _serve(built: Worker, settings: Settings, listening: socket.socket, stop: asyncio.Event) -> int:
    server = HealthServer(built.metrics, built.owners)
    server.add(
        Answers(
            built.owners.machine,
            built.partitions,
            settings.http_host,
            settings.why_token,
            built.owners.too_old,
        ).routes()
    )
    await server.start(listening)
    port = listening.getsockname()[1]
    log.info("metrics and health: http://%s:%d/metrics /healthz /readyz", settings.http_host, port)
    try:
        await built.offsets.start()
        return await _until_stopped(built, stop)
    finally:
        await built.offsets.stop()
        await server.stop()


async def _until_stopped(built: Worker, stop: asyncio.Event) -> int:
    """Start the application, and stop it when told to or when it has failed."""
    starting = asyncio.create_task(built.app.start())
    stopped = asyncio.create_task(stop.wait())
    failed = asyncio.create_task(built.app.failed())
    done, _ = await asyncio.wait([starting, stopped, failed], return_when=asyncio.FIRST_COMPLETED)
    if done == {starting}:
        starting.result()
        await asyncio.wait([stopped, failed], return_when=asyncio.FIRST_COMPLETED)
    reason = failed.result() if failed.done() else None
    await _end(built)
    for task in (starting, stopped, failed):
        task.cancel()
    if reason is not None:
        log.error(
            "the worker ends after a failure: %s",
            reason if isinstance(reason, StreamsError) else repr(reason),
        )
        return 1
    log.info("stopped")
    return 0


async def _end(built: Worker) -> None:
    """Stop everything; a library that waits for a broker that is away doesn't hold up the end."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await built.app.stop()
    except TimeoutError:
        log.warning("not everything ended in %.0f s: what was not committed will be done again", STOP_TIMEOUT)
        logging.shutdown()
        signal.raise_signal(signal.SIGKILL)
