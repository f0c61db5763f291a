"""`segments convert`: a table of a shop's own, as CSV, to JSON lines."""

import click

from streams.cli.topic_name import TopicName
from streams.cli.visible import json_line, visible
from streams.conversion.mapping import MappingError, columns, fields_of, pairs, topic_of
from streams.conversion.rows import DELIMITERS, Conversion, RowError, read
from streams.conversion.values import Reading
from streams.kafka.topics import INPUTS
from streams.settings.settings import read_settings
from streams.settings.types import zone_of


@click.command(name="convert")
@click.argument("file", metavar="FILE.csv", type=click.Path(exists=True, dir_okay=False))
@click.option("--map", "maps", metavar="FIELD=COLUMN,…", multiple=True, help="Which column is which field.")
@click.option(
    "--topic",
    type=TopicName(INPUTS),
    help="Default: the one that has the fields of the map.",
)
@click.option(
    "--set", "constants", metavar="FIELD=VALUE,…", multiple=True, help="A value that all rows have."
)
@click.option(
    "--dates", type=click.Choice(["day-first", "month-first"]), help="How dates such as 5-11-2026 are meant."
)
@click.option(
    "--decimal", type=click.Choice(["comma", "point"]), help="The decimal sign of amounts such as 1.234."
)
@click.option("--delimiter", type=click.Choice(list(DELIMITERS)), help="Default: told by the first line.")
@click.option("--encoding", default="utf-8-sig", show_default="utf-8", help="Such as cp1252, of older Excel.")
@click.option("--skip-bad", is_flag=True, help="Report wrong rows and go on; without it the first one stops.")
def command(
    file: str,
    maps: tuple[str, ...],
    topic: str | None,
    constants: tuple[str, ...],
    dates: str | None,
    decimal: str | None,
    delimiter: str | None,
    encoding: str,
    skip_bad: bool,
) -> None:
    """Make JSON lines of FILE.csv, in order of time, for `segments try`, `replay` and `produce`.

    The first line of the file names its columns. --map customer_id=klant says which column is which field; a
    column that has the name of a field needs no word. attributes.NAME=COLUMN fills a map (of a profile
    attributes.NAME:number and :yesno too), consents.NAME=COLUMN a consent, items.product_id=COLUMN the lines of
    an order, of which there may be several rows.

    A date without a time is the start of that day in the zone SEGMENTS_TIMEZONE; times without an offset are of
    that zone. What can be read in two ways is refused until an option decides. Where no column has it, event_id
    is made from the row, the same each time; order_id is the event_id; kind is purchase, or page_view;
    currency is SEGMENTS_CURRENCY.
    """
    settings = read_settings()
    skipped: list[RowError] = []
    try:
        with open(file, encoding=encoding, newline="") as text:  # noqa: PTH123 - the name is for messages
            header, rows = read(text, delimiter)
    except (UnicodeDecodeError, LookupError) as error:
        raise RowError(f"{file}: {error}; say --encoding cp1252, or which one it is") from None
    mapped, fixed = pairs(maps), pairs(constants)
    topic = topic or topic_of([*mapped, *fixed])
    conversion = Conversion(
        topic,
        columns(topic, header, mapped),
        Reading(zone_of(settings.timezone), dates, decimal),  # type: ignore[arg-type]  # click has checked them
        _constants(topic, settings.currency) | _known(topic, fixed),
        file,
    )

    def wrong(error: RowError) -> None:
        if not skip_bad:
            raise error
        skipped.append(error)
        click.echo(f"skipped: {visible(str(error))}", err=True)

    for line in conversion.records(rows, wrong):
        click.echo(json_line(line))
    click.echo(f"{len(rows):,} rows of {file}, {len(skipped):,} skipped", err=True)


def _constants(topic: str, currency: str) -> dict[str, str]:
    """What a record has where no column tells it."""
    if topic == "transactions":
        return {"kind": "purchase", "currency": currency}
    return {"kind": "page_view"} if topic == "clickstream" else {}


def _known(topic: str, constants: dict[str, str]) -> dict[str, str]:
    unknown = [name for name in constants if name not in fields_of(topic)]
    if unknown:
        raise MappingError(f"--set {unknown[0]}: {topic} has {', '.join(fields_of(topic))}")
    return constants
