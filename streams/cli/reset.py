"""`segments reset`: a group forgets everything, and computes it anew."""

import click

from streams.jobs import reset
from streams.settings.settings import read_settings


@click.command()
@click.option("--yes", is_flag=True, help="Do it; without it, only say what would be forgotten.")
def command(yes: bool) -> None:
    """Forget what the group remembers, so that its workers compute it anew from the input topics.

    All workers must be stopped. Whatever the inputs no longer hold is lost: see their retention. Subscribers
    see everybody erased (a null membership), and then every enter and exit again, with sequences from 1.
    """
    settings = read_settings()
    everything = reset.remembered(settings)
    if yes:
        reset.forget(settings, everything, _forgotten)
    states = sum(len(each.states) for each in everything)
    memberships = sum(len(each.memberships) for each in everything)
    done = "forgotten" if yes else "would be forgotten (--yes does it)"
    click.echo(f"group {settings.group}: {states:,} states and {memberships:,} memberships {done}")


def _forgotten(each: reset.PartitionRecords) -> None:
    click.echo(f"partition {each.partition}: forgotten", err=True)
