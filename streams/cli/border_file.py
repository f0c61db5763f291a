"""Borders of a file: what `segments borders show --json` printed, for commands that read events of a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from segments.engine import Border
from segments.plan.borders import borders_of
from streams.errors import StreamsError


def borders_option(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --borders, with what holds without it."""
    return click.option(
        "--borders",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"The borders published: a file that `segments borders show --json` wrote. {default}",
    )


BORDERS = borders_option("Without it such rules are false.")


class NoBorders(StreamsError):
    """A file has no borders."""


def read_borders(file: Path | None) -> tuple[Border, ...]:
    """The borders of such a file; none without one. Raises NoBorders for anything else."""
    if file is None:
        return ()
    try:
        told: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["borders"]
        # When it was taken decides nothing.
        return borders_of([{"customers": 0, **each, "taken_at": 0} for each in told])
    except (ValueError, KeyError, TypeError) as error:
        raise NoBorders(
            f"{file}: {error!r}. An object with `borders` was expected, as `segments borders show --json` prints it."
        ) from None
