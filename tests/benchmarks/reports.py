"""How long `segments report` works on records that were fetched: a million outcomes, and so many events of customers.

`python -m tests.benchmarks.reports [RECORDS]`, without Kafka: records are encoded, then decoded and added up by the code of
the report. The time is that of one core; what fetching them takes depends on the broker.
"""

import sys
import time
from types import SimpleNamespace

import schemas
from segments.insight.outcomes.figures import figures
from segments.insight.outcomes.gathering import Gathering
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.sums import Sums
from streams.report.reading import takes

RECORDS = 1_000_000
PARTITIONS = 8
DAY = 86_400_000
EVENTS = 10
"""Of each customer, in the input topics."""
LOOSE = dict.fromkeys(("session_id", "page", "product_id", "category", "channel"))


def main() -> None:
    """Measure both, and print it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    for name, made, inputs in (("outcomes", outcome, False), ("input records", click, True)):
        topic = "segment-outcomes" if made is outcome else "clickstream"
        sums, spent = Sums(Period(1_000 * DAY, now=1_000 * DAY)), 0.0
        for part in range(PARTITIONS):
            records = [made(number) for number in range(part, count, PARTITIONS)]
            begun = time.process_time()
            gathering = Gathering(sums, "EUR", inputs=inputs)
            take = takes(gathering)[topic]
            for record in records:
                take(record)
            gathering.fold()
            spent += time.process_time() - begun
        figures(sums, "carts", inputs=inputs)
        print(f"{count:,} {name}: {spent:.1f} s, {spent / count * 1e6:.1f} µs each")


def outcome(number: int) -> SimpleNamespace:
    """What came of an enter."""
    customer, converted = f"customer-{number}", number % 20 == 0
    record = {
        "event_id": f"outcome-{number:032}",
        "customer_id": customer,
        "entered_as": customer,
        "segment": "carts",
        "segment_version": "0123456789ab",
        "value": None,
        "episode": 1,
        "kind": "matured",
        "reason": "event",
        "arm": "treated" if number % 10 else "control",
        "experiment": "carts",
        "control": "10",
        "goal": "purchase.within(days=7), revenue=purchase.amount",
        "entered_at": number,
        "first_goal_at": number + DAY if converted else None,
        "occurred_at": number + 7 * DAY,
        "emitted_at": number + 7 * DAY,
        "goals": int(converted),
        "revenue": 4_995 * converted,
    }
    return SimpleNamespace(
        key=customer.encode(), value=schemas.encode(schemas.SEGMENT_OUTCOME, record), timestamp=0
    )


def click(number: int) -> SimpleNamespace:
    """A page seen, one of several of its customer."""
    customer = f"customer-{number // (PARTITIONS * EVENTS) * PARTITIONS + number % PARTITIONS}"
    record = {
        **LOOSE,
        "event_id": f"view-{number:027}",
        "customer_id": customer,
        "occurred_at": number * 1_000,
        "kind": "page_view",
        "page": "/shoes",
        "attributes": {},
    }
    return SimpleNamespace(key=customer.encode(), value=schemas.encode(schemas.CLICK, record), timestamp=0)


if __name__ == "__main__":
    main()
