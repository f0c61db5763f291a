"""What the demo shows: in colour with bars on a terminal, in plain lines elsewhere."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import schemas
from deploy.demo.invent import DAY, HOUR, MINUTE, SECOND
from deploy.demo.log import Flip
from streams.clock import wall_clock

WORDS = {"enter": "[bold green]ENTERS[/]", "exit": "[bold red]LEAVES[/]"}
# Measures that are a duration, the key of a `by` at the end or not.
DURATIONS = re.compile(r"\.(idle|age)(\[.*\])?$")
# Told after each of so many parts where there is no terminal to draw a bar on.
PARTS = 4


class Screen:
    """Everything that the demo prints goes through here."""

    def __init__(self, console: Console | None = None) -> None:
        """Prints on stdout unless it is given another console."""
        # Lines are never broken off where nobody looks: a log is searched, not read.
        width = None if sys.stdout.isatty() else 120
        self.console = console or Console(highlight=False, soft_wrap=True, width=width)

    def act(self, title: str, words: str) -> None:
        """A new part of the demo begins."""
        self.console.print(f"\n[bold]{title}[/]\n{words}")

    def say(self, words: str) -> None:
        """A line, which may have rich's markup."""
        self.console.print(words)

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar; what is yielded is told how many are done in all."""
        if self.console.is_terminal:
            columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=self.console) as bars:
                task = bars.add_task(label, total=total)
                yield lambda done: bars.update(task, completed=done)
        else:
            yield _lines(self, label, total)

    def step(self, customer: str, words: str) -> None:
        """A live customer does something."""
        self.console.print(f"{_clock()}  [cyan]{customer}[/] {words}")

    def flip(self, flip: Flip, latency: str) -> None:
        """A live customer enters or leaves, with the evidence."""
        record = flip.record
        value = "" if record["value"] is None else f" {escape(record['value'])}"
        name = f"[bold]{record['segment']}[/]{value}"
        head = f"{WORDS[record['transition']]} {name}  ({record['reason']}, {latency})"
        self.console.print(f"{_clock()}  [cyan]{record['customer_id']}[/] {head}")
        for leaf in record["evidence"]:
            self.console.print("              " + evidence(leaf))

    def table(self, title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
        """A table; numbers stand to the right."""
        table = Table(title=title, title_justify="left")
        for at, column in enumerate(columns):
            table.add_column(column, justify="right" if at else "left", no_wrap=True)
        for row in rows:
            table.add_row(*map(str, row))
        self.console.print(table)


def evidence(leaf: dict[str, Any]) -> str:
    """One condition as it stood: what was measured, what it came to, the bound, and whether it holds."""
    shown = duration if DURATIONS.search(leaf["measure"]) else str
    value = "nothing" if leaf["value"] is None else shown(leaf["value"])
    mark = "[green]holds[/]" if leaf["holds"] else "[red]does not hold[/]"
    bound = escape(shown(leaf["bound"]))
    return f"[dim]{escape(leaf['measure'])} = {escape(value)}, bound {bound}:[/] {mark}"


def duration(milliseconds: str) -> str:
    """A duration for people: `90d`, `1h 0.5s`; the record itself has milliseconds."""
    left, parts = int(milliseconds), []
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    parts += [f"{left / SECOND:g}s"] if left or not parts else []
    return " ".join(parts)


def _lines(screen: Screen, label: str, total: int) -> Callable[[int], None]:
    told = 0

    def update(done: int) -> None:
        nonlocal told
        part = PARTS * done // total if total else PARTS
        if part > told:
            told = part
            screen.say(f"{label}: {done} of {total}")

    return update


def _clock() -> str:
    return f"[dim]{str(schemas.to_iso(wall_clock()))[11:23]}[/]"
