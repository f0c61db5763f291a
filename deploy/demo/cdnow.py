"""CDNOW: the purchases of 23,570 real customers of a record shop, January 1997 to June 1998.

`python -m deploy.demo.cdnow` prints them as JSON lines, for `segments fit --file`, `try --file` and `replay`.

Real: who bought on which day, how many CDs, for how much. Invented: the time of day, the currency (euros
where it was dollars), order and product numbers, the category, the channel.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from deploy.demo.invent import DAY, HOUR, Line, amount, cents, choice, number
from deploy.demo.shop import CURRENCY
from deploy.demo.sources import CDNOW, cache_folder, lines_of

GENRES = ("rock", "jazz", "classical", "country", "soundtracks", "electronic")
OPENS = 8 * HOUR
CLOSES = 23 * HOUR


def purchases(rows: Iterable[str]) -> Iterator[Line]:
    """Each purchase as a line of `transactions`, in the order of the file, at its time in the nineties."""
    bought: Counter[str] = Counter()
    for row in rows:
        fields = row.split()
        if not fields or not fields[0].isdigit():
            continue
        customer, day, count, dollars = fields
        bought[customer] += 1
        yield _purchase(f"cdnow-{customer}", bought[customer], day, int(count), cents(dollars))


def _purchase(customer: str, nth: int, day: str, count: int, total: int) -> Line:
    order = f"{customer}-{nth}"
    genre = _genre(customer, nth)
    product = f"cd-{genre}-{number(400, 'cd', order)}"
    return {
        "topic": "transactions",
        "event_id": order,
        "customer_id": customer,
        "occurred_at": _midnight(day) + OPENS + number(CLOSES - OPENS, "time", order),
        "kind": "purchase",
        "order_id": order,
        "amount": amount(total),
        "currency": CURRENCY,
        "channel": "web",
        "items": [
            {"product_id": product, "category": genre, "quantity": count, "price": amount(total // count)}
        ],
    }


def _genre(customer: str, nth: int) -> str:
    """A taste of the customer's own three times in four, anything otherwise."""
    if number(4, "taste", customer, nth):
        return choice(GENRES, "taste", customer)
    return choice(GENRES, "whim", customer, nth)


_FIRST_DAY = datetime(1997, 1, 1, tzinfo=UTC)


def _midnight(day: str) -> int:
    days = (datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) - _FIRST_DAY).days
    return int(_FIRST_DAY.timestamp()) * 1000 + days * DAY


def main() -> None:
    """Print all purchases in order of time."""
    for line in sorted(
        purchases(lines_of(CDNOW, cache_folder())), key=lambda each: (each["occurred_at"], each["event_id"])
    ):
        print(json.dumps(line))  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
