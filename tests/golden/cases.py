"""The cases: rule sets, settings and stories of the golden vectors."""

from functools import cache
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
from segments.language.stories.reader import read_stories
from tests.properties.coverage import Coverage
from tests.properties.model import World
from tests.properties.picking import by_chance
from tests.properties.records import MINUTE, START, Arrival, erase
from tests.properties.records import profile as sent
from tests.properties.running import LEAST
from tests.properties.stories import Example, Phase, afterwards, arrivals_to, example

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "golden"

DRAWN = 12
"""Cases drawn at random; of `LEAST` those that meet most of what the ones before did not."""

_lines = purchase.items.within(days=30)
_views = product_view.within(days=7)

MEASURES = Segment(
    id="measures",
    when=any_of(
        page_view.within(days=1).count() >= 3,
        page_view.within(days=1).count() > Decimal("2.5"),
        purchase.within(days=30).sum(purchase.amount) >= Decimal("499.99"),
        [_lines.sum(_lines.quantity) < 5, any_event.within(days=1).count() >= 1],
        _lines.mean(_lines.price) == Decimal("12.345"),
        purchase.within(days=30).mean(purchase.amount).is_in(10, Decimal("10.5")),
        _views.max(product_view.category) >= "m",
        _views.min(product_view.product_id) != "a",
        [refund.within(days=30).distinct(refund.channel) <= 1, any_event.within(days=1).count() >= 2],
        _views.last(product_view.channel).is_in("app", "web", 3),
        any_event.within(days=90).idle >= days(30),
        event("wish").within(days=90).age < hours(36),
        _views.max(product_view.category) == 3,
    ),
)

NARROWED = Segment(
    id="narrowed",
    when=any_of(
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
        visit.where(visit.channel == "app").by(visit.page).within(days=7).last(visit.category) == "x",
        product_view.since(visit.where(visit.channel == "app")).within(days=1).count() >= 1,
        product_view.by(product_view.page).since(visit.same(visit.page)).within(days=1).count() >= 1,
    ),
)

OF_THE_CUSTOMER = Segment(
    id="of_the_customer",
    when=[
        profile("country") == "NL",
        profile("age") >= 18,
        not_(profile("points") > 9_007_199_254_740_993),
        any_of(profile("rate") <= Decimal("0.1"), profile("vip") != False),  # noqa: E712 - how a rule says it
        profile("city").is_in("Utrecht", 3, True),
        consent("marketing"),
    ],
    until=any_of(purchase.within(days=1).count() >= 2, not_(consent("marketing"))),
)

READER = Segment(id="a_reader", when=[OF_THE_CUSTOMER, any_of(MEASURES, not_(consent("sms")), NARROWED)])

VERSIONS = {
    "birthday_this_week": "4f6c00769222",
    "cart_abandoned": "0b03a51d8637",
    "category_enthusiast": "5c62dea72c68",
    "checkout_abandoned": "1d49ab12183f",
    "first_purchase": "1b4c5e960f14",
    "frequent_buyer": "3d2b36e06d5a",
    "high_value": "93dee0699c84",
    "inactive_90_days": "7fcda343dca2",
    "lapsed_high_value": "04780851555b",
    "interested_in_category": "8d0e359bb36c",
    "journey": "7711dd1ba7f2",
    "late_by_own_habit": "3ef20f6a9c23",
    "loyal_to_a_category": "b9fe3749d10d",
    "returner": "d5496c62acb8",
    "same_product_viewed_three_times": "6c89b0b63bbb",
    "spends_more_than_last_month": "ba821a370326",
    "three_visits_without_conversion": "306d1e067004",
    "unread_mail": "fdc31484d893",
}
"""The shipped rules of the golden case, with the version that each was released with.

A version that changes makes every customer flip by `rule_changed`, or none where the meaning changed. A rule that is added
needs no line here.
"""
SHIPPED = tuple(each for each in load([ROOT / "segments"]).segments if each.id in VERSIONS)
EVERY_CONDITION = (MEASURES, NARROWED, OF_THE_CUSTOMER, READER)
OF_SOURCES = (
    Segment(id="agrees", when=consent("marketing")),
    Segment(id="dutch", when=profile("country") == "NL"),
)


@cache
def told() -> dict[str, Example]:
    """The examples that are told here, by the name of their case."""
    return {"shipped": _shipped(), "every_condition": _every_condition(), "sources": _sources()}


def drawn() -> dict[str, Example]:
    """Other examples each time that the properties draw something more: what was drawn once stays as it was written."""
    return {f"drawn_{number:02}": each for number, each in enumerate(_drawn(), 1)}


def _shipped() -> Example:
    """The stories of the rules shipped, each lived by a customer of its own, all in one partition."""
    segments = SHIPPED
    arrivals = [each for segment in segments for each in _lived(segment)]
    arrivals.sort(key=lambda each: each.timestamp)
    return _example(segments, arrivals, 2_000)


def _lived(segment: Segment) -> list[Arrival]:
    arrivals = []
    for number, story in enumerate(read_stories(segment, "EUR")):
        customer = f"{segment.id}-{number}"
        for line in story.lines:
            if line.event is not None:
                event = line.event.record
                event = None if event is None else event | {"customer_id": customer}
                arrivals.append(Arrival(line.event.topic, customer, event, START + line.at))
    return arrivals


def _every_condition() -> Example:
    segments = EVERY_CONDITION
    arrivals: list[Arrival] = []
    for number, drawn in enumerate(by_chance(lambda pick: arrivals_to(pick, segments), 12, "golden")):
        known = {"country": "NL", "age": 31.0, "rate": 0.1, "city": "Utrecht"}
        arrivals += [*drawn, sent(number * 1_000, id=f"p{number}", consents={"marketing": True}, **known)]
    arrivals.append(erase(10_000, "bob"))
    return _example(segments, arrivals, 1)


def _sources() -> Example:
    """Three sources of profiles that contradict each other: a no of any is a no, of an attribute the later one counts."""
    told = (
        ("profiles", 0, True, "NL"),
        ("profiles-crm", 1, False, "BE"),
        ("profiles-shop", 2, True, "NL"),
        ("profiles", 3, True, "BE"),
        ("profiles-crm", 4, True, "NL"),
        ("profiles-shop", 4, None, "BE"),
        ("profiles", 5, None, None),
        ("profiles-crm", 6, None, None),
    )
    arrivals = []
    for number, (topic, minute, given, country) in enumerate(told):
        consents = {} if given is None else {"marketing": given}
        known = {} if country is None else {"country": country}
        at = minute * MINUTE
        arrivals.append(sent(at, "ann", f"s{number}", 0, topic, consents=consents, **known))
    return _example(OF_SOURCES, arrivals, 1)


def _example(segments: tuple[Segment, ...], arrivals: list[Arrival], grace: int) -> Example:
    half = len(arrivals) // 2
    parts = [*arrivals[:half]], [*arrivals[half:], afterwards(segments, arrivals)]
    return Example(segments, grace, tuple(Phase(tuple(part), None) for part in parts))


def _drawn() -> list[Example]:
    """Examples at random, chosen one after the other for what they meet."""
    cells = []
    for drawn in by_chance(example, LEAST, "golden"):
        coverage, world = Coverage(), World(drawn)
        world.run()
        coverage.add(drawn, world)
        cells.append((drawn, set(coverage.cells)))
    met, chosen = set[tuple[str, str]](), list[Example]()
    for _ in range(DRAWN):
        best, found = max(cells, key=lambda each: len(each[1] - met))
        met |= found
        chosen.append(best)
    return chosen
