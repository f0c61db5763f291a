"""A topic as an argument: one of ours, or that of a profile source."""

from collections.abc import Sequence
from typing import Any

import click

from segments.language.catalogue import SOURCE


class TopicName(click.ParamType):
    """One of these topics, or `profiles-NAME`."""

    name = "topic"

    def __init__(self, topics: Sequence[str]) -> None:
        """The topics that have names of their own."""
        self._topics = tuple(topics)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - as click calls it
        """The names, as a choice shows them."""
        return f"[{'|'.join(self._topics)}|{SOURCE}NAME]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; anything else is a usage error."""
        topic = str(value)
        if topic not in self._topics and not (topic.startswith(SOURCE) and topic != SOURCE):
            self.fail(f"{topic!r} is none of {', '.join(self._topics)}, or {SOURCE}NAME.", param, ctx)
        return topic
