"""What the language can say and the oracle judge, and the engine of this version cannot do yet: refused, in words."""

from collections.abc import Iterator

from segments.language.errors import Origin
from segments.language.nodes.arithmetic import Calculated
from segments.language.nodes.conditions import Condition
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import goal_text, leaf_text, leaves, plain

MEND = "Leave it out; a later version runs such a rule."
MEND_CALCULATION = "Compare each measure with a number of its own; a later version runs such a rule."


def check_coming(leaf: Condition) -> Iterator[tuple[Origin, str, str, bool]]:
    """A fault for each thing that the engine cannot do yet."""
    if isinstance(leaf, Calculated):
        problem = f"{leaf_text(leaf)}: the engine of this version does not calculate with measures."
        yield leaf.origin, problem, MEND_CALCULATION, True


def check_aim(segment: Segment) -> Iterator[tuple[str, str]]:
    """A problem, and its mend, if the engine cannot watch what comes of an enter, or draw a control group."""
    if segment.aim.goal is not None:
        yield f"goal={goal_text(segment.aim)}: the engine of this version watches no goals.", MEND
    elif segment.aim.control is not None:
        text = plain(segment.aim.control)
        yield f"control={text}: the engine of this version draws no control groups.", MEND


def is_coming(segment: Segment) -> bool:
    """Whether the engine of this version cannot do a rule yet."""
    if any(check_aim(segment)):
        return True
    return any(True for leaf in leaves(segment.when) + leaves(segment.until) for _ in check_coming(leaf))
