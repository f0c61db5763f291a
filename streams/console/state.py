"""In which state a page is, and why: loading, ready, empty, error or partial."""

from dataclasses import dataclass
from typing import Literal

from streams.console.reader import Progress

Name = Literal["loading", "ready", "empty", "error", "partial"]


@dataclass(frozen=True, slots=True)
class State:
    """What `<main data-state>` says, with what is told about it."""

    name: Name
    as_of: int | None
    problem: str | None = None
    done: int = 0
    total: int = 0
    partitions: tuple[int, ...] = ()
    """Those that nobody serves."""


def state_of(progress: Progress, unserved: tuple[int, ...], *, empty: bool) -> State:
    """The state of a page that shows what was read along."""
    name: Name = "ready"
    if progress.problem is not None:
        name = "error"
    elif progress.loading:
        name = "loading"
    elif unserved:
        name = "partial"
    elif empty:
        name = "empty"
    return State(name, progress.as_of, progress.problem, progress.read, progress.total, unserved)
