"""The rule sets of the golden vectors."""

from pathlib import Path

from segments.engine import load
from segments.language import (
    Decimal,
    Segment,
    any_event,
    any_of,
    consent,
    days,
    event,
    hours,
    not_,
    page_view,
    product_view,
    profile,
    purchase,
    refund,
    visit,
)

ROOT = Path(__file__).resolve().parents[2]

lines = purchase.items.within(days=30)
views = product_view.within(days=7)

MEASURES = Segment(
    id="measures",
    when=any_of(
        page_view.within(days=1).count() >= 3,
        page_view.within(days=1).count() > Decimal("2.5"),
        purchase.within(days=30).sum(purchase.amount) >= Decimal("499.99"),
        lines.sum(lines.quantity) < 5,
        lines.mean(lines.price) == Decimal("12.345"),
        purchase.within(days=30).mean(purchase.amount).is_in(10, Decimal("10.5")),
        views.max(product_view.category) >= "m",
        views.min(product_view.product_id) != "a",
        refund.within(days=30).distinct(refund.channel) <= 1,
        views.last(product_view.channel).is_in("app", "web", 3),
        any_event.within(days=90).idle >= days(30),
        event("wish").within(days=90).age < hours(36),
        views.max(product_view.category) == 3,
    ),
)

NARROWED = Segment(
    id="narrowed",
    when=[
        page_view.where(
            page_view.attributes["campaign"] == "spring", not_(page_view.page.is_in("/", "/home"))
        )
        .within(days=7)
        .count()
        >= 1,
        purchase.where(any_of(purchase.amount >= 50, purchase.currency != "EUR"), purchase.day > "2026-01-01")
        .within(days=7)
        .count()
        >= 1,
        product_view.by(product_view.product_id)
        .since(purchase.items.same(purchase.items.product_id))
        .within(days=7)
        .count()
        >= 3,
        purchase.items.by(purchase.items.quantity).within(days=7).count() >= 2,
        purchase.by(purchase.amount).within(days=7).count() >= 2,
        page_view.within(days=1).ago(days=7).count() >= 1,
        visit.within(days=7).count() >= 2,
        visit.where(visit.channel == "app").by(visit.page).within(days=7).last(visit.category) == "shoes",
        product_view.since(visit.where(visit.channel == "app")).within(days=1).count() >= 1,
        product_view.by(product_view.page).since(visit.same(visit.page)).within(days=1).count() >= 1,
    ],
    until=purchase.within(days=1).count() >= 1,
)

OF_THE_CUSTOMER = Segment(
    id="of_the_customer",
    when=[
        profile("country") == "NL",
        profile("age") >= 18,
        profile("points") > 9_007_199_254_740_993,
        profile("rate") <= Decimal("0.1"),
        profile("vip") != False,  # noqa: E712 - how a rule says it
        profile("city").is_in("Utrecht", 3, True),
        consent("marketing"),
        not_(NARROWED),
    ],
)

READER = Segment(id="a_reader", when=[OF_THE_CUSTOMER, any_of(MEASURES, not_(consent("sms")))])

CASES: dict[str, tuple[Segment, ...]] = {
    "shipped": load([ROOT / "segments"]).segments,
    "every_condition": (MEASURES, NARROWED, OF_THE_CUSTOMER, READER),
}
"""The rule set of each case."""
