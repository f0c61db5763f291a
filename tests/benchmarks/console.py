"""The console at size: a thousand segments, and as many customers as the load has, all in one, each in three others.

Its reader is given records as a consumer would give them, without Kafka; pages are asked for over HTTP. The reader, the
database and the server are those of `segments console`, in one process, whose memory is told.
"""

import asyncio
import resource
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from aiohttp import test_utils
from aiokafka import TopicPartition

import schemas
from schemas.records import SEGMENT_EVENT, SEGMENT_MEMBERSHIPS
from streams.clock import wall_clock
from streams.console.figures import Figures
from streams.console.reader import AT_ONCE, EVENTS, MEMBERSHIPS
from streams.console.server import application
from tests.benchmarks.rig import load_average
from tests.benchmarks.sizes import Plan
from tests.kit.console import NOTHING, PLAIN, Recorded, console_of, settings_of

SEGMENTS = 1_000
EACH = 3
"""Segments that a customer is in, beside the one that everybody is in."""
EVERYBODY, FEW = "segment_0000", "segment_0500"
FLIPS = 1_000
"""A second, for as long as updates are watched."""
WATCHED = 5
"""Seconds."""
PAGES = {
    "all segments": "/segments",
    "a segment that everybody is in": f"/segments/{EVERYBODY}",
    "a segment of few": f"/segments/{FEW}",
    "its members by a search": f"/segments/{EVERYBODY}?q=customer-00099",
    "customers by a search": "/customers?q=customer-00099",
}
SEARCHED = 100_000
"""Customers of whom the searches find a hundred and more."""
TIMES = 5
"""That each page is asked for, while nothing else happens and while customers flip."""

Batch = dict[TopicPartition, list[Recorded]]


def measure(plan: Plan) -> dict[str, Any]:
    """Read all memberships, begin again from the file, show the page, and watch its updates."""
    before = load_average()
    found = asyncio.run(_measured(plan, plan.sizes.customers))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return found | {"memory": memory, "load": [before, load_average()]}


async def _measured(plan: Plan, customers: int) -> dict[str, Any]:
    console = console_of(settings_of(plan.folder))
    reader, spent = console.reader, 0.0
    for batch in _memberships(customers):
        began = time.perf_counter()
        await reader.ask(reader.take_in, batch, {}, wall_clock())
        spent += time.perf_counter() - began
    began = time.perf_counter()
    await reader.ask(Figures, reader.database, wall_clock())
    again = time.perf_counter() - began
    app = application(console, "127.0.0.1:0")
    async with test_utils.TestClient(test_utils.TestServer(app)) as client:
        least = 100 if customers >= SEARCHED else 0
        quiet = await _pages(client, least)
        updates = await _watched(client, console, least)
    await reader.close()
    file = plan.folder / "console.db"
    return {
        "customers": customers,
        "segments": SEGMENTS,
        "read": round(customers / spent),
        "again": round(again, 2),
        "pages": [
            {"page": name, "quiet": times, "busy": updates["busy"][name]} for name, times in quiet.items()
        ],
        "disk": file.stat().st_size,
        **{name: value for name, value in updates.items() if name != "busy"},
    }


async def _pages(client: Any, least: int) -> dict[str, list[int]]:
    """For each page the median and the longest time until all of it is there, in milliseconds.

    `least`: the customers that each page of customers shows.
    """
    return {name: await _page(client, path, least) for name, path in PAGES.items()}


async def _page(client: Any, path: str, least: int) -> list[int]:
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = await client.get(path)
        text = await answer.text()
        assert answer.status == 200
        assert text.count("data-segment=" if path == "/segments" else "data-customer=") >= (
            SEGMENTS if path == "/segments" else least
        )
        times.append(round((time.perf_counter() - began) * 1000))
    return [round(median(times)), max(times)]


async def _watched(client: Any, console: Any, least: int) -> dict[str, Any]:
    """The updates of an open page while a thousand customers a second enter a segment."""
    sizes: list[int] = []
    reader, late = console.reader, []
    async with client.get("/live?page=segments") as answer:
        watching = asyncio.create_task(_sizes(answer, sizes))
        asking = asyncio.create_task(_pages(client, least))
        for second in range(WATCHED):
            began = time.perf_counter()
            await reader.ask(reader.take_in, _flips(second), {}, wall_clock())
            for tell in reader.changed:
                tell()
            late.append(time.perf_counter() - began)
            await asyncio.sleep(max(0.0, 1 - late[-1]))
        busy = await asking
        watching.cancel()
    return {"busy": busy, "updates": len(sizes), "largest": max(sizes), "flips": round(median(late) * 1000)}


async def _sizes(answer: Any, sizes: list[int]) -> None:
    text = b""
    async for chunk in answer.content.iter_any():
        text += chunk
        *events, text = text.split(b"\n\n")
        sizes.extend(len(each) for each in events if b"data:" in each)


def _memberships(customers: int) -> Iterator[Batch]:
    part, records = TopicPartition(MEMBERSHIPS, 0), []
    for number in range(customers):
        others = {f"segment_{(number * 7 + place * 331) % SEGMENTS:04}" for place in range(EACH)}
        inside = sorted({EVERYBODY, *others})
        value = _record(f"customer-{number:07}", inside, 1)
        records.append(Recorded(MEMBERSHIPS, 0, number, b"customer-%07d" % number, value, 1))
        if len(records) == AT_ONCE or number == customers - 1:
            yield {part: records}
            records = []


def _record(customer: str, inside: list[str], at: int) -> bytes:
    entry = {"segment_version": "v1", "entered_at": at, "episode": 1, "valid_until": None, **PLAIN}
    told = {
        "customer_id": customer,
        "sequence": 1,
        "segments": [{"segment": name, **entry} for name in inside],
    }
    return schemas.encode(SEGMENT_MEMBERSHIPS, told)


def _flips(second: int) -> Batch:
    found: Batch = {TopicPartition(EVENTS, 0): [], TopicPartition(MEMBERSHIPS, 0): []}
    now = wall_clock()
    for number in range(FLIPS):
        customer, segment = f"customer-{number + second * FLIPS:07}", f"segment_{number % SEGMENTS:04}"
        event = {
            **NOTHING,
            "event_id": f"{second}-{number}",
            "customer_id": customer,
            "segment": segment,
            "transition": "enter",
            "occurred_at": now,
            "emitted_at": now,
            "sequence": 2,
            "episode": 2,
            "reason": "event",
        }
        values = (
            (EVENTS, schemas.encode(SEGMENT_EVENT, event)),
            (MEMBERSHIPS, _record(customer, sorted({EVERYBODY, segment}), now)),
        )
        for topic, value in values:
            found[TopicPartition(topic, 0)].append(Recorded(topic, 0, number, customer.encode(), value, now))
    return found
