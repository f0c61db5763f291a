"""A console with something on every part of every page, for the tests and for whoever looks at it."""

from typing import Any

from aiohttp import web

import schemas
from segments.engine import Border, BorderKey
from segments.insight.findings import Change, Findings
from streams.clock import wall_clock
from streams.console.counting import Counted
from streams.console.database import HOUR
from streams.console.history import Reading
from streams.console.reporting import Reported
from streams.console.trying import Compared, RunningTrial
from streams.console.workers import Group
from tests.kit.console import Topics, click
from tests.kit.reports import found as report_of

BIG, CARTS, STAGES = "high_value", "cart_abandoned", "category_enthusiast"
MEASURE = "purchase.within(days=365).sum(purchase.amount)"


def topics_of() -> Topics:
    """Customers in three segments, one of them with values, with outcomes of arms and dead letters."""
    topics, now = Topics(), wall_clock()
    topics.flip("ann", "enter", BIG, now - 50 * HOUR)
    topics.flip("bob", "enter", BIG, now - 2 * HOUR)
    for customer in ("bob", "cat"):
        topics.flip(customer, "enter", CARTS, now - HOUR)
    topics.flip("cat", "exit", CARTS, now - 100, reason="timer")
    for number in range(60):
        customer, came = f"customer-{number:02}", now - (number * 11 % 600) * HOUR
        topics.flip(customer, "enter", STAGES, came, value=("shoes", "hats", "coats")[number % 3])
        topics.flip(customer, "enter", BIG, came)
        if number % 3 == 0:
            topics.flip(customer, "exit", BIG, came + HOUR, reason=("timer", "event")[number % 2])
    for number in range(40):
        topics.outcome(BIG, ("control", "treated")[number % 4 > 0], converted=number % 3 == 0)
    topics.letter("unknown_kind")
    return topics


def past(reading: Reading, _count: int) -> None:
    """Somebody's clicks and flips, as they would be read from Kafka."""
    now, topics = wall_clock(), Topics()
    reading.total = reading.done = 100
    for hours in (70, 50, 49, 3, 2):
        reading.add("clickstream", now - hours * HOUR, click(reading.customer, now - hours * HOUR))
    for number, hours in enumerate((60, 20, 2)):
        evidence = [
            {"measure": MEASURE, "value": str(450 + 50 * number), "bound": "500", "holds": number > 0}
        ]
        transition, at = ("enter", "exit")[number % 2], now - hours * HOUR
        event = topics.flip(reading.customer, transition, BIG, at, evidence=evidence)
        reading.add("segment-events", at, schemas.encode(schemas.SEGMENT_EVENT, event))


def answer(customer: str) -> dict[str, Any]:
    """What a worker says of a customer."""
    now = wall_clock()

    def leaf(value: str | None, *, holds: bool) -> dict[str, Any]:
        about = {"measure": MEASURE, "operator": ">=", "bound": "500", "kind": "money"}
        return about | {"value": value, "holds": holds, "part": "when", "any_of": None}

    def told(segment: str, value: str | None, *, inside: bool, flips_at: int | None) -> dict[str, Any]:
        return {
            "segment": segment,
            "value": value,
            "inside": inside,
            "entered_at": now - HOUR if inside else None,
            "would_change": [f"not_({MEASURE} >= 500)"],
            "evidence": [leaf("550" if inside else None, holds=inside)],
            "flips_at": flips_at,
        }

    return {
        "customer_id": customer,
        "known": True,
        "clock": now,
        "segments": [
            told(BIG, None, inside=True, flips_at=now + 200 * HOUR),
            told(STAGES, "shoes", inside=True, flips_at=now + 30 * HOUR),
            told(CARTS, None, inside=False, flips_at=None),
        ],
        "identity": {
            "into": None,
            "merged": [{"customer_id": "visitor-7f3a", "link": "l1", "at": now - HOUR, "refused": False}],
        },
    }


def counted() -> Counted:
    """A count of all customers."""
    now = wall_clock()
    groups = [
        {"from": str(50 * each), "to": str(50 * (each + 1)), "customers": 3 * (29 - each)}
        for each in range(30)
    ]
    leaf = {"measure": MEASURE, "bound": "500", "kind": "money", "holds": 400, "reached": 400, "missing": 12}
    leaf["groups"] = [*groups, {"from": "1500", "to": None, "customers": 4}]
    ahead = [
        {"hour": (now // HOUR + each) * HOUR, "transition": "exit", "customers": 1 + each % 7}
        for each in range(0, 90, 3)
    ]
    found = {"inside": 400, "leaves": [leaf], "ahead": ahead}
    return Counted(now, 1_300, 1_300, {"customers": 1_300, "at": now, "segments": {BIG: found}})


def fill(console: Any, worker: str) -> None:
    """Give a console a worker, a count, a report and a trial."""
    console.workers.group = Group({0: worker}, (worker,), exists=True)
    console.readings.read = past
    console.counting.latest = counted()
    now = wall_clock()
    console.trials.of = lambda *_: trial()
    console.reports.latest = Reported(now, as_of=now, segments={BIG: report_of((100, 1_000), (1_500, 9_000))})


def trial() -> RunningTrial:
    """A trial that has ended."""
    found = Findings(BIG, "v2", customers=1_300, members=431, change=Change("v1", 400))
    assert found.change is not None
    found.change.counts.update(stays=395, enters=36, leaves=5)
    now, later = (BorderKey(MEASURE, percent, "EUR", "UTC") for percent in ("10", "20"))
    borders = (Compared(now, Border(now, "512.5", 1_290, 1), False), Compared(later, None, True))
    made = RunningTrial(BIG, wall_clock(), 1_000, 1_000, found, wall_clock() - 900 * HOUR)
    made.borders = borders
    made.finished.set()
    return made


METRICS = """
segments_build_info{version="0.1.0"} 1
segments_rules_info{digest="5f0c9d2a"} 1
segments_consumer_lag_records{topic="clickstream",partition="0"} 12
segments_consumer_lag_records{topic="transactions",partition="0"} 0
segments_partition_clock_timestamp_seconds{partition="0"} CLOCK
segments_customers_pending{partition="0"} 815
segments_next_due_timestamp_seconds{partition="0"} DUE
segments_deployment_info{partition="0",deployment_id="2026-11-30-a"} 1
segments_deployment_state{partition="0",state="running"} 1
""".lstrip()


async def worker() -> tuple[web.AppRunner, str]:
    """What answers as a worker does, with its address."""

    async def why(request: web.Request) -> web.Response:
        return web.json_response(answer(request.match_info["customer"]))

    async def metrics(_request: web.Request) -> web.Response:
        now = wall_clock() / 1000
        return web.Response(text=METRICS.replace("CLOCK", f"{now:.3f}").replace("DUE", f"{now + 60:.3f}"))

    app = web.Application()
    app.add_routes([web.get("/why/{customer}", why), web.get("/metrics", metrics)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    return runner, f"{host}:{port}"
