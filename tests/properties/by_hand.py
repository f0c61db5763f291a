"""Stories that chance would hardly tell, for bugs that show in nothing else."""

from segments.language import Segment, page_view, purchase, visit

from .records import HOUR, MINUTE, Arrival, click, item, transaction
from .stories import Example, Phase


def told(segment: Segment, *arrivals: Arrival) -> Example:
    """Each record by itself, committed before the next."""
    return Example((segment,), 0, tuple(Phase((arrival,), None) for arrival in arrivals))


STORIES = [
    # The same id in two topics is no duplicate.
    told(
        Segment(
            id="both", when=[page_view.within(days=1).count() >= 1, purchase.within(days=1).count() >= 1]
        ),
        click(0, "page_view", id="same"),
        transaction(HOUR, id="same"),
    ),
    # A mean of 1/128 is 0.0078125, which is rounded to the even digit.
    told(
        Segment(id="few", when=purchase.items.within(days=1).mean(purchase.items.quantity) >= 0),
        transaction(0, items=[item("a"), *(item("b", quantity=0) for _ in range(127))]),
    ),
    # A visit that can no longer count may still be joined by a late event, which then is none of its own.
    told(
        Segment(id="twice", when=visit.within(hours=1).count() >= 2),
        click(0, "page_view"),
        click(80 * MINUTE, "page_view"),
        click(25 * MINUTE, "page_view"),
    ),
]
