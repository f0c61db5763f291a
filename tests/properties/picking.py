"""All that is random is a choice among a few options: made by Hypothesis, which then shrinks towards the first ones."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from typing import Protocol, TypeVar

from hypothesis import strategies as st

Option = TypeVar("Option")
Made = TypeVar("Made")


class Pick(Protocol):
    """Chooses one of several options; the simplest comes first."""

    def __call__(self, options: Sequence[Option], /) -> Option:
        """One of these."""


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    # A strategy for each number of options is made once: making one costs more than drawing from it.
    return st.integers(0, count - 1)


def picked(make: Callable[[Pick], Made]) -> st.SearchStrategy[Made]:
    """A strategy of what a function makes by picking."""

    @st.composite
    def strategy(draw: st.DrawFn) -> Made:
        def pick(options: Sequence[Option]) -> Option:
            return options[draw(_below(len(options)))] if len(options) > 1 else options[0]

        return make(pick)

    return strategy()


def one_in(pick: Pick, count: int) -> bool:
    """True once in so many times."""
    return pick([False] * (count - 1) + [True])


def several(pick: Pick, most: int, make: Callable[[], Made], least: int = 0) -> list[Made]:
    """A few of what a function makes."""
    return [make() for _ in range(pick(range(least, most + 1)))]


def by_chance(make: Callable[[Pick], Made], count: int, seed: str) -> Iterator[Made]:
    """So many of what a function makes, by plain chance: faster than Hypothesis, and it repeats itself less."""
    random = Random(seed)
    return (make(random.choice) for _ in range(count))
