"""How far a command has read."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from streams.history.reader import Progress


@contextmanager
def bar(length: int, what: str = "reading") -> Iterator[Progress]:
    """A bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=length)
        yield lambda count: shown.advance(task, count)
