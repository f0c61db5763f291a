"""The golden case with links: ids that become one customer in a partition, and all that may become of a link.

The oracle knows no links. What it says of one customer who did it all must be what the engine says of the one who goes on.
"""

from collections.abc import Sequence
from typing import Any

from segments.language import Segment, consent, entered, page_view, profile, purchase, visit
from segments.language.catalogue import IDENTITIES
from segments.language.truth.life import Customer
from tests.golden.vectors import through
from tests.properties.drive import Worker
from tests.properties.linked import link
from tests.properties.records import DAY, HOUR, START, Arrival, click, erase, transaction
from tests.properties.records import profile as sent
from tests.properties.stories import Example, Phase

NAME = "linked"
TRANSFERS = "transfers"

VISITS = Segment(id="visits", when=visit.since(purchase).within(days=7).count() >= 3)
PAGES = Segment(
    id="pages",
    for_each=page_view.page,
    when=page_view.by(page_view.page).within(days=7).count() >= 2,
    details={"pages": page_view.within(days=7).values(page_view.page)},
)
BUYER = Segment(
    id="buyer",
    when=purchase.within(days=30).count() >= 1,
    goal=purchase.within(days=3),
    revenue=purchase.amount,
    control=50,
)
READER = Segment(id="reader", when=[profile("interests").has("travel"), consent("marketing")])
LASTING = Segment(
    id="lasting", when=page_view.within(days=7).count() >= 2, until=purchase.within(days=1).count() >= 1
)
AGAIN = Segment(id="again", when=entered(VISITS).within(days=7).count() >= 1)
RULES = (AGAIN, BUYER, LASTING, PAGES, READER, VISITS)
PROMISED = (BUYER, PAGES, READER, VISITS)
"""Those whose segments do not depend on the order of arrival."""


class Joined(Worker):
    """A worker whose partition follows links."""

    @property
    def topics(self) -> Sequence[str]:
        """Those of the example, and that of links."""
        return (*self.example.topics, IDENTITIES.name)

    def made(self) -> Any:
        """A partition over what was committed."""
        settings = self.engine.EngineSettings(grace=self.example.grace, customer_limit=self.example.limit)
        made = self.engine.Partition(0, 1, self.rules, settings, self.store, transfers=TRANSFERS)
        if TRANSFERS not in made.offsets:
            made.begin(TRANSFERS, 0)
        self.ends[TRANSFERS] = 0
        return made


def _seen(at: int, customer: str, page: str) -> Arrival:
    return click(at, "page_view", customer, f"{customer}-{at}", page=page)


def _anna() -> list[Arrival]:
    """What one customer did under four ids; the links come before, amid and after."""
    return [
        _seen(0, "phone", "/shoes"),
        _seen(1 * DAY, "tablet", "/shoes"),
        sent(1 * DAY + HOUR, "phone", lists={"interests": ["travel"]}, consents={"marketing": True}),
        _seen(2 * DAY, "anna", "/hats"),
        transaction(2 * DAY + HOUR, "purchase", 49_95, "phone"),
        _seen(3 * DAY, "kiosk", "/hats"),
        _seen(4 * DAY, "tablet", "/shoes"),
        _seen(5 * DAY, "anna", "/"),
        transaction(5 * DAY + HOUR, "purchase", 10_00, "kiosk"),
        _seen(6 * DAY, "kiosk", "/"),
    ]


LINKS = {"phone": "anna", "tablet": "phone", "kiosk": "anna"}


def arrivals() -> list[Arrival]:
    """Anna, and others of whose links something else becomes."""
    return [
        *_anna(),
        link_(2 * DAY + 1, "phone", "anna", "l1"),
        link_(3 * DAY + 1, "tablet", "phone", "l2"),
        link_(2 * HOUR, "kiosk", "anna", "l3"),
        link_(4 * DAY + 1, "tablet", "anna", "leads there already"),
        link_(4 * DAY + 2, "kiosk", "bob", "somebody else"),
        link_(4 * DAY + 3, "bob", "bob", "into itself"),
        link_(4 * DAY + 4, "nobody", "bob", "of whom nothing is known"),
        link_(4 * DAY + 5, "ring-a", "ring-b", "half a ring"),
        link_(4 * DAY + 6, "ring-b", "ring-a", "a ring"),
        _seen(4 * DAY + 7, "ring-b", "/"),
        _seen(4 * DAY + 8, "lent", "/"),
        link_(4 * DAY + 9, "lent", "bob", "for a while"),
        link_(4 * DAY + 10, "lent", "bob", "no more", "unlink"),
        link_(4 * DAY + 11, "lent", "anna", "not linked", "unlink"),
        _seen(4 * DAY + 12, "lent", "/"),
        link_(4 * DAY + 9, "lent", "bob", "older than its unlink"),
        _seen(4 * DAY + 13, "gone", "/"),
        link_(4 * DAY + 14, "gone", "bob", "soon erased"),
        erase(4 * DAY + HOUR, "gone"),
        _seen(4 * DAY + 2 * HOUR, "gone", "/"),
        _seen(4 * DAY + 3 * HOUR, "bob", "/"),
    ]


def link_(at: int, customer: str, into: str, id: str, action: str = "link") -> Arrival:
    """A link, so many milliseconds after the beginning."""
    return link(START + at, customer, into, id, action)


def case() -> Example:
    """Everything in two phases: the second one begins with what the first one has committed."""
    every = sorted(arrivals(), key=lambda each: each.timestamp)
    half = len(every) // 2
    end = click(9 * DAY, "email_open", "anna", "last")
    return Example(RULES, 0, (Phase(tuple(every[:half]), None), Phase((*every[half:], end), None)))


def lived() -> Joined:
    """The case, lived through."""
    worker = Joined(case())
    through(worker)
    return worker


def differences(worker: Worker) -> list[str]:
    """The segments that Anna is in by only one of the oracle, as one customer who did it all, and the engine."""
    customer = Customer(PROMISED, name="anna")
    for offset, each in enumerate(_anna()):
        customer.apply(each.step(offset), each.time)
    end = case().phases[1].arrivals[-1]
    customer.apply(end.step(len(_anna())), end.time)
    (*_, last) = worker.output.memberships["anna"]
    named = {each.id for each in PROMISED}
    held = {(each["segment"], each["value"]) for each in (last or {"segments": []})["segments"]}
    found = {place for place in held if place[0] in named}
    return [str(place) for place in sorted(found ^ set(customer.inside), key=str)]
