"""The language in which commands speak of rules and customers: `--lang`, else SEGMENTS_LANGUAGE; or their notation."""

import click

LANGUAGE = click.option(
    "--lang",
    "language",
    type=click.Choice(["en", "nl"]),
    help="English or Dutch. Default: SEGMENTS_LANGUAGE.",
)
NOTATION = click.option(
    "--notation", is_flag=True, help="Show measures and conditions as a rule writes them, not in words."
)
