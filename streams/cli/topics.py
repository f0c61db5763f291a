"""`segments topics`: our topics, created or checked, and their schemas if there is a registry."""

import click

from segments.engine import load
from segments.language.errors import SegmentsError
from streams.cli.topic_name import TopicName
from streams.errors import TopicsError
from streams.kafka import topics
from streams.kafka.group import require_stopped
from streams.kafka.topic_notes import adopt as adopted
from streams.registry.registry import connect
from streams.settings.settings import Settings, read_settings

RETENTION = click.option(
    "--retention",
    metavar="DAYS",
    type=click.IntRange(1, 36_500),
    help="Days for which the inputs keep records. Default: as long as the rules remember, at least 400.",
)


@click.group()
def command() -> None:
    """Create the topics, or say how those that exist differ."""


@command.command()
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    help="Partitions of each topic. Can't be changed later. Default: SEGMENTS_PARTITIONS if set, else what most of "
    "the topics that exist have, else 4.",
)
@click.option(
    "--replication",
    type=click.IntRange(min=1),
    help="Replicas of each partition. Default: SEGMENTS_REPLICATION, 1.",
)
@RETENTION
@click.option("--dry-run", is_flag=True, help="Only say what would be created.")
def create(partitions: int | None, replication: int | None, retention: int | None, dry_run: bool) -> None:
    """Create the topics that are missing; those that exist and differ are named (exit code 1)."""
    settings = read_settings()
    outcome = topics.create(
        settings,
        partitions or set_partitions(settings),
        replication or settings.replication,
        kept(settings, retention),
        dry_run=dry_run,
    )
    for topic in outcome.existing:
        click.echo(f"exists   {topic.name}")
    for topic in outcome.created:
        done = "missing  " if dry_run else "created  "
        click.echo(f"{done}{topic.name} ({outcome.partitions} partitions, {topic.cleanup})")
    if (registry := connect(settings)) is not None and not dry_run:
        registry.register()
        click.echo(f"the schemas are registered at {registry.url}")
    refuse(outcome.differences)


@command.command()
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    help="Partitions that each should have. Default: SEGMENTS_PARTITIONS if set, else what most have.",
)
@RETENTION
def check(partitions: int | None, retention: int | None) -> None:
    """Say how the topics that exist differ from what they should be (exit code 1), with the mend."""
    settings = read_settings()
    differences = topics.check(settings, partitions or set_partitions(settings), kept(settings, retention))
    if (registry := connect(settings)) is not None:
        differences += registry.differences()
    refuse(differences)
    click.echo("the topics are as they should be")


@command.command()
@click.argument("names", nargs=-1, required=True, type=TopicName(topics.ADOPTED), metavar="TOPIC...")
def adopt(names: tuple[str, ...]) -> None:
    """Go on with a topic that was deleted and made again, from its beginning.

    What the group remembers of customers is kept; what the old topic still held is lost. All workers must be
    stopped. Events that were applied within the last day are recognised by their event_id.
    """
    settings = read_settings()
    require_stopped(settings)
    for name, count in sorted(adopted(settings, names).items()):
        click.echo(
            f"{name}: the group {settings.group} will read its {count} partitions from their beginning"
        )


def set_partitions(settings: Settings) -> int | None:
    """SEGMENTS_PARTITIONS, if somebody set it."""
    return settings.partitions if "partitions" in settings.model_fields_set else None


def kept(settings: Settings, days: int | None) -> int:
    """Milliseconds for which the inputs should keep records: so many days, else what the rules here need."""
    if days is not None:
        return days * topics.DAY
    try:
        return max(topics.RETAINED, load(settings.rules, settings.currency).plan.retention)
    except SegmentsError:
        return topics.RETAINED  # Topics can be made before there is a rule set without a fault.


def refuse(differences: list[topics.Difference] | tuple[topics.Difference, ...]) -> None:
    """Ends the command if anything differs, a line for each."""
    if differences:
        raise TopicsError("\n".join(str(each) for each in differences))
