"""`python -m deploy.demo`, which `make demo` runs."""

import sys

import click

from deploy.demo.errors import DemoError
from deploy.demo.program import Options, demo
from deploy.demo.screen import Screen
from streams.errors import StreamsError

INTERRUPTED = 130


@click.command()
@click.option(
    "--live-seconds",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=10),
    help="How long the live part lasts.",
)
@click.option("--quick", is_flag=True, help="A slice of the customers only: about a minute in all.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 8), help="How many workers.")
@click.option(
    "--partitions", default=4, show_default=True, type=click.IntRange(1, 64), help="Partitions of each topic."
)
def main(live_seconds: float, quick: bool, workers: int, partitions: int) -> None:
    """Real customers enter and leave segments through a real Kafka.

    Starts a broker of its own unless SEGMENTS_BROKERS names one with empty topics. Ctrl-C ends all of it.
    """
    screen = Screen()
    try:
        code = demo(Options(live_seconds, quick, workers, partitions), screen)
    except (DemoError, StreamsError) as error:
        click.echo(f"Error: {error}", err=True)
        code = 1
    except KeyboardInterrupt:
        click.echo("Interrupted: workers and broker are stopped.", err=True)
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main(prog_name="python -m deploy.demo")
