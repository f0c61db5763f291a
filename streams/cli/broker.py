"""`segments broker`: a local Kafka for development, the tests and the demo."""

import sys

import click

from streams.local.broker import Broker
from streams.settings.settings import read_settings


class Progress:
    """What takes long, on stderr: one line that is rewritten on a terminal, a line for each report elsewhere."""

    def __init__(self) -> None:
        self._rewrites = sys.stderr.isatty()
        self._said = False

    def __call__(self, line: str) -> None:
        """Shows the line."""
        if self._rewrites:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        else:
            click.echo(line, err=True)
        self._said = True

    def end(self) -> None:
        """Leaves the line, so that what follows begins on the next one."""
        if self._rewrites and self._said:
            click.echo("", err=True)


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
    progress = Progress()
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
