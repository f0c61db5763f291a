"""The language in which commands speak of rules and customers: `--lang`, else SEGMENTS_LANGUAGE."""

import click

LANGUAGE = click.option(
    "--lang",
    "language",
    type=click.Choice(["en", "nl"]),
    help="English or Dutch. Default: SEGMENTS_LANGUAGE.",
)
