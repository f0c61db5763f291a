"""Stories that chance would hardly tell, for bugs that show in nothing else."""

from segments.language import Segment, any_event, consent, page_view, product_view, purchase, visit
from tests.properties.records import DAY, HOUR, MINUTE, Arrival, click, erase, item, profile, transaction
from tests.properties.stories import Example, Phase


def told(segment: Segment, *arrivals: Arrival) -> Example:
    """Each record by itself, committed before the next."""
    return Example((segment,), 0, tuple(Phase((arrival,), None) for arrival in arrivals))


BOTH = Segment(id="both", when=[page_view.within(days=1).count() >= 1, purchase.within(days=1).count() >= 1])
RICH = Segment(id="rich", when=purchase.within(days=1).sum(purchase.amount) > 100)
FEW = Segment(id="few", when=purchase.items.within(days=1).mean(purchase.items.quantity) > 0)
TWICE = Segment(id="twice", when=visit.within(hours=1).count() >= 2)
SEEN = Segment(id="seen", when=page_view.within(hours=1).count() >= 1)
LAST = Segment(id="last", when=product_view.within(days=1).last(product_view.category) == "new")
PAIR = Segment(id="pair", when=page_view.within(hours=1).count() >= 2)
AGAIN = Segment(
    id="again",
    when=product_view.by(product_view.product_id).since(purchase).within(days=1).count() >= 2,
)
AGREED = Segment(id="agreed", when=[consent("sms"), any_event.within(days=1).count() >= 1])

STORIES = [
    # The same id in two topics is no duplicate.
    told(BOTH, click(0, "page_view", id="same"), transaction(HOUR, id="same")),
    # A mean of 1/128 is 0.0078125, which is rounded to the even digit; one of 2/3 is rounded up.
    told(FEW, transaction(0, items=[item("a"), *(item("b", quantity=0) for _ in range(127))])),
    told(FEW, transaction(0, items=[item("a", quantity=2), item("b", quantity=0), item("b", quantity=0)])),
    # A sum falls to its bound, which is not more than it.
    told(
        RICH, transaction(0, amount=50_00), transaction(HOUR, amount=100_00), click(DAY + 1, "login", "bob")
    ),
    # A visit that can no longer count may still be joined by a late event, which then is none of its own.
    told(TWICE, click(0, "page_view"), click(80 * MINUTE, "page_view"), click(25 * MINUTE, "page_view")),
    # Two visits are joined by a late event between them.
    told(TWICE, click(0, "page_view"), click(50 * MINUTE, "page_view"), click(25 * MINUTE, "page_view")),
    # Thirty minutes after the previous event another visit begins, a millisecond before that none.
    told(TWICE, click(0, "page_view"), click(30 * MINUTE, "page_view")),
    told(TWICE, click(0, "page_view"), click(30 * MINUTE - 1, "page_view")),
    # Of a tie the one applied last is the last, be it late or not.
    told(LAST, click(0, "product_view", category="old"), click(0, "product_view", id="b", category="new")),
    told(
        LAST,
        click(0, "product_view", category="old"),
        click(HOUR, "email_open"),
        click(0, "product_view", id="b", category="new"),
    ),
    # Of three events the first is an hour old, the second lacks a millisecond.
    told(PAIR, click(0, "page_view"), click(1, "page_view"), click(HOUR, "page_view")),
    # What held for a product holds no longer once anything was bought.
    told(
        AGAIN,
        click(0, "product_view", product_id="a"),
        click(MINUTE, "product_view", product_id="a"),
        transaction(2 * MINUTE),
    ),
    # A consent that the next profile does not name is taken back.
    told(AGREED, click(0, "login"), profile(0, consents={"sms": True}), profile(HOUR, consents={})),
    # An erasure is remembered while the clock has not passed its instant and R.
    told(SEEN, erase(0), click(DAY, "login", "bob"), click(0, "page_view")),
    # Something comes to be due sooner than all that was.
    told(SEEN, transaction(0), click(HOUR, "page_view"), click(3 * HOUR, "login", "bob")),
    # An id that comes again once its customer was forgotten is somebody new's.
    told(SEEN, click(0, "page_view", id="same"), click(3 * DAY, "page_view", id="same")),
]
