"""Whose each record is, where ids became one customer: by the links and erasures of a history, without an engine.

As one customer who did it all: a record counts for the id under which its own id goes on, whether it came before or
after the link. Links take their places by `occurred_at`. A redirect is not forgotten however long nothing passes it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ALWAYS, NEVER = -(1 << 60), 1 << 60
"""Instants in milliseconds, before and after all others."""
MOST = 100
"""Ids that are merged into one, as the workers merge them; further ones are customers of their own."""


@dataclass(slots=True)
class _Spell:
    """A time in which an id leads to one other id, or to none."""

    until: int = NEVER
    """The last instant of it: that of an `unlink`, or of an erasure."""
    into: str | None = None
    since: int = NEVER
    """The instant of the link."""


class Owners:
    """Under which id each record counts."""

    def __init__(
        self, links: Iterable[Mapping[str, Any]] = (), erasures: Iterable[tuple[str, int]] = ()
    ) -> None:
        """`links` as the records of `identities` have them; `erasures`: ids, each with the instant of the null."""
        self._spells: dict[str, list[_Spell]] = {}
        self._unlinked: dict[str, int] = {}
        self.erased: dict[str, int] = {}
        """The latest erasure of an id, by its own null or that of another id of the customer, in milliseconds."""
        self._had: dict[str, dict[str, _Spell]] = {}
        """By an id that goes on: those that were merged into it, each with the spell in which it was."""
        acts: list[tuple[int, int, Mapping[str, Any] | str]] = [
            (each["occurred_at"], 0, each) for each in links
        ]
        acts += [(at, 1, name) for name, at in erasures]
        for at, _, act in sorted(acts, key=lambda each: each[:2]):
            if isinstance(act, str):
                self._erase(act, at)
            elif act["action"] == "unlink":
                self._unlink(act["customer_id"], act["into"], at)
            elif act["action"] == "link":
                self._link(act["customer_id"], act["into"], at)

    def owner(self, name: str, at: int) -> str:
        """The id that a record of an id counts for, by its instant in milliseconds."""
        passed = set[str]()
        while (spells := self._spells.get(name)) is not None and name not in passed:
            spell = spells[bisect_left(spells, at, key=lambda each: each.until)]
            if spell.into is None:
                break
            passed.add(name)
            name, at = spell.into, max(at, spell.since)
        return name

    def _end(self, name: str) -> str:
        """Where an id leads now."""
        return self.owner(name, NEVER)

    def _link(self, name: str, into: str, at: int) -> None:
        spell = self._spells.setdefault(name, [_Spell()])[-1]
        if name == into or at <= self._unlinked.get(name, ALWAYS) or spell.into is not None:
            return  # A second link either leads there already, or is a conflict.
        own = {**self._had.get(name, {}), name: spell}
        end = self._end(into)
        if end == name:
            # The smallest id of a ring, by its bytes, goes on as itself.
            end = min(self._ring(name, into), key=str.encode)
        elif len({*self._had.get(end, ()), *own}) > MOST:
            return
        spell.into, spell.since = into, at
        if end in own or self._spells.get(end, [_Spell()])[-1].into is not None:
            last = self._spells[end][-1]
            last.into, last.since = None, NEVER
        self._had.pop(name, None)
        own.pop(end, None)
        self._had.setdefault(end, {}).update(own)

    def _ring(self, name: str, into: str) -> list[str]:
        """The ids of the ring that a link closes."""
        ring = [name]
        while into != name:
            ring.append(into)
            into = self._spells[into][-1].into or name
        return ring

    def _unlink(self, name: str, into: str, at: int) -> None:
        spells = self._spells.get(name, [])
        if spells and spells[-1].into == into:
            self._end_spell(name, at)
            self._unlinked[name] = at

    def _end_spell(self, name: str, at: int) -> None:
        self._spells[name][-1].until = at
        self._spells[name].append(_Spell())

    def _erase(self, name: str, at: int) -> None:
        end = self._end(name)
        gone = self._had.pop(end, {})
        while name != end:
            spell = self._spells[name][-1]
            gone[name], name = spell, spell.into or end
        self.erased[end] = at
        for each, spell in gone.items():
            if self._spells[each][-1] is spell and spell.into is not None:
                self._end_spell(each, at)
                self.erased[each] = at
