"""`segments broker`: a local Kafka for development, the tests and the demo."""

import click

from streams.cli.progress import Rewritten
from streams.local.broker import Broker
from streams.settings.settings import read_settings


@click.group()
def command() -> None:
    """Start, stop or find a local Kafka for development.

    A single node without Docker. It needs Java 17 or newer, and Maven for its first start. Its data is in
    SEGMENTS_DATA_DIR/broker. Other commands with the same data directory use this broker by default.
    """


@command.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where clients connect. Default: the port of the last start, at first a free one.",
)
def start(port: int | None) -> None:
    """Start the broker, unless it runs, and print its address."""
    progress = Rewritten()
    try:
        address = Broker(read_settings().broker_dir, port, progress).start()
    finally:
        progress.end()
    click.echo(address)


@command.command()
def stop() -> None:
    """Stop the broker; its topics stay."""
    stopped = Broker(read_settings().broker_dir).stop()
    click.echo("stopped" if stopped else "not running")


@command.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Print the address of the broker; exit code 1 if it does not run."""
    broker_dir = read_settings().broker_dir
    if (address := Broker(broker_dir).status()) is None:
        click.echo(f"no broker runs in {broker_dir}: `segments broker start`", err=True)
        context.exit(1)
    click.echo(address)
