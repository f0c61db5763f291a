"""The leaves of a rule as they stand at an instant, for the oracle: what a flip tells as its evidence."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from segments.language.nodes.arithmetic import Calculated, Term
from segments.language.nodes.borders import Top
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import bound_text, leaf_text, leaves, plain
from segments.language.truth.memory import Memory
from segments.language.truth.oracle import Inside, bound_of, key_of, truth
from segments.language.truth.sides import side_text


def evidence(
    segment: Segment, now: int, memory: Memory, inside: Inside, at: str | None = None
) -> Iterator[dict[str, Any]]:
    """Each leaf of a rule as it stands, at one of its values if it has any."""
    asked = key_of(segment, at) if segment.for_each is not None else None
    for leaf in leaves(segment.when) + leaves(segment.until):
        key, value, true = truth(leaf, now, memory, inside, asked)
        if isinstance(leaf, Calculated):
            yield _sides(leaf, key, value, (now, memory), holds=true)
            continue
        if isinstance(value, Fraction):
            value = Decimal(round(value * 10**6)).scaleb(-6)  # rounds half to even
        text = leaf_text(leaf) + (f"[{plain(key)}]" if key is not None else "")
        shown = None if value is None else plain(value)
        border = (
            bound_of(leaf, memory) if isinstance(leaf, Comparison) and isinstance(leaf.bound, Top) else None
        )
        bound = bound_text(leaf) if border is None else plain(border)
        yield {"measure": text, "value": shown, "bound": bound, "holds": true}


def _sides(
    leaf: Calculated, key: Any, sides: tuple[Any, Any], asked: tuple[int, Memory], *, holds: bool
) -> dict[str, Any]:
    """A calculation as it stands: its two sides, of which the right one is the bound."""
    left, right = sides
    text = leaf_text(leaf) + (f"[{plain(key)}]" if key is not None else "")
    told = None if left is None else side_text(leaf.left, left, key, *asked)
    other = "" if right is None else side_text(leaf.right, right, key, *asked)
    bound = other if isinstance(leaf.right, Term) else bound_text(leaf)
    return {"measure": text, "value": told, "bound": bound, "holds": holds}
