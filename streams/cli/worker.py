"""`segments worker`: runs a worker until it is told to stop."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

import click
from aiokafka.errors import KafkaConnectionError

from segments.engine import RuleSet, load
from segments.language.errors import SegmentsError
from streams.cli.logs import LEVELS, configure
from streams.deployments.counting import rules_of
from streams.deployments.starting import Files, settle
from streams.errors import BrokerAway, RegistryAway, StreamsError
from streams.http import deployments, worths
from streams.http.answers import Answers
from streams.http.census import Censuses
from streams.http.health import HealthServer, listen, reachable
from streams.http.hosts import guard
from streams.http.moves import MovesPage
from streams.jobs.past import Reading as PastReading
from streams.kafka import retention, topics
from streams.kafka.permissions import require_allowed, require_readable
from streams.registry.lookup import Lookup
from streams.registry.registry import connect
from streams.settings.settings import Settings, read_settings
from streams.telemetry.metrics import Metrics
from streams.worker import memory
from streams.worker.app import Worker, build
from streams.worker.descriptors import require_descriptors
from streams.worker.watch import Watch, require_name

log = logging.getLogger("segments")

T = TypeVar("T")

AWAY = 2.0
"""Seconds between two attempts to find a broker."""
STOP_TIMEOUT = 15.0


@click.command()
@click.option("--http-port", type=click.IntRange(0, 65535), help="Port of metrics and health; 0: a free one.")
@click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="What to log."
)
@click.option(
    "--deploy", is_flag=True, help="Also deploy the rules of SEGMENTS_RULES if they differ: for one worker."
)
@click.option("--no-deploy", is_flag=True, help="Read no rule files: wait until a rule set is deployed.")
def command(http_port: int | None, log_level: str, deploy: bool, no_deploy: bool) -> None:
    """Run a worker. Workers of one group share the partitions.

    The worker waits for a broker, checks the topics and takes over the partitions that the group assigns. Each runs the
    rule set that was deployed in its log. A group to which nothing was deployed gets the rules of SEGMENTS_RULES from
    its first worker, with --deploy also rules that differ; without it the worker runs what is deployed, and says so. It
    runs until SIGTERM or Ctrl-C. Then it commits, leaves the group and ends.
    """
    if deploy and no_deploy:
        raise click.UsageError("--deploy and --no-deploy exclude each other.")
    # What is deployed needs no rule files: folders that are missing are a line in the log then.
    settings = read_settings(rules_may_be_missing=True)
    configure(log_level, settings.secrets)
    memory.set_up()
    rules = None if no_deploy else _files(settings)
    port = settings.http_port if http_port is None else http_port
    sys.exit(_run(_main(settings, rules, port, deploy=deploy)))


def _files(settings: Settings) -> RuleSet | SegmentsError:
    """The rules of the folders; or what is wrong with them, which matters only if nothing was deployed."""
    try:
        return load(
            settings.rules,
            settings.currency,
            settings.timezone,
            required=settings.required_consent,
            sources=settings.profile_sources,
        )
    except SegmentsError as error:
        return error


def _run(main: Any) -> int:
    try:
        import uvloop
    except ImportError:
        return int(asyncio.run(main))
    return int(uvloop.run(main))


async def _main(settings: Settings, files: Files, port: int, *, deploy: bool) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    listening = listen(settings.http_host, port)
    address = reachable(settings.http_host, listening)
    starting = HealthServer(Metrics(version("segments"), files if isinstance(files, RuleSet) else None))
    # A copy: the socket itself goes on listening when this server makes room for the next.
    await starting.start(listening.dup())
    try:
        checked = await _Patience(stop, starting).checked(settings, files, deploy=deploy)
    except _Stopped:
        return 0
    finally:
        await starting.stop()
    partitions, lookup = checked
    built = build(settings, None, partitions, address, lookup, PastReading(settings))
    giving_back = asyncio.create_task(memory.give_back())
    try:
        return await _serve(built, settings, listening, stop)
    finally:
        giving_back.cancel()


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


class _Stopped(Exception):
    """The worker was told to stop while it waited."""


@dataclass(slots=True)
class _Patience:
    """Waits for Kafka and the registry in each check before the worker runs; any of them may find them away."""

    stop: asyncio.Event
    server: HealthServer
    _said: str = ""

    async def checked(
        self, settings: Settings, files: Files, *, deploy: bool = False
    ) -> tuple[int, Lookup | None]:
        """All checks, in order, and the first deployment: the number of partitions, and what asks the registry.

        The second is there if there is a registry.
        """
        await self.until_answered(partial(require_allowed, settings))
        partitions = await self.until_answered(partial(topics.require, settings))
        require_descriptors(partitions, settings.store)
        running = await self.until_answered(partial(settle, settings, files, deploy=deploy))
        await self._sources(settings, () if running is None else running.settings["profile_sources"])
        remembered = 0 if running is None else running.planned.data.retention
        for warning in await self.until_answered(partial(retention.warnings, settings, remembered)):
            log.warning(warning)
        registry = connect(settings)
        if registry is not None:
            await self.until_answered(registry.register)
            log.info("the schemas are registered at %s", registry.url)
        await self.until_answered(partial(require_name, settings))
        return partitions, None if registry is None else Lookup(registry)

    async def _sources(self, settings: Settings, sources: Sequence[str]) -> None:
        """The profile sources that are deployed: those of this process are not read then."""
        if sources:
            await self.until_answered(partial(require_readable, settings, sources))
            await self.until_answered(partial(topics.require_sources, settings, sources))

    async def until_answered(self, check: Callable[[], T]) -> T:
        """What a check gives, in a thread of its own; as often as it takes while who is asked is away."""
        while not self.stop.is_set():
            try:
                result = await asyncio.to_thread(check)
            except (BrokerAway, RegistryAway) as error:
                self._say(error)
            else:
                self.server.waiting = None
                return result
            await _within(self.stop, AWAY)
        raise _Stopped

    async def until_connected(self, connect: Callable[[], Awaitable[None]]) -> None:
        """The same for what connects in this event loop."""
        while not self.stop.is_set():
            try:
                return await connect()
            except KafkaConnectionError as error:
                self._say(error)
            await _within(self.stop, AWAY)
        raise _Stopped

    def _say(self, error: Exception) -> None:
        """Once for each that is away."""
        self.server.waiting = str(error)
        if type(error).__name__ != self._said:
            log.warning("%s; waiting for it", error)
        self._said = type(error).__name__


async def _within(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _serve(built: Worker, settings: Settings, listening: socket.socket, stop: asyncio.Event) -> int:
    announced = reachable(settings.http_host, listening)
    guarded = guard(settings.http_host, announced, settings.http_hosts)
    server = HealthServer(built.metrics, built.owners, (guarded,))
    answers = Answers(
        built.owners.machine, built.partitions, settings.http_host, settings.why_token, built.owners.too_old
    )
    server.add(answers.routes())
    server.add(deployments.routes(built.owners.states))
    server.add(
        Censuses(built.owners.machine, built.owners.customers, built.partitions, answers.refusal).routes()
    )
    server.add(worths.routes(built.owners.machine, built.owners.customers, answers.refusal))
    held = built.owners.machine, built.owners.committed
    moves = MovesPage(*held, rules_of, built.partitions, settings.threads, answers.refusal)
    server.add(moves.routes())
    await server.start(listening)
    port = listening.getsockname()[1]
    log.info("metrics and health: http://%s:%d/metrics /healthz /readyz", settings.http_host, port)
    try:
        await _Patience(stop, server).until_connected(built.offsets.start)
        return await _until_stopped(built, settings, stop)
    except _Stopped:
        return 0
    finally:
        await built.offsets.stop()
        await server.stop()


async def _until_stopped(built: Worker, settings: Settings, stop: asyncio.Event) -> int:
    """Start the application, and stop it when told to or when it has failed."""
    watch = Watch(built.app, built.owners, built.offsets, settings, built.partitions)
    watching = asyncio.create_task(watch.run())
    starting = asyncio.create_task(built.app.start())
    stopped = asyncio.create_task(stop.wait())
    failed = asyncio.create_task(built.app.failed())
    done, _ = await asyncio.wait([starting, stopped, failed], return_when=asyncio.FIRST_COMPLETED)
    if done == {starting}:
        starting.result()
        await asyncio.wait([stopped, failed], return_when=asyncio.FIRST_COMPLETED)
    reason = failed.result() if failed.done() else None
    if reason is not None:
        # Before the end: that may have to be cut short.
        log.error("the worker ends after a failure: %s", _words(reason))
    watching.cancel()
    await _end(built, failed=reason is not None)
    for task in (starting, stopped, failed):
        task.cancel()
    if reason is not None:
        return 1
    log.info("stopped")
    return 0


def _words(reason: BaseException) -> str:
    return str(reason) if isinstance(reason, StreamsError) else repr(reason)


async def _end(built: Worker, *, failed: bool) -> None:
    """Stop everything; a library that waits for a broker that is away doesn't hold up the end."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await built.app.stop()
    except TimeoutError:
        log.warning("not everything ended in %.0f s: what was not committed will be done again", STOP_TIMEOUT)
        logging.shutdown()
        if failed:
            os._exit(1)
        signal.raise_signal(signal.SIGKILL)
