"""Which keys of a `by` condition hold, kept between events: an event looks at its own key, not at all of them.

Hot path, and only in memory: it is derived from the streams, and made anew when a customer is loaded. Measured with 300
products of one customer: 260 µs an event without it, 9 with it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from segments.engine.records import NEVER

Look = Callable[[Any], tuple[bool, int]]
"""Whether a key holds, and an instant before which that can't change by time alone."""


class Held:
    """The keys of one leaf that hold, and when time alone may change that, as of an instant."""

    __slots__ = ("at", "changes", "holding", "last", "longest", "soonest", "stale")

    def __init__(self) -> None:
        self.at = -NEVER
        self.holding: set[Any] = set()
        self.changes: dict[Any, int] = {}
        self.last: Any = None
        """Of the keys that hold the one that does so longest; None: not known."""
        self.longest = NEVER
        """Until when that one does."""
        self.soonest = NEVER
        """An instant before which none of them changes; may be early."""
        self.stale: set[Any] = set()
        """Keys of which something was heard since."""

    def ask(self, now: int, look: Look, *, ahead: bool) -> tuple[bool, int]:
        """Whether any key holds, and when that may change; `ahead`: as a question about a later instant."""
        due = self.stale
        if now >= self.soonest:
            due = due | {key for key, change in self.changes.items() if change <= now}
        if ahead and due:
            return self._foreseen(due, look)
        if due:
            self.learn(due, now, look)
        if now >= self.soonest:
            self.soonest = min(self.changes.values(), default=NEVER)
        return bool(self.holding), self.upcoming()

    def upcoming(self) -> int:
        """An instant before which the whole can't change: it holds until the last key that holds has ceased to."""
        if not self.holding:
            return min(self.changes.values(), default=NEVER)
        if self.last is None:
            self.last = max(self.holding, key=self._change)
            self.longest = self._change(self.last)
        return self.longest

    def _change(self, key: Any) -> int:
        return self.changes.get(key, NEVER)

    def learn(self, keys: Iterable[Any], now: int, look: Look) -> None:
        """Look at these keys again."""
        for key in keys:
            holds, change = look(key)
            if change < NEVER:
                self.changes[key] = change
                self.soonest = min(self.soonest, change)
            else:
                self.changes.pop(key, None)
            (self.holding.add if holds else self.holding.discard)(key)
            if holds and self.last is not None and change >= self.longest:
                self.last, self.longest = key, change
            elif key == self.last:
                self.last = None
        self.stale.clear()
        self.at = now

    @classmethod
    def over(cls, keys: Iterable[Any], now: int, look: Look) -> tuple[bool, int]:
        """As `ask`, with nothing kept."""
        new = cls()
        new.learn(list(keys), now, look)
        return bool(new.holding), new.upcoming()

    def _foreseen(self, due: set[Any], look: Look) -> tuple[bool, int]:
        looks = [look(key) for key in due]
        looks += [(True, self.changes.get(key, NEVER)) for key in self.holding if key not in due]
        holding = [change for holds, change in looks if holds]
        if holding:
            return True, max(holding)
        rest = [change for key, change in self.changes.items() if key not in due]
        return False, min([*rest, *(change for _, change in looks)], default=NEVER)


def held(
    store: dict[int, Held], number: int, now: int, keys: Iterable[Any], look: Look, *, ahead: bool
) -> tuple[bool, int]:
    """Whether any key of a leaf holds, and when that may change; of a question about later nothing is kept."""
    kept = store.get(number)
    if kept is not None and now >= kept.at:
        return kept.ask(now, look, ahead=ahead)
    if ahead:
        return Held.over(keys, now, look)
    kept = store[number] = Held()
    kept.learn(list(keys), now, look)
    return bool(kept.holding), kept.upcoming()
