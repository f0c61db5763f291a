"""What a foreign schema may look like at most: a registry is not trusted, and what it sends must not keep us busy."""

from collections.abc import Iterator
from typing import Any

from schemas.errors import SchemaError

DEEPEST = 64
"""Levels of types within types; a tenth of what Python's stack allows to those who walk them."""
MOST_PARTS = 10_000
"""The largest number of JSON values in a schema, parsed in less than a tenth of a second; our largest has 200."""
MOST_BRANCHES = 100
"""Branches of a union: each is a branch in the code of the reader too."""
LARGEST_FIXED = 1_048_576
"""Bytes: no event is longer."""
LARGEST_PRECISION = 152
"""Digits: what 63 bytes hold, the most that are read of a decimal."""


def check(schema: Any) -> None:
    """Raises SchemaError for a schema that is too large, or whose sizes are none."""
    left = [(schema, 0)]
    for count, (part, depth) in enumerate(_popped(left)):
        if count >= MOST_PARTS or depth > DEEPEST:
            limit = f"{MOST_PARTS} parts" if count >= MOST_PARTS else f"{DEEPEST} levels"
            raise SchemaError(f"a schema of more than {limit}")
        if isinstance(part, dict):
            _check_sizes(part)
            left += [(each, depth + 1) for each in part.values()]
        elif isinstance(part, list):
            left += [(each, depth + 1) for each in part]


def check_union(branches: list[Any], at: str) -> None:
    """Raises SchemaError for a union with too many branches, or two that nothing tells apart."""
    if not branches:
        raise SchemaError(f"{at}: a union without branches")
    if len(branches) > MOST_BRANCHES:
        raise SchemaError(f"{at}: a union of {len(branches)} branches: at most {MOST_BRANCHES} are read")
    kinds = [each if isinstance(each, str) else each.get("name", each["type"]) for each in branches]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise SchemaError(f"{at}: a union with {twice} in it twice")


def _popped(left: list[tuple[Any, int]]) -> Iterator[tuple[Any, int]]:
    while left:
        yield left.pop()


def _check_sizes(part: dict[str, Any]) -> None:
    """The size of a fixed, the precision and scale of a decimal."""
    if part.get("type") == "fixed":
        _check_number(part.get("size"), "the size of a fixed", LARGEST_FIXED)
    if part.get("logicalType") == "decimal":
        _check_number(part.get("precision"), "the precision of a decimal", LARGEST_PRECISION)
        _check_number(part.get("scale", 0), "the scale of a decimal", part["precision"])


def _check_number(number: Any, what: str, most: int) -> None:
    if type(number) is not int or not 0 <= number <= most:
        raise SchemaError(f"{what} is {number!r:.40}: a whole number from 0 to {most} was expected")
