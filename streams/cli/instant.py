"""The instants that commands take as options."""

from typing import Any

import click

import schemas


class Instant(click.ParamType):
    """An instant: ISO 8601, or milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """In milliseconds."""
        try:
            return schemas.from_iso(int(value) if str(value).lstrip("-").isdigit() else value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
