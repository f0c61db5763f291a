"""Lines of a story that publish a border: `0d border 500`, `0d border "orders.count()" 3`."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from segments.language.errors import Origin, StoryError
from segments.language.nodes.order import reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import borders_in, measure_text

EXAMPLE = "Write, say, 0d border 500."


def borders_read(segment: Segment) -> tuple[str, ...]:
    """The borders that a rule, or one that it reads, is compared with: measure and percentage, each once."""
    own = [f"{measure_text(leaf.measure)} {leaf.bound}" for leaf in borders_in(segment.when, segment.until)]
    others = [each for other in reads(segment) for each in borders_read(other)]
    return tuple(dict.fromkeys([*own, *others]))


def published(words: Sequence[str], known: Sequence[str], origin: Origin) -> tuple[tuple[str, str], ...]:
    """The borders that a line publishes, which are those of the measure that it names, or the rule's only one."""
    *named, value = words or [""]
    names = [each[1:-1] if each[:1] in ('"', "'") else each for each in named]
    if not known:
        raise StoryError("The rule reads no border.", "Leave the line out.", origin)
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or len(names) > 1:
        raise StoryError(f"border {' '.join(words)}: a number was expected.", EXAMPLE, origin)
    met = [each for each in known if not names or names[0] in (each, each.rpartition(" ")[0])]
    if not met or (not names and len(met) > 1):
        mend = " or ".join(f'border "{each}" 500' for each in known)
        raise StoryError(
            "Which border is meant?" if not names else f"There is no border {names[0]}.",
            f"Write {mend}.",
            origin,
        )
    return tuple((each, format(number, "f")) for each in met)
