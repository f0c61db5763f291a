"""`segments settings`: all that can be set."""

import os
from dataclasses import dataclass

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from streams.settings.settings import Settings, about, read_settings, variable
from streams.settings.types import MASK, masked_url


@click.command()
def command() -> None:
    """List all settings: variable, value, default, meaning.

    They come from the environment. Secrets are masked.
    """
    for line in table(rows(read_settings())):
        click.echo(line)


def table(settings: list["Row"]) -> list[str]:
    """The settings in columns as wide as what they hold."""
    cells = [("variable", "value", "default", "meaning")]
    cells += [(row.variable, row.value, row.default, row.meaning) for row in settings]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in cells
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of `segments settings`."""

    variable: str
    value: str
    default: str
    meaning: str


def rows(settings: Settings) -> list[Row]:
    """All settings in words, secrets masked."""
    return [
        Row(variable(name), in_words(getattr(settings, name)), default_in_words(field), about(field).meaning)
        for name, field in Settings.model_fields.items()
    ]


def default_in_words(field: FieldInfo) -> str:
    """A default as one would set it, the same on every machine."""
    return about(field).default or in_words(field.default)


def in_words(value: object) -> str:
    """A value as one would set it; a secret is masked, nothing is a dash."""
    if value is None or value == ():
        return "-"
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return os.pathsep.join(str(part) for part in value)
    text = str(value)
    return masked_url(text) if "://" in text else text
