"""The last act: a few invented customers, before one's eyes.

Rules think in hours, days and months; who watches has a minute. So some events are *late*: they say that they
occurred an hour or 90 days ago, as an event does that a phone held back, and time does the rest. Bram's cart
was filled so long ago that its hour of silence ends half a minute from now: no event then, only time, and he
enters. Nothing else is special about these events; each is sent through Kafka when the screen says so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploy.demo.invent import DAY, HOUR, MINUTE, SECOND, Line
from deploy.demo.silence import silence

# A step comes at a fraction of the time that the act lasts; a minute by default.
Moment = float


@dataclass(frozen=True, slots=True)
class Step:
    """One event: when it is sent, how long before that it occurred, and what the screen says."""

    at: Moment
    customer: str
    words: str
    line: Line
    ago: int = 0


@dataclass(frozen=True, slots=True)
class Announced:
    """A flip that the script promises."""

    customer: str
    segment: str
    transition: str


def script(length: int) -> list[Step]:
    """The steps in order of time, for an act that lasts `length` milliseconds."""
    scenes: tuple[Callable[[int], Iterable[Step]], ...] = (_anna, _bram, _carla, _dirk, _eva, _fleur, _greta)
    return sorted((step for scene in scenes for step in scene(length)), key=lambda step: step.at)


ANNOUNCED = (
    Announced("live-anna", "three_visits_without_conversion", "enter"),
    Announced("live-anna", "three_visits_without_conversion", "exit"),
    Announced("live-bram", "cart_abandoned", "enter"),
    Announced("live-bram", "cart_abandoned", "exit"),
    Announced("live-carla", "high_value", "enter"),
    Announced("live-carla", "high_value", "exit"),
    Announced("live-dirk", "inactive_90_days", "enter"),
    Announced("live-dirk", "inactive_90_days", "exit"),
    Announced("live-eva", "three_visits_without_conversion", "enter"),
    Announced("live-eva", "three_visits_without_conversion", "exit"),
    Announced("live-fleur", "three_visits_without_conversion", "enter"),
    Announced("live-fleur", "three_visits_without_conversion", "exit"),
    Announced("live-greta", "at_risk_of_churn", "enter"),
    Announced("live-greta", "at_risk_of_churn", "exit"),
)


def _anna(_length: int) -> Iterable[Step]:
    """Three visits in a week, then a purchase."""
    yield Step(
        0.02, "live-anna", "looked around three days ago (a late event)", click("page_view"), ago=3 * DAY
    )
    yield Step(
        0.06, "live-anna", "and again yesterday (late too)", click("product_view", "phones-1"), ago=DAY
    )
    yield Step(0.12, "live-anna", "is back: the third visit in a week", click("page_view"))
    yield Step(0.55, "live-anna", "buys a phone", purchase("anna-1", "649.00", "phones-1"))


def _bram(length: int) -> Iterable[Step]:
    """A cart left alone: the hour of silence is over at two fifths of the act, by time alone."""
    silent = HOUR - _between(0.08, 0.40, length)
    words = f"filled a cart {silent // MINUTE} minutes ago, out of reach of the network until now"
    yield Step(0.08, "live-bram", words, click("cart_add", "headphones-2"), ago=silent)
    yield Step(0.70, "live-bram", "pays for the cart after all", purchase("bram-1", "129.00", "headphones-2"))


def _carla(length: int) -> Iterable[Step]:
    """Four orders in a year, the older ones late, until the first of them is a year old."""
    oldest = 365 * DAY - _between(0.22, 0.80, length)
    yield Step(0.04, "live-carla", "orders", purchase("carla-4", "75.00", "accessories-2"))
    late = "an order of hers arrives late: it is of {}"
    third = purchase("carla-3", "120.00", "tablets-3")
    yield Step(0.14, "live-carla", late.format("80 days ago"), third, ago=80 * DAY)
    second = purchase("carla-2", "150.00", "speakers-4")
    yield Step(0.18, "live-carla", late.format("200 days ago"), second, ago=200 * DAY)
    first = purchase("carla-1", "180.00", "cameras-1")
    yield Step(0.22, "live-carla", late.format("a year ago, bar moments"), first, ago=oldest)


def _dirk(length: int) -> Iterable[Step]:
    """Silent for 90 days at a fourth of the act, back at the end."""
    silent = 90 * DAY - _between(0.03, 0.27, length)
    yield Step(0.03, "live-dirk", "was last seen 90 days ago, bar moments", click("page_view"), ago=silent)
    yield Step(0.62, "live-dirk", "is back", click("search"))


def _eva(_length: int) -> Iterable[Step]:
    """Three visits, then the right to be forgotten."""
    yield Step(0.09, "live-eva", "looked around on Monday (late)", click("page_view"), ago=2 * DAY)
    yield Step(0.10, "live-eva", "and on Tuesday (late)", click("product_view", "laptops-2"), ago=DAY)
    yield Step(0.30, "live-eva", "looks around again", click("search"))
    yield Step(0.75, "live-eva", "asks to be erased", {"topic": "profiles", "erase": True})


def _fleur(_length: int) -> Iterable[Step]:
    """Two visits without a name, a login, and a third visit: what the device did counts for her."""
    device = "live-device-6"
    yield Step(0.05, device, "somebody without a name looked around (late)", click("page_view"), ago=3 * DAY)
    yield Step(0.11, device, "and yesterday again (late)", click("product_view", "tablets-1"), ago=DAY)
    yield Step(0.24, device, "logs in: this device is Fleur's", login("live-fleur"))
    yield Step(
        0.36, "live-fleur", "is back: the third visit in a week, two of them without a name", click("search")
    )
    yield Step(0.66, "live-fleur", "buys a tablet", purchase("fleur-1", "349.00", "tablets-1"))


def _greta(length: int) -> Iterable[Step]:
    """Two purchases a month apart, and a silence so long that another one is improbable at two fifths of the act."""
    late, crossing, apart = 0.05, 0.42, 30 * DAY
    first = silence(apart) - _between(late, crossing, length)
    words = "and nine months ago (late): by the model of the shop she is about to be lost"
    yield Step(
        late, "live-greta", "bought ten months ago (late)", purchase("greta-1", "35.00", "speakers-1"), first
    )
    again = purchase("greta-2", "28.00", "accessories-1")
    yield Step(late, "live-greta", words, again, first - apart)
    yield Step(0.72, "live-greta", "buys after all", purchase("greta-3", "42.00", "accessories-3"))


def _between(first: Moment, second: Moment, length: int) -> int:
    return int((second - first) * length)


def click(kind: str, product: str | None = None) -> Line:
    """A click of a live customer."""
    category = product.partition("-")[0] if product else None
    about = {"product_id": product, "category": category, "attributes": {"invented": "yes"}}
    return {
        "topic": "clickstream",
        "kind": kind,
        "session_id": "live",
        "page": "/live",
        "channel": "direct",
    } | about


def login(into: str) -> Line:
    """A link of the id of a device to an account."""
    return {"topic": "identities", "into": into, "action": "link", "source": "live"}


def purchase(order: str, amount: str, product: str) -> Line:
    """A purchase of a live customer: one item."""
    item = {"product_id": product, "category": product.partition("-")[0], "quantity": 1, "price": amount}
    return {
        "topic": "transactions",
        "kind": "purchase",
        "order_id": f"live-{order}",
        "amount": amount,
        "currency": "EUR",
        "channel": "direct",
        "items": [item],
    }


def sent(step: Step, number: int, now: int) -> Line:
    """The event as it is sent at `now` (milliseconds)."""
    if step.line.get("erase"):
        return step.line | {"customer_id": step.customer}
    identity = {"event_id": f"{step.customer}-{number}-{now}", "customer_id": step.customer}
    return step.line | identity | {"occurred_at": now - step.ago}


# How many of CDNOW's customers come back in a second of the act.
RETURNS_A_SECOND = 5


def returning(history: Iterable[Line], now: int) -> list[str]:
    """CDNOW's real customers who have been silent for more than 90 days, in order of id."""
    last: dict[str, int] = {}
    for line in history:
        if line["customer_id"].startswith("cdnow-"):
            last[line["customer_id"]] = line["occurred_at"]
    return sorted(customer for customer, seen in last.items() if now - seen > 91 * DAY)


def comebacks(customers: list[str], length: int) -> list[Step]:
    """So many of them come back each second, so that latency has something to measure."""
    count = min(len(customers), RETURNS_A_SECOND * length * 8 // (10 * SECOND))
    stride = max(1, len(customers) // max(1, count))
    chosen = customers[::stride][:count]
    return [Step(0.1 + 0.8 * at / count, name, "", click("page_view")) for at, name in enumerate(chosen)]
