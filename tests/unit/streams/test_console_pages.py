"""The pages of one segment, of customers and of health, over recorded topics."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from aiohttp import test_utils, web

import schemas
from streams.clock import wall_clock
from streams.console import history
from streams.console.database import HOUR
from streams.console.membership import STAYS, Question, segment_contents
from streams.console.problems import Health, names_of, problems_of
from streams.console.reporting import Reported
from streams.console.workers import Group
from tests.kit.console import Topics, click, events_of, events_read, read, shipped, visiting
from tests.kit.reports import found as found_of

pytestmark = pytest.mark.timeout(60)


def test_a_segments_page_tells_its_hours_members_stays_and_versions(tmp_path):
    """Members over the hours follow from what there is now and what happened; stays, reasons and versions are counted."""

    async def visit(client, console):
        topics, now = Topics(), wall_clock()
        topics.flip("ann", "enter", "high_value", now - 60 * 24 * HOUR, segment_version="v0")
        topics.flip("bob", "enter", "high_value", now - 50 * HOUR)
        topics.flip("cat", "enter", "high_value", now - 50 * HOUR)
        topics.flip("cat", "exit", "high_value", now - 20 * HOUR, reason="timer")
        topics.flip("bobby", "enter", "high_value", now - 60_000)
        await read(console, topics)
        body = await (await client.get("/api/segments/high_value")).json()
        assert (body["members"], body["memberships"], body["entered"], body["left"]) == (3, 3, 3, 1)
        assert [each["members"] for each in body["hours"]] == [3, 2, 3]
        assert [each["entered"] for each in body["hours"]] == [2, 0, 1]
        told = {(each["transition"], each["reason"]): each["count"] for each in body["reasons"]}
        assert told == {("enter", "event"): 3, ("exit", "timer"): 1}
        assert list(body["stays"].values()) == [1, 0, 1, 0, 1, 0]
        assert [each["version"] for each in body["versions"]] == ["v1", "v0"]
        assert [each["customer_id"] for each in body["member_list"]] == ["ann", "bob", "bobby"]
        page = await (await client.get("/segments/high_value?q=bob")).text()
        assert re.findall(r'data-customer="(\w+)"', page) == ["bob", "bobby"]
        assert 'data-state="ready"' in page
        for name in ("members-chart", "stays", "words", "stories", "versions", "members", "search"):
            assert f'data-testid="{name}"' in page
        assert "at least" in page
        assert 'data-state="empty"' in await (await client.get("/segments/nothing")).text()

    visiting(tmp_path, visit, shipped())


def test_a_customers_page_tells_past_and_memberships(tmp_path):
    """Events and flips of the topics, lanes drawn of them, the segments now; without a worker it is partial and says so."""

    async def visit(client, console):
        topics, now = Topics(), wall_clock()
        evidence = [{"measure": "visit.count()", "value": "3", "bound": "3", "holds": True}]
        enter = topics.flip("ann/1", "enter", "big", now - HOUR, evidence=evidence)
        await read(console, topics)
        console.readings.read = events_read(
            ("clickstream", click("ann/1", now - 2 * HOUR, page="/<b>"), now - 2 * HOUR),
            ("segment-events", schemas.encode(schemas.SEGMENT_EVENT, enter), now - HOUR),
            ("clickstream", b"\xff", now),
        )
        answer = await client.get("/customers/ann%2F1")
        text = await answer.text()
        assert answer.status == 200
        assert 'data-state="partial"' in text
        assert "partition 0" in text
        assert 'data-kind="page_view"' in text
        assert "/&lt;b&gt;" in text
        assert text.count('<rect class="stay"') == 1
        assert text.count('class="bound"') == 1
        body = await (await client.get("/api/customers/ann%2F1")).json()
        assert [each["kind"] for each in body["events"]] == ["page_view"]
        assert [(each["segment"], each["transition"]) for each in body["flips"]] == [("big", "enter")]
        assert [each["segment"] for each in body["memberships"]] == ["big"]
        assert (body["why"], body["next"]) == (None, [])
        assert (await (await client.get("/customers/ann%2F1/export")).json()) == {"customer_id": "ann/1"}
        found = await (await client.get("/api/customers?q=ann")).json()
        assert found["customers"] == ["ann/1"]

    visiting(tmp_path, visit)


def test_of_an_erased_customer_nothing_is_shown(tmp_path):
    """Not from the file, nor what a page had read before, nor what topics still hold of before the erasure."""

    async def visit(client, console):
        topics, now = Topics(), wall_clock()
        topics.flip("ann", "enter", "big", now - HOUR)
        await read(console, topics)
        console.readings.read = events_read(("clickstream", click("ann", now - 9), now - 9))
        assert 'data-kind="page_view"' in await (await client.get("/customers/ann")).text()
        topics.erase("ann")
        await read(console, topics)
        console.readings.read = events_read(
            ("clickstream", click("ann", now - 9), now - 9), ("profiles", None, now - 5)
        )
        answer = await client.get("/customers/ann")
        text = await answer.text()
        assert answer.status == 200
        assert 'data-state="empty"' in text
        assert "data-kind" not in text

    visiting(tmp_path, visit)


def test_what_was_read_of_a_customer_is_let_go_within_ten_seconds(tmp_path, monkeypatch):
    """Also of one who was in no segment and is erased: no membership tells that, so the topics are read anew."""
    assert history.KEPT_SECONDS <= 10
    monkeypatch.setattr(history, "KEPT_SECONDS", 0.05)

    async def visit(client, console):
        now = wall_clock()
        console.readings.read = events_read(("clickstream", click("ann", now - 9), now - 9))
        assert 'data-kind="page_view"' in await (await client.get("/customers/ann")).text()
        console.readings.read = events_read(
            ("clickstream", click("ann", now - 9), now - 9), ("profiles", None, now - 5)
        )
        await asyncio.sleep(0.2)
        assert not console.readings._readings
        text = await (await client.get("/customers/ann")).text()
        assert 'data-state="empty"' in text
        assert "data-kind" not in text

    visiting(tmp_path, visit)


def test_links_and_profile_sources_are_among_the_events(tmp_path):
    """A link by its action, a profile of a source by its topic; a null in the topic of links erases nothing."""

    async def visit(client, console):
        now = wall_clock()
        link = {
            "event_id": "l1",
            "customer_id": "visitor",
            "occurred_at": now - 9,
            "into": "ann",
            "action": "link",
            "source": "login",
        }
        profile = {"event_id": "p1", "customer_id": "visitor", "occurred_at": now - 8, "attributes": {}}
        console.readings.read = events_read(
            ("clickstream", click("visitor", now - 10), now - 10),
            ("identities", schemas.encode("Link", link), now - 9),
            ("profiles-crm", schemas.encode("Profile", profile | {"consents": {}, "lists": {}}), now - 8),
            ("identities", None, now),
        )
        text = await (await client.get("/customers/visitor")).text()
        assert re.findall(r'data-topic="([^"]+)" data-kind="([^"]+)"', text) == [
            ("profiles-crm", "profile"),
            ("identities", "link"),
            ("clickstream", "page_view"),
        ]
        assert "Linked to another id" in text
        assert "Profile of crm" in text
        assert "&#34;into&#34;: &#34;ann&#34;" in text

    visiting(tmp_path, visit)


def test_amounts_of_events_are_told_as_text(tmp_path):
    """An order of 150.00 is told as 150.00, its lines too: on the page and in the JSON."""

    async def visit(client, console):
        now = wall_clock()
        line = {"product_id": "coat", "category": None, "quantity": 2, "price": 7_500}
        order = {
            "event_id": "o1",
            "customer_id": "ann",
            "occurred_at": now - 9,
            "kind": "purchase",
            "order_id": "o1",
            "amount": 15_000,
            "currency": "EUR",
            "channel": None,
            "items": [line],
            "attributes": {},
        }
        console.readings.read = events_read(("transactions", schemas.encode("Transaction", order), now - 9))
        (event,) = (await (await client.get("/api/customers/ann")).json())["events"]
        assert json.loads(event["what"]) == {
            "order_id": "o1",
            "amount": "150.00",
            "currency": "EUR",
            "items": [line | {"price": "75.00"}],
        }
        assert "&#34;amount&#34;: &#34;150.00&#34;" in await (await client.get("/customers/ann")).text()

    visiting(tmp_path, visit)


def test_a_long_reading_shows_its_progress_and_can_be_stopped(tmp_path):
    """The page comes while it is read; after a stop it shows what was found by then."""

    async def visit(client, console):
        def slowly(reading, _count):
            reading.total, reading.done = 1_000, 10
            reading.add("clickstream", wall_clock(), click("ann", wall_clock()))
            assert reading.stopped.wait(20)

        console.readings.read = slowly
        text = await (await client.get("/customers/ann")).text()
        assert 'data-state="loading"' in text
        assert '<progress max="1000" value="10">' in text
        text = await (await client.get("/customers/ann?stop=1")).text()
        assert 'data-state="partial"' in text
        assert "10 of 1,000" in text
        assert 'data-kind="page_view"' in text

    visiting(tmp_path, visit)


def test_health_counts_dead_letters(tmp_path):
    """By reason, within a day and in all; without workers the page says so."""

    async def visit(client, console):
        topics = Topics()
        for reason in ("unknown_kind", "no_key", "no_key"):
            topics.letter(reason)
        topics.records[0] = replace(topics.records[0], timestamp=wall_clock() - 30 * HOUR)
        await read(console, topics)
        body = await (await client.get("/api/health")).json()
        assert body["dead_letters"] == [
            {"reason": "no_key", "recent": 2, "count": 2},
            {"reason": "unknown_kind", "recent": 0, "count": 1},
        ]
        assert (body["state"], body["workers"], body["lag"]) == ("empty", [], [])
        text = await (await client.get("/health")).text()
        for name in ("lag", "clock", "timers", "dead-letters", "deployments", "workers"):
            assert f'data-testid="{name}"' in text

    visiting(tmp_path, visit)


@pytest.mark.parametrize(("page", "name"), [("segment&segment=big", "segment"), ("health", "health")])
def test_each_page_has_updates(tmp_path, page, name):
    """Their events are named after the page, and tell cells by their keys."""

    async def visit(client, console):
        topics = Topics()
        topics.flip("ann", "enter", "big")
        topics.letter("no_key")
        await read(console, topics)
        async with client.get(f"/live?page={page}") as answer:
            text = ""
            async for chunk in answer.content.iter_any():
                text += chunk.decode()
                if events_of(text):
                    break
        ((told, _, update),) = events_of(text)
        assert told == name
        wanted = {"segment": ("members", 1), "health": ("letters:no_key", 1)}[name]
        assert update["cells"][wanted[0]][0] == wanted[1]

    visiting(tmp_path, visit)


def test_outcomes_are_counted_by_arm(tmp_path):
    """Mature stays, those that reached the goal, and their revenue; not those of enters that nothing happened for."""

    async def visit(client, console):
        topics = Topics()
        for arm, converted in (("treated", True), ("treated", True), ("treated", False), ("control", False)):
            topics.outcome("cart", arm, converted=converted)
        topics.outcome("cart", "treated", converted=True, kind="converted")
        topics.outcome("cart", "treated", converted=True, reason="rule_added")
        await read(console, topics)
        topics.outcome("cart", "treated", converted=True, revenue=10**21)
        topics.outcome("plain", None, converted=False, revenue=None)
        await read(console, topics)
        body = await (await client.get("/api/segments/cart")).json()
        assert body["outcome"] == [
            {"arm": "control", "mature": 1, "converted": 0, "conversion": 0, "goals": 0, "revenue": "0.00"},
            {
                "arm": "treated", "mature": 4, "converted": 3, "conversion": 0.75, "goals": 3,
                "revenue": "10000000000000000099.90",
            },
        ]  # fmt: skip
        page = await (await client.get("/segments/cart")).text()
        assert re.findall(r'data-arm="(\w+)"', page) == ["control", "treated"]
        (plain,) = (await (await client.get("/api/segments/plain")).json())["outcome"]
        assert (plain["arm"], plain["revenue"]) == (None, None)

    visiting(tmp_path, visit)


def test_a_segment_with_values_is_told_by_value(tmp_path):
    """Members, flips, hours, stays and reasons of each value; a customer who is in it twice is one member."""

    async def visit(client, console):
        topics, now = Topics(), wall_clock()
        topics.flip("ann", "enter", "likes", now - 30 * HOUR, value="shoes")
        topics.flip("ann", "enter", "likes", now - 3 * HOUR, value="<b>/&?")
        topics.flip("bob", "enter", "likes", now - 3 * HOUR, value="shoes", reason="timer")
        topics.flip("cat", "enter", "likes", now - 3 * HOUR, value="hats")
        topics.flip("cat", "exit", "likes", now - 2 * HOUR, value="hats")
        topics.flip("cat", "enter", "plain", now)
        await read(console, topics)
        body = await (await client.get("/api/segments/likes")).json()
        assert (body["members"], body["memberships"], body["entered"], body["left"]) == (2, 3, 4, 1)
        assert [tuple(each.values()) for each in body["values"]] == [
            ("shoes", 2, 2, 0), ("<b>/&?", 1, 1, 0), ("hats", 0, 1, 1),
        ]  # fmt: skip
        shoes = await (await client.get("/api/segments/likes?value=shoes")).json()
        assert (shoes["memberships"], [each["members"] for each in shoes["hours"]]) == (2, [1, 2])
        assert [each["customer_id"] for each in shoes["member_list"]] == ["ann", "bob"]
        assert sum(shoes["stays"].values()) == 2
        assert {each["reason"]: each["count"] for each in shoes["reasons"]} == {"event": 1, "timer": 1}
        page = await (await client.get("/segments/likes")).text()
        (address,) = re.findall(r'href="(\?value=[^"]*b[^"]*)"', page)
        page = await (await client.get(f"/segments/likes{address}")).text()
        assert 'data-testid="value" data-value="&lt;b&gt;/&amp;?"' in page
        assert re.findall(r'data-customer="(\w+)" data-of="([^"]+)"', page) == [("ann", "&lt;b&gt;/&amp;?")]
        plain = await (await client.get("/segments/plain")).text()
        assert 'data-testid="values"' not in plain
        assert (await (await client.get("/api/segments/plain")).json())["values"] == []

    visiting(tmp_path, visit)


def test_stays_are_exact_to_the_millisecond(tmp_path):
    """By the hours of the enters and by the enters about each bound, as the memberships are counted one by one."""

    async def visit(_client, console):
        topics, chance, now = Topics(), Random(23), wall_clock()
        bounds = [now - each for each in STAYS]
        for number in range(400):
            at = chance.choice(bounds) + chance.choice(
                (-1, 0, 1, -HOUR, HOUR, -HOUR // 2, chance.randrange(-(10**9), 10**6))
            )
            topics.flip(f"c{number % 90}", "enter", "big", at, value=chance.choice(("a", "b", None)))
            if number % 7 == 0:
                await read(console, topics)
            if number % 5 == 0:
                inside = topics.inside[f"c{number % 90}"]
                for segment, value in list(inside)[:1]:
                    topics.flip(f"c{number % 90}", "exit", segment, value=value)
        topics.erase("c1")
        await read(console, topics)
        for value in (None, "a"):
            stays = [
                now - each["entered_at"]
                for inside in topics.inside.values()
                for (_, of), each in inside.items()
                if value in (None, of)
            ]
            ends = [*STAYS, float("inf")]
            wanted = [
                sum(low <= stay < high for stay in stays)
                for low, high in zip([-1e18, *STAYS], ends, strict=True)
            ]
            asked = Question("big", now, 0, 0, value=value)
            told = await console.reader.ask(segment_contents, console.reader.database, asked)
            assert list(told.stays) == wanted
            assert told.memberships == len(stays)
        by_value = Counter(of for inside in topics.inside.values() for _, of in inside)
        assert {each.value: each.members for each in told.values} == by_value

    visiting(tmp_path, visit)


def test_members_are_found_by_how_their_id_begins(tmp_path):
    """Whatever the characters of the ids and of what is looked for are."""
    ids = ["a", "ab", "abc", "ac", "a%", "a\U0010ffff", "a\U0010ffffz", "b", "é1", "é2", "\ud7ffx", ""]

    async def visit(client, console):
        topics = Topics()
        for each in ids[:-1]:
            topics.flip(each, "enter", "big")
        await read(console, topics)
        for search in ids:
            query = {"q": search}
            members = (await (await client.get("/api/segments/big", params=query)).json())["member_list"]
            customers = (await (await client.get("/api/customers", params=query)).json())["customers"]
            wanted = sorted(each for each in ids[:-1] if each.startswith(search))
            assert [each["customer_id"] for each in members] == customers == wanted, search

    visiting(tmp_path, visit)


@pytest.mark.parametrize(
    ("control", "treated", "verdict", "words"),
    [
        (
            (100, 1_000),
            (2_000, 9_000),
            "more",
            "caused by acting on the segment, provided that all who act on it left",
        ),
        ((100, 1_000), (910, 9_000), "no difference shown", "no difference shown"),
        ((1, 10), (9, 90), "no verdict yet", "missing in"),
    ],
)
def test_the_arms_are_compared_as_in_a_report(tmp_path, control, treated, verdict, words):
    """On request; the page has the words of `segments report` with its verdict, in both languages."""

    async def visit(client, console):
        topics = Topics()
        topics.outcome("carts", "treated", converted=True)
        await read(console, topics)
        assert 'href="?compare=1"' in await (await client.get("/segments/carts")).text()
        figures = found_of(control, treated)
        console.reports.latest = Reported(wall_clock(), as_of=wall_clock(), segments={"carts": figures})
        page = await (await client.get("/segments/carts?lang=en")).text()
        assert f'data-testid="verdict" data-value="{verdict}"' in page
        assert words in page
        body = await (await client.get("/api/segments/carts?compare=1")).json()
        assert body["report"]["found"]["experiment"]["conversion"]["verdict"] == verdict
        assert "Oordeel over" in await (await client.get("/segments/carts?lang=nl")).text()
        console.reports.latest = Reported(wall_clock(), 10, 100)
        assert (
            '<progress data-reload max="100" value="10">'
            in await (await client.get("/segments/carts")).text()
        )

    visiting(tmp_path, visit)


HEALTHY = Health(
    10 * HOUR,
    lag=[{"topic": "clickstream", "partition": 1, "records": 0}],
    clock=[{"partition": 1, "at": 9 * HOUR}],
    workers=[{"worker": "w:1", "answers": True, "partitions": [1], "version": "1", "rules": "a"}],
    deployments=[{"partition": 1, "state": "running", "deployment_id": "d"}],
)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, ""),
        ({"workers": []}, "no_worker"),
        ({"workers": [*HEALTHY.workers, {**HEALTHY.workers[0], "answers": False, "version": ""}]}, "silent"),
        ({"workers": [*HEALTHY.workers, {**HEALTHY.workers[0], "version": "2"}]}, "versions"),
        ({"deployments": [{"partition": 1, "state": "waiting", "deployment_id": None}]}, "waiting"),
        ({"lag": [{"topic": "clickstream", "partition": 1, "records": 3}]}, "behind"),
        ({"letters": [{"reason": "no_key", "recent": 0, "count": 9}]}, ""),
        ({"letters": [{"reason": "no_key", "recent": 2, "count": 9}]}, "dead_letters"),
    ],
)
def test_health_says_what_is_wrong(tmp_path, more, wrong):
    """By what workers and topics tell; a quiet partition, whose clock stands still, is not behind."""

    async def visit(_client, console):
        assert names_of(problems_of(console, replace(HEALTHY, **more))) == wrong

    visiting(tmp_path, visit)


def test_ids_that_became_one_customer_are_told(tmp_path):
    """Where an id goes on, and what is merged into it, by what a worker answers."""

    async def visit(client, console):
        async def answer(request):
            into = {"into": "<b>", "link": "l1", "linked_at": 5, "merged": []}
            merged = [{"customer_id": "old/1", "link": "l1", "at": 1_000, "refused": True}]
            itself = {"into": None, "link": None, "linked_at": None, "merged": merged}
            identity = into if request.match_info["customer"] == "old/1" else itself
            return web.json_response({"known": True, "clock": 9, "segments": [], "identity": identity})

        worker = web.Application()
        worker.add_routes([web.get("/why/{customer}", answer)])
        async with test_utils.TestServer(worker) as server:
            console.workers.group = Group({0: f"127.0.0.1:{server.port}"}, exists=True)
            console.readings.read = events_read()
            body = await (await client.get("/api/customers/old%2F1")).json()
            assert body["identities"] == {"into": "<b>", "merged": []}
            assert 'data-into="&lt;b&gt;"' in await (await client.get("/customers/old%2F1")).text()
            page = await (await client.get("/customers/%3Cb%3E")).text()
            assert re.findall(r'<li data-customer="([^"]+)"', page) == ["old/1"]
            assert "is a dead letter" in page
            assert "old/1 was merged into this one" in page
            gone = await (await client.get("/customers/old%2F1")).text()
            assert "old/1 was merged into this one" not in gone
            body = await (await client.get("/api/customers/%3Cb%3E")).json()
            assert body["identities"]["merged"] == [
                {"customer_id": "old/1", "at": "1970-01-01T00:00:01.000Z", "refused": True}
            ]

    visiting(tmp_path, visit)
