"""Source text of whole conditions: how leaves combine, and when time alone can flip what they make."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from segments.language.nodes.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Consent,
    Not,
    ProfileComparison,
)
from segments.language.nodes.literals import Value
from segments.language.nodes.segment import Segment

Numbers = dict[int, int]
"""The number of each leaf on a measure, by its identity as an object."""


def profile_test(value: Any, operator: str, bound: Value | tuple[Value, ...]) -> bool:
    """An attribute of the profile against a bound: text with text, number with number, boolean with boolean."""
    if operator == "is_in":
        return any(
            profile_test(value, "==", each) for each in (bound if isinstance(bound, tuple) else (bound,))
        )
    if value is None or isinstance(bound, tuple) or _family(value) is not _family(bound):
        return False
    left: Any = value
    right: Any = bound
    if isinstance(value, float):
        # A double means the decimal that it prints as; what is not finite has none.
        left, right = (Decimal(repr(value)), bound) if value - value == 0 else (value, float(bound))
    match operator:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case ">=":
            return bool(left >= right)
        case ">":
            return bool(left > right)
        case "<=":
            return bool(left <= right)
    return bool(left < right)


def _family(value: Any) -> type:
    return bool if isinstance(value, bool) else str if isinstance(value, str) else float


class _Tree:
    """Writes the functions of one rule's tree, one for each node that combines others."""

    def __init__(self, prefix: str, numbers: Numbers, index: dict[str, int]) -> None:
        self.prefix, self.numbers, self.index = prefix, numbers, index
        self.functions: list[str] = []

    def look(self, condition: Condition) -> str:
        """Whether a condition holds, and when to look again, as an expression."""
        match condition:
            case Comparison():
                return f"leaf_{self.numbers[id(condition)]}(c, now)"
            case AllOf(parts) | AnyOf(parts):
                return self._combined(parts, ends=isinstance(condition, AnyOf))
            case Not(inner):
                return self._function(f"holds, at = {self.look(inner)}", "return not holds, at")
        return f"({self._timeless(condition)}, NEVER)"

    def _timeless(self, condition: Condition) -> str | None:
        """Whether a condition holds that time alone never changes, as an expression; None: time may change it."""
        match condition:
            case Segment(id=name):
                return f"c.inside >> {self.index[name]} & 1 == 1"
            case Consent(name):
                return f"c.consents.get({name!r}, False)"
            case ProfileComparison(name, operator, bound):
                return f"profile_test(c.profile.get({name!r}), {operator!r}, {bound!r})"
            case Not(inner):
                text = self._timeless(inner)
                return None if text is None else f"not {text}"
        return None

    def _combined(self, parts: tuple[Condition, ...], *, ends: bool) -> str:
        """*And* turns false with the first part that does, and true not before the last one has; *or* the other way.

        `ends` is what a part must be to decide the whole: True for *or*. One that stays so decides for good.
        """
        timeless = [text for part in parts if (text := self._timeless(part)) is not None]
        timed = [part for part in parts if self._timeless(part) is None]
        lines = [f"if {'' if ends else 'not '}({text}): return {ends}, NEVER" for text in timeless]
        lines.append("first, last = NEVER, None")
        for part in timed:
            lines += [
                f"holds, at = {self.look(part)}",
                f"if {'not ' if ends else ''}holds:",
                "    if at < first: first = at",
                f"elif at >= NEVER: return {ends}, NEVER",
                "elif last is None or at > last: last = at",
            ]
        lines.append(f"return ({not ends}, first) if last is None else ({ends}, last)")
        return self._function(*lines)

    def _function(self, *lines: str) -> str:
        name = f"{self.prefix}_{len(self.functions)}"
        self.functions.append("\n    ".join((f"def {name}(c, now):", *lines)))
        return f"{name}(c, now)"


def rule(place: int, segment: Segment, numbers: Numbers, index: dict[str, int]) -> Iterator[str]:
    """`rule_i` of a segment.

    With `until` it enters by `when` without `until`, and leaves by `until`.
    """
    tree = _Tree(f"rule_{place}", numbers, index)
    enter: Condition = segment.when if segment.until is None else AllOf((segment.when, Not(segment.until)))
    outside = tree.look(enter)
    lines = [f"# {segment.id}", f"def rule_{place}(c, now):"]
    if segment.until is not None:
        within = tree.look(segment.until)
        lines += [
            f"    if c.inside >> {place} & 1:",
            f"        leaves, at = {within}",
            f"        return (False, {outside}[1]) if leaves else (True, at)",
            f"    enters, at = {outside}",
            f"    return (True, {within}[1]) if enters else (False, at)",
        ]
    else:
        lines.append(f"    return {outside}")
    yield from tree.functions
    yield from lines
