"""The pages of customers: a search, and one customer's past, present and next instants."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from aiohttp import web

import schemas
from segments.language.catalogue import SOURCE
from segments.language.words.sentence import VOCABULARIES, Language
from streams.clock import wall_clock
from streams.console.asking import NobodyServes, ask, place_of
from streams.console.console import Console
from streams.console.drawing import lanes
from streams.console.history import Event, Reading
from streams.console.lanes import MERGED, Title, named, rows_of
from streams.console.membership import customer_memberships, customers_like
from streams.console.render import translated
from streams.console.state import Name, State, state_of
from streams.errors import StreamsError

PATIENCE = 1.5
"""Seconds that the page waits for the reading before it shows its progress."""
SHOWN = 200
"""Of the latest events and flips in a table; all that are kept are in the picture and the JSON."""

KINDS = {"profile": "Profile", "link": "Linked to another id", "unlink": "No longer linked to another id"}
"""Of records that are no events of a rule."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CustomerView:
    """All that is known of a customer."""

    reading: Reading
    memberships: list[Line] | None
    why: Line | None
    """What the worker says; None: none serves the partition."""
    problem: str | None
    state: State


def routes(console: Console) -> list[web.RouteDef]:
    """The pages, their JSON and the export."""
    page = _Customers(console)
    return [
        web.get("/customers", page.search),
        web.get("/api/customers", page.search_json),
        web.get("/customers/{customer:[^/]+}", page.html),
        web.get("/api/customers/{customer:[^/]+}", page.json),
        web.get("/customers/{customer:[^/]+}/export", page.export),
    ]


class _Customers:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def search(self, request: web.Request) -> web.Response:
        """The customers whose id begins with `q`."""
        found, state = await self._like(request)
        return self._console.page(
            request,
            "customers.html",
            state,
            found=found,
            q=request.query.get("q", ""),
            live=f"/live?page=customer&since={self._console.since(0)}",
        )

    async def search_json(self, request: web.Request) -> web.Response:
        """The same."""
        found, state = await self._like(request)
        return self._console.json(state, {"customers": found})

    async def _like(self, request: web.Request) -> tuple[list[str], State]:
        console = self._console
        found = await console.reader.ask(customers_like, console.reader.database, request.query.get("q", ""))
        return found, state_of(console.progress, console.unserved, empty=not found)

    async def _told(self, request: web.Request) -> CustomerView:
        """Read the topics, ask the worker and the database, at once."""
        console, customer = self._console, request.match_info["customer"]
        count = max(console.progress.partitions, 1)
        reading = console.readings.of(customer, count)
        if "stop" in request.query:
            reading.stopped.set()
        asking = asyncio.create_task(self._why(customer, count))
        memberships = await console.reader.ask(customer_memberships, console.reader.database, customer)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await reading.finished.wait()
        why, problem, unserved = await asking
        known = bool(memberships is not None or reading.count or (why or {}).get("known"))
        return CustomerView(
            reading, memberships, why, problem, self._state(reading, problem, unserved, known=known)
        )

    async def _why(self, customer: str, count: int) -> tuple[Line | None, str | None, tuple[int, ...]]:
        console = self._console
        try:
            number = place_of(customer, count)
            path = f"/why/{quote(customer, safe='')}"
            return await ask(console.settings, console.workers, number, path), None, ()
        except NobodyServes as error:
            return None, str(error), (error.number,)
        except StreamsError as error:
            return None, str(error), (place_of(customer, count),)

    def _state(
        self, reading: Reading, problem: str | None, unserved: tuple[int, ...], *, known: bool
    ) -> State:
        name: Name = "ready" if known else "empty"
        if reading.problem is not None:
            name, problem = "error", reading.problem
        elif not reading.ended:
            name = "loading"
        elif unserved and known:
            name = "partial"
        as_of = self._console.progress.as_of
        return State(name, as_of, problem, reading.done, reading.total, unserved)

    async def html(self, request: web.Request) -> web.Response:
        """The page; `stop` ends the reading, and shows what was read by then."""
        console, language = self._console, self._console.renderer.language(request)
        told = await self._told(request)
        title = partial(console.rules.title, language=language)
        customer, now = request.match_info["customer"], wall_clock()
        kind = partial(kind_words, language)
        worded = console.worded(language)
        rows = rows_of(told.reading, told.memberships or [], told.why, title, kind, worded)
        said = console.renderer.sayer(language)
        return console.page(
            request,
            "customer.html",
            told.state,
            customer=customer,
            picture=lanes(
                said("What happened, and the segments meanwhile"),
                rows,
                now,
                lambda at: console.renderer.date(language, at),
            ),
            events=[
                {**self._event(each), "words": kind(each)} for each in list(told.reading.events)[-SHOWN:]
            ][::-1],
            flips=[self._flip(each.fields, title) for each in list(told.reading.flips)[-SHOWN:]][::-1],
            reading=told.reading,
            memberships=[
                {**each, "title": named(title, each["segment"], each["value"])}
                for each in told.memberships or []
            ],
            why=None if told.why is None else why_told(told.why, title),
            problem=told.problem,
            next=next_told(told.why, title),
            identities=identities_told(told.why, customer),
            live=f"/live?page=customer&since={console.since(0)}",
        )

    def _event(self, event: Any) -> Line:
        told = schemas.to_json(schemas.record_of(event.topic), event.fields)
        fields = {
            name: value
            for name, value in told.items()
            if name not in ("event_id", "customer_id", "occurred_at", "kind") and value not in (None, {}, [])
        }
        return {
            "at": event.at,
            "topic": event.topic,
            "kind": event.kind,
            "what": json.dumps(fields, default=str, ensure_ascii=False),
        }

    def _flip(self, fields: Mapping[str, Any], title: Title) -> Line:
        return {
            "at": fields["occurred_at"],
            "segment": fields["segment"],
            "title": named(title, fields["segment"], fields.get("value")),
            "transition": fields["transition"],
            "value": fields.get("value"),
            "reason": fields["reason"],
        }

    async def json(self, request: web.Request) -> web.Response:
        """The same, with all events that are kept."""
        console, language = self._console, self._console.renderer.language(request)
        told = await self._told(request)
        title = partial(console.rules.title, language=language)
        body = {
            "customer_id": request.match_info["customer"],
            "read": told.reading.done,
            "to_read": told.reading.total,
            "events": [{**self._event(each), "at": schemas.to_iso(each.at)} for each in told.reading.events],
            "flips": [
                {**(line := self._flip(each.fields, title)), "at": schemas.to_iso(line["at"])}
                for each in told.reading.flips
            ],
            "memberships": [
                {
                    **each,
                    "entered_at": schemas.to_iso(each["entered_at"]),
                    "valid_until": None
                    if each["valid_until"] is None
                    else schemas.to_iso(each["valid_until"]),
                }
                for each in told.memberships or []
            ],
            "why": None if told.why is None else why_told(told.why, title, schemas.to_iso),
            "next": [{**each, "at": schemas.to_iso(each["at"])} for each in next_told(told.why, title)],
            "identities": identities_told(told.why, request.match_info["customer"], schemas.to_iso),
        }
        return console.json(told.state, body)

    async def export(self, request: web.Request) -> web.Response:
        """All that is known of the customer, as `segments export` prints it, for an access request."""
        customer = request.match_info["customer"]
        found = await asyncio.to_thread(self._console.export, customer)
        return web.json_response(found, headers={"Content-Disposition": 'attachment; filename="export.json"'})


def kind_words(language: Language, event: Event) -> str:
    """What kind of event it is, in words; a kind of the shop's own by its name."""
    if (noun := VOCABULARIES[language].events.get(event.kind)) is not None:
        return noun.many[0].upper() + noun.many[1:]
    if event.kind == MERGED:
        return translated(language, "{id} was merged into this one", id=event.fields["customer_id"])
    if event.topic.startswith(SOURCE):
        return translated(language, "Profile of {source}", source=event.topic.removeprefix(SOURCE))
    return translated(language, KINDS[event.kind]) if event.kind in KINDS else event.kind


def identities_told(why: Line | None, customer: str, instant: Callable[[int], Any] = int) -> Line:
    """The ids that are one customer with this one, by the worker; instants as `instant` gives them.

    `into`: the id that this one goes on as; None: itself. `merged`: the ids that go on as that one.
    """
    said = (why or {}).get("identity") or {}
    into = said.get("into") or ((why or {}).get("customer_id") or customer)
    return {
        "into": None if into == customer else into,
        "merged": [
            {"customer_id": each["customer_id"], "at": instant(each["at"]), "refused": each["refused"]}
            for each in said.get("merged", [])
            if each["customer_id"] != customer
        ],
    }


def why_told(why: Line, title: Title, instant: Callable[[int], Any] = int) -> list[Line]:
    """Each segment with its leaves, those that the customer is in first; instants as `instant` gives them."""
    found = [
        {
            "segment": each["segment"],
            "value": each.get("value"),
            "title": named(title, each["segment"], each.get("value")),
            "inside": each["inside"],
            "entered_at": None if each["entered_at"] is None else instant(each["entered_at"]),
            "would_change": each["would_change"],
            "evidence": [
                {name: leaf.get(name) for name in ("measure", "value", "operator", "bound", "holds", "kind")}
                for leaf in each["evidence"]
            ],
        }
        for each in why["segments"]
    ]
    return sorted(found, key=lambda each: (not each["inside"], each["title"].casefold()))


def next_told(why: Line | None, title: Title) -> list[Line]:
    """The instants at which time alone changes something, the earliest first."""
    found = [
        {
            "at": each["flips_at"],
            "segment": each["segment"],
            "value": each.get("value"),
            "title": named(title, each["segment"], each.get("value")),
            "transition": "exit" if each["inside"] else "enter",
        }
        for each in (why or {}).get("segments", [])
        if each["flips_at"] is not None
    ]
    return sorted(found, key=lambda each: (each["at"], each["segment"]))
