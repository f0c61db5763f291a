"""Source text of whole conditions: how leaves combine, and when time alone can flip what they make."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from segments.language.conditions import AllOf, AnyOf, Comparison, Condition, Consent, Not, ProfileComparison
from segments.language.fields import Value
from segments.language.segment import Segment

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
    right: Any = float(bound) if isinstance(bound, Decimal) else bound
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

    def holds(self, condition: Condition) -> str:
        match condition:
            case Comparison():
                return f"holds_{self.numbers[id(condition)]}(c, now)"
            case AllOf(parts):
                return f"({' and '.join(map(self.holds, parts))})"
            case AnyOf(parts):
                return f"({' or '.join(map(self.holds, parts))})"
            case Not(inner):
                return f"(not {self.holds(inner)})"
            case Segment(id=name):
                return f"(c.inside >> {self.index[name]} & 1 == 1)"
            case Consent(name):
                return f"c.consents.get({name!r}, False)"
            case ProfileComparison(name, operator, bound):
                return f"profile_test(c.profile.get({name!r}), {operator!r}, {bound!r})"
        raise TypeError(condition)

    def change(self, condition: Condition) -> str:
        """An instant before which the condition can't change by time alone, as an expression."""
        match condition:
            case Comparison():
                return f"upcoming_{self.numbers[id(condition)]}(c, now)"
            case Not(inner):
                return self.change(inner)
            case AllOf(parts) | AnyOf(parts):
                return self._combined(parts, stays=isinstance(condition, AnyOf))
        return "NEVER"

    def _combined(self, parts: tuple[Condition, ...], *, stays: bool) -> str:
        """*And* turns false with the first part that does, and true not before the last one has; *or* the other way."""
        timed = [(self.holds(part), self.change(part)) for part in parts]
        if all(change == "NEVER" for _, change in timed):
            return "NEVER"
        name = f"{self.prefix}_change_{len(self.functions)}"
        lines = [f"def {name}(c, now):", "    first, last, blocked = NEVER, 0, False"]
        for holds, change in timed:
            lines += [
                f"    at = {change}",
                f"    if {'not ' if stays else ''}{holds}:",
                "        if at < first: first = at",
                "    else:",
                "        blocked = True",
                "        if at > last: last = at",
            ]
        lines.append("    return last if blocked else first")
        self.functions.append("\n".join(lines))
        return f"{name}(c, now)"


def rule(place: int, segment: Segment, numbers: Numbers, index: dict[str, int]) -> Iterator[str]:
    """`rule_i`, `wake_i` and `flip_i` of a segment.

    With `until` it enters by `when` without `until`, and leaves by `until`.
    """
    tree = _Tree(f"rule_{place}", numbers, index)
    enter: Condition = segment.when if segment.until is None else AllOf((segment.when, Not(segment.until)))
    inside = f"c.inside >> {place} & 1"
    stay = tree.holds(enter) if segment.until is None else f"not {tree.holds(segment.until)}"
    body = f"return {tree.holds(enter)}"
    if segment.until is not None:
        body = f"if {inside}: return {stay}\n    {body}"
    outside, within = tree.change(enter), None if segment.until is None else tree.change(segment.until)
    yield from tree.functions
    yield f"# {segment.id}\ndef rule_{place}(c, now):\n    {body}"
    change = f"now = {outside}" if within is None else f"now = {within} if inside else {outside}"
    yield f"def wake_{place}(c, now):\n    inside = {inside} == 1\n    {change.replace('now = ', 'return ')}"
    yield (
        f"def flip_{place}(c, now):\n    inside = {inside} == 1\n    while True:\n        {change}\n"
        f"        if now >= NEVER or rule_{place}(c, now) != inside: return now"
    )
