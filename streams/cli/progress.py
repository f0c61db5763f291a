"""How far a command has read."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from streams.history.reader import Progress

LINE_SECONDS = 5.0
"""Between two lines of progress where there is no terminal: a log shows that it goes on, and is not filled by it."""


class Lines:
    """Progress for a log: nothing for what is quick, a line every `LINE_SECONDS` for what is not."""

    def __init__(self, length: int, what: str) -> None:
        """Begin with nothing done of `length`."""
        self._length, self._what, self._done = length, what, 0
        self._shown = time.monotonic()

    def __call__(self, count: int) -> None:
        """Count what was done since the last call, and say how far it is if the last line is old enough."""
        self._done += count
        if time.monotonic() - self._shown >= LINE_SECONDS:
            self._shown = time.monotonic()
            click.echo(f"{self._what}: {self._done:,} of {self._length:,}", err=True)


@contextmanager
def bar(length: int, what: str = "reading") -> Iterator[Progress]:
    """A bar on stderr if that is a terminal, else a line every few seconds."""
    if not sys.stderr.isatty():
        yield Lines(length, what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=length)
        yield lambda count: shown.advance(task, count)
