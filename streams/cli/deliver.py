"""`segments deliver CONFIG`: enters and exits into the tools that act."""

import asyncio
import difflib
import logging
import signal
import socket
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import click
from kafka.errors import KafkaError

from segments.language.loading.load import load
from streams.cli.logs import LEVELS, configure
from streams.cli.what_runs import known_rules
from streams.delivery.channel import Channel
from streams.delivery.config import Destination, read_config
from streams.delivery.feed import EVENTS
from streams.delivery.flip import Flip
from streams.delivery.repair import differences, everybody, read_list
from streams.delivery.server import Server
from streams.delivery.service import Service
from streams.deployments.sources import deployed_too
from streams.errors import BrokerAway, RegistryAway, StreamsError
from streams.http.health import listen
from streams.kafka import topics
from streams.kafka.read_committed import committed_reader, partitions_of
from streams.registry.registry import connect
from streams.settings.settings import Settings, read_settings
from streams.telemetry.delivery import DeliveryMetrics

log = logging.getLogger("segments")

PORT = 6070
"""Of metrics and health, unless it is set: beside that of a worker on the same machine."""
AWAY = 2.0
"""Seconds between two attempts to find a broker."""


@click.command(name="deliver")
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--only", metavar="NAME", multiple=True, help="Only this destination (may be given again).")
@click.option("--full", is_flag=True, help="Send the memberships as they are, and end.")
@click.option(
    "--reconcile",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with a destination's list (CSV), send what differs, and end; needs --only.",
)
@click.option("--enable", metavar="NAME", multiple=True, help="Begin again with one that answered 410.")
@click.option("--take-over", is_flag=True, help="Go on though the file of what was sent is lost.")
@click.option("--http-port", type=click.IntRange(0, 65535), help=f"Of metrics and health. Default: {PORT}.")
@click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="What to log."
)
def command(
    config: Path,
    only: tuple[str, ...],
    full: bool,
    reconcile: Path | None,
    enable: tuple[str, ...],
    take_over: bool,
    http_port: int | None,
    log_level: str,
) -> None:
    """Send enters and exits to the destinations of CONFIG (TOML, a section for each), until told to stop.

    As Standard Webhooks and CloudEvents at once, or as Segment's Audience events. In order for each customer, at
    least once, with the same id on each try. deploy/delivery.md tells the keys of CONFIG and what holds.

    What each destination was sent is kept in SEGMENTS_DATA_DIR/deliver/NAME.db: an exit is sent if its enter was
    tried. --full and --reconcile need these files, so stop the process that delivers first.
    """
    settings = read_settings()
    destinations = _chosen(read_config(config), only, enable)
    if reconcile is not None and (full or len(destinations) != 1):
        raise click.UsageError("--reconcile compares with the list of one destination: name it with --only.")
    configure(log_level, (*settings.secrets, *(each for to in destinations for each in to.secrets)))
    service = Service(
        settings,
        destinations,
        _titles(settings, destinations),
        connect(settings),
        DeliveryMetrics(to.name for to in destinations),
        partial(deployed_too, settings),
    )
    service.metrics.watch(service.states)
    if full or reconcile is not None:
        sys.exit(asyncio.run(_repair(service, reconcile, enable)))
    port = http_port if http_port is not None else _port(settings)
    asyncio.run(_serve(service, port, enable, take_over))


def _chosen(
    destinations: tuple[Destination, ...], only: tuple[str, ...], enable: tuple[str, ...]
) -> list[Destination]:
    names = [to.name for to in destinations]
    for name in (*only, *enable):
        if name not in names:
            raise click.UsageError(f"there is no destination {name}: the file has {', '.join(names)}.")
    return [to for to in destinations if not only or to.name in only]


def _port(settings: Settings) -> int:
    return settings.http_port if "http_port" in settings.model_fields_set else PORT


def _titles(settings: Settings, destinations: Iterable[Destination]) -> Mapping[str, Mapping[str, str]]:
    """The names of the segments by language, if a destination wants them."""
    if all(to.language is None for to in destinations):
        return {}
    rules = load(list(settings.rules))
    return {"en": {rule.id: rule.en for rule in rules}, "nl": {rule.id: rule.nl for rule in rules}}


async def _serve(service: Service, port: int, enable: tuple[str, ...], take_over: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listening = listen(service.settings.http_host, port)
    server = Server(service.metrics, service)
    await server.start(listening)
    _say(service.settings, listening)
    try:
        if (partitions := await _topics(service.settings, stop)) is not None:
            starting = asyncio.create_task(service.start(partitions, enable))
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await _check_names(service)
                await service.run(stop, take_over=take_over)
            starting.cancel()
            stopped.cancel()
    finally:
        await service.stop()
        await server.stop()
    log.info("stopped")


def _say(settings: Settings, listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    log.info("metrics and health: http://%s:%d/metrics /healthz /readyz", settings.http_host, port)


def _required(settings: Settings) -> int:
    """The number of partitions of the topics that are needed; segment events can be written from now on."""
    if (registry := connect(settings)) is not None:
        registry.register([EVENTS])
    return topics.require_delivery(settings)


async def _check_names(service: Service) -> None:
    """Warn of each segment of the file that is no rule: nothing would ever be sent of it."""
    try:
        known = await asyncio.to_thread(known_rules, service.settings) | service.segments_sent()
    except (KafkaError, StreamsError) as error:
        log.warning("which rules are deployed can't be read, so names of segments are not checked: %s", error)
        return
    for line in unknown_segments(service.destinations, known):
        log.warning("%s", line)


def unknown_segments(destinations: Iterable[Destination], known: Collection[str]) -> Iterator[str]:
    """A line for each segment that a destination names and that is not known."""
    for to in destinations:
        for segment in sorted((to.segments or frozenset()) - set(known)):
            near = difflib.get_close_matches(segment, known, n=1)
            yield f"[{to.name}] segments: no rule {segment} is deployed or in SEGMENTS_RULES" + (
                f": did you mean {near[0]}?" if near else ""
            )


async def _topics(settings: Settings, stop: asyncio.Event) -> int | None:
    """Wait for a broker, and a registry if there is one, and give the number of partitions; None if told to stop."""
    said = False
    while not stop.is_set():
        try:
            return await asyncio.to_thread(_required, settings)
        except (BrokerAway, RegistryAway) as error:
            if not said:
                log.warning("%s; waiting for it", error)
                said = True
            try:
                async with asyncio.timeout(AWAY):
                    await stop.wait()
            except TimeoutError:
                continue
    return None


def _ends(settings: Settings) -> list[int]:
    """Where each partition of `segment-events` ends."""
    with committed_reader(settings) as consumer:
        ends = consumer.end_offsets(partitions_of(consumer, EVENTS))
    return [end for _, end in sorted(ends.items())]


async def _repair(service: Service, listed: Path | None, enable: tuple[str, ...]) -> int:
    """Send all memberships, or what differs from a list, and say what became of it; 1 if something was given up."""
    partitions = await asyncio.to_thread(_required, service.settings)
    clean = True
    try:
        # Before the memberships are read: what they know of lies before these.
        ends = await asyncio.to_thread(_ends, service.settings)
        await service.start(partitions, enable)
        await _check_names(service)
        for to in service.destinations:
            if (why := service.disabled(to)) is not None:
                raise StreamsError(f"{to.name} is disabled ({why}): --enable {to.name} begins it again")
            now = service.clock.now()
            flips: Iterable[Flip]
            if listed is None:
                flips = everybody(service.view, to, ends, now)
            else:
                missing, extra = differences(service.view, to, read_list(listed, to), ends, now)
                click.echo(f"{to.name}: {len(missing):,} missing, {len(extra):,} too many", err=True)
                flips = [*missing, *extra]
            clean &= _told(service, to, await service.send(to, flips))
    finally:
        await service.stop()
    return 0 if clean else 1


def _told(service: Service, to: Destination, channel: Channel) -> bool:
    """Say what became of the flips; whether none was given up."""
    counts = {
        sample.labels["outcome"]: int(sample.value)
        for family in service.metrics.flips.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels["destination"] == to.name and sample.value
    }
    words = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in counts.items())
    click.echo(f"{to.name}: {words or 'nothing to send'}", err=True)
    if channel.disabled.is_set():
        raise StreamsError(f"{to.name}: answered 410 Gone, and is disabled")
    return "dead_letter" not in counts
