"""What the language can say and the oracle judge, and the engine of this version cannot do yet: refused, in words."""

from collections.abc import Iterator

from segments.language.nodes.segment import Segment
from segments.language.nodes.text import goal_text, plain

MEND = "Leave it out; a later version runs such a rule."


def check_aim(segment: Segment) -> Iterator[tuple[str, str]]:
    """A problem, and its mend, if the engine cannot watch what comes of an enter, or draw a control group."""
    if segment.aim.goal is not None:
        yield f"goal={goal_text(segment.aim)}: the engine of this version watches no goals.", MEND
    elif segment.aim.control is not None:
        text = plain(segment.aim.control)
        yield f"control={text}: the engine of this version draws no control groups.", MEND


def is_coming(segment: Segment) -> bool:
    """Whether the engine of this version cannot do a rule yet."""
    return any(True for _ in check_aim(segment))
