"""How far a command has read."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

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
def bar(length: int, what: str = "reading") -> Iterator[Callable[[int], None]]:
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


class Rewritten:
    """What takes long, on stderr: one line that is rewritten on a terminal, a line for each report elsewhere."""

    def __init__(self) -> None:
        self._rewrites = sys.stderr.isatty()
        self._said = False

    def __call__(self, line: str) -> None:
        """Shows the line."""
        if self._rewrites:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        else:
            click.echo(line, err=True)
        self._said = True

    def end(self) -> None:
        """Leaves the line, so that what follows begins on the next one."""
        if self._rewrites and self._said:
            click.echo("", err=True)
