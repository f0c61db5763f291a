"""What neither source has, invented and labelled: refunds, mails opened, profiles with consents.

Each event id begins with `invented-`. The refunds are of purchases that are in the sources; the mails and
profiles belong to the customers of the clickstream, and profiles to one in ten of CDNOW's.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from deploy.demo.invent import DAY, HOUR, MINUTE, Line, choice, number, one_in

COUNTRIES = ("NL", "NL", "BE", "DE")


def invented(lines: list[Line]) -> Iterator[Line]:
    """The invented events that go with these; none of them is later than the last of these."""
    end = max((line["occurred_at"] for line in lines), default=0)
    ordered = sorted(lines, key=lambda line: (line["customer_id"], line["occurred_at"]))
    for customer, own in groupby(ordered, key=lambda line: str(line["customer_id"])):
        for line in _of(customer, list(own)):
            if line["occurred_at"] <= end:
                yield line


def _of(customer: str, own: list[Line]) -> Iterator[Line]:
    if customer.startswith("ecom-"):
        yield from refunds(customer, own)
        yield from mails(customer, own)
        yield from profiles(customer, own)
    elif one_in(10, "profile", customer):
        yield from refunds(customer, own)
        yield from profiles(customer, own)


def refunds(customer: str, own: Iterable[Line]) -> Iterator[Line]:
    """Some customers send much of what they buy back, three to ten days later; the others nothing."""
    if not one_in(3, "returner", customer):
        return
    for line in own:
        if line.get("kind") == "purchase" and number(4, "refund", line["order_id"]):
            yield line | {
                "event_id": f"invented-refund-{line['order_id']}",
                "occurred_at": line["occurred_at"] + 3 * DAY + number(7 * DAY, "days", line["order_id"]),
                "kind": "refund",
            }


def mails(customer: str, own: list[Line]) -> Iterator[Line]:
    """A weekly mail, opened until the customer tires of it; every other one is opened again at the end."""
    first, last = own[0]["occurred_at"], own[-1]["occurred_at"]
    weeks = max(1, (last - first) // (7 * DAY))
    tired = number(weeks, "tired", customer)
    for week in range(weeks + 1):
        revived = week == weeks and one_in(2, "revived", customer)
        if week <= tired or revived:
            yield _open(customer, week, first + week * 7 * DAY + number(DAY, "opened", customer, week))


def _open(customer: str, week: int, occurred_at: int) -> Line:
    return {
        "topic": "clickstream",
        "event_id": f"invented-mail-{customer}-{week}",
        "customer_id": customer,
        "occurred_at": occurred_at,
        "kind": "email_open",
        "channel": "email",
        "attributes": {"invented": "yes", "mail": f"weekly-{week}"},
    }


def profiles(customer: str, own: list[Line]) -> Iterator[Line]:
    """A profile shortly before the first event; one customer in eight changes a consent half-way."""
    first, last = own[0]["occurred_at"], own[-1]["occurred_at"]
    consents = {
        "marketing": not one_in(4, "marketing", customer),
        "profiling": not one_in(9, "profiling", customer),
    }
    yield _profile(customer, 1, first - HOUR - number(MINUTE, "joined", customer), consents)
    if last > first and one_in(8, "changes", customer):
        changed = consents | {"marketing": not consents["marketing"]}
        yield _profile(customer, 2, first + (last - first) // 2, changed)


def _profile(customer: str, version: int, occurred_at: int, consents: dict[str, bool]) -> Line:
    return {
        "topic": "profiles",
        "event_id": f"invented-profile-{customer}-{version}",
        "customer_id": customer,
        "occurred_at": occurred_at,
        "attributes": {
            "country": choice(COUNTRIES, "country", customer),
            "birth_year": float(1950 + number(55, "born", customer)),
            "newsletter": bool(consents["marketing"]),
        },
        "consents": consents,
    }
