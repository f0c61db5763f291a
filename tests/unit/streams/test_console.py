"""The console over recorded topics: its numbers, who is let in, languages, hostile text, and its file."""

import ast
import asyncio
import hashlib
import re
import sqlite3
import stat

import pytest
from yarl import URL

from segments.insight.varying import YEARS
from segments.language.nodes.durations import UNITS
from streams.clock import wall_clock
from streams.console.database import HOUR, Database
from streams.console.figures import Figures
from streams.console.texts import DUTCH
from tests.kit.console import PLAIN, Topics, events_of, read, visiting
from tests.unit.repository import ROOT

pytestmark = pytest.mark.timeout(60)
TOKEN = "a-token-of-the-test"


async def numbers(client):
    """The segments of the API by id."""
    body = await (await client.get("/api/segments")).json()
    return {line["segment"]: line for line in body["segments"]}, body


def test_the_numbers_of_segments_are_those_of_the_topics(tmp_path):
    """Members, share, entered, left and trend of a week, the latest change, in none, and the overlap."""

    async def visit(client, console):
        topics, now = Topics(), wall_clock()
        topics.flip("ann", "enter", "big", now - 30 * 24 * HOUR)
        topics.flip("bob", "enter", "big", now - 2 * HOUR)
        topics.flip("bob", "enter", "new", now - HOUR)
        topics.flip("cat", "enter", "new", now - 5)
        last = topics.flip("cat", "exit", "new", now - 3)
        topics.flip("dan", "enter", "big", now - 3 * HOUR)
        topics.flip("dan", "enter", "new", now - 3 * HOUR)
        await read(console, topics)
        found, body = await numbers(client)
        big, new = found["big"], found["new"]
        assert (big["members"], big["entered"], big["left"], big["trend"]) == (3, 2, 0, 2)
        assert (new["members"], new["entered"], new["left"], new["trend"]) == (2, 3, 1, 2)
        assert big["share"] == 3 / 4
        assert new["fresh"].startswith("20")
        assert body["in_none"] == 1
        assert body["customers"] == 4
        assert [(each["first"], each["second"], each["customers"]) for each in body["overlap"]] == [
            ("big", "new", 2)
        ]
        page = await (await client.get("/segments")).text()
        assert f'data-field="fresh" data-value="{last["occurred_at"]}"' in page
        assert 'data-testid="in-none" data-value="1"' in page
        assert 'data-state="ready"' in page

    visiting(tmp_path, visit)


def test_figures_made_from_the_file_are_those_that_were_kept(tmp_path):
    """After a restart each number is what it was, whatever happened before."""

    async def visit(_client, console):
        topics = Topics()
        for number in range(200):
            customer = f"c{number}"
            for place in range(number % 5):
                segment = (number + place) % 7
                for value in ("a", "b")[: number % 3] if segment == 6 else (None,):
                    topics.flip(customer, "enter", f"s{segment}", value=value)
            for segment, value in list(topics.inside[customer])[: number % 3]:
                topics.flip(customer, "exit", segment, value=value)
            if number % 11 == 0:
                topics.erase(customer)
        await read(console, topics)
        kept = console.reader.figures.snapshot()
        anew = await console.reader.ask(lambda: Figures(console.reader.database, wall_clock()).snapshot())
        plain = [
            {name: (row.members, row.entered, row.left, row.fresh) for name, row in each.rows.items()}
            for each in (kept, anew)
        ]
        assert plain[0] == plain[1]
        assert (kept.customers, kept.in_none, kept.overlap) == (anew.customers, anew.in_none, anew.overlap)
        assert kept.overlap
        everybody = [{segment for segment, _ in each} for each in topics.inside.values()]
        inside = {name: len([1 for each in everybody if name in each]) for name in kept.rows}
        assert {name: row.members for name, row in kept.rows.items()} == inside

    visiting(tmp_path, visit)


def test_who_is_erased_leaves_no_byte_in_the_file(tmp_path):
    """Neither row nor journal has the id any more, while neighbours stay."""

    async def visit(client, console):
        topics = Topics()
        for number in range(500):
            topics.flip(f"customer-{number:03}-x", "enter", "big")
        await read(console, topics)
        for number in range(0, 500, 3):
            topics.erase(f"customer-{number:03}-x")
        await read(console, topics)
        found, body = await numbers(client)
        assert found["big"]["members"] == body["customers"] == 333
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert [number for number in range(0, 500, 3) if b"customer-%03d-x" % number in left] == []
        assert b"customer-001-x" in left

    visiting(tmp_path, visit)


def test_a_file_that_cannot_be_used_is_made_anew(tmp_path):
    """Damaged, empty, or of another format: a new one, for the owner's eyes alone."""
    file = tmp_path / "console.db"
    for content in (None, b"no database at all" * 100, b""):
        if content is not None:
            file.write_bytes(content)
        database = Database(file)
        assert database.positions() == {}
        database.note("as_of", 7)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        database.close()
    assert _noted(file) == 7
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert _noted(file) is None
    whole = bytearray(file.read_bytes())
    whole[4096 + 5 : 4096 + 400] = b"\xff" * 395
    file.write_bytes(whole)
    assert _noted(file) is None


def _noted(file):
    database = Database(file)
    try:
        return database.noted("as_of")
    finally:
        database.close()


def test_states_of_the_page(tmp_path):
    """Empty, loading with its progress, error with words, partial with the partitions."""

    async def visit(client, console):
        async def page():
            return await (await client.get("/segments")).text()

        assert 'data-state="empty"' in await page()
        console.progress.caught_up, console.progress.total, console.progress.read = False, 200, 50
        text = await page()
        assert 'data-state="loading"' in text
        assert '<progress max="200" value="50">' in text
        console.progress.problem = "no Kafka broker answers"
        text = await page()
        assert 'data-state="error"' in text
        assert "no Kafka broker answers" in text
        console.progress.problem, console.progress.caught_up = None, True
        console.progress.partitions = 3
        console.workers.group = type(console.workers.group)({1: "worker:1"}, ("worker:1",), exists=True)
        text = await page()
        assert 'data-state="partial"' in text
        assert "partitions 0, 2" in text
        assert (await (await client.get("/api/segments")).json())["partitions"] == [0, 2]

    visiting(tmp_path, visit)


def test_foreign_hosts_and_origins_are_refused(tmp_path):
    """421 for a name that is not ours, but for the probes; 403 for a form of another page."""

    async def visit(client, _console):
        own = f"127.0.0.1:{client.port}"
        for host, status in (
            *(
                (own, 200),
                ("localhost:1", 200),
                ("[::1]:1", 200),
                ("console.shop", 200),
                ("CONSOLE.shop:8443", 200),
            ),
            *(("evil.example", 421), ("127.0.0.1.evil.example", 421), ("192.0.2.7", 421), ("[", 421)),
        ):
            answer = await client.get("/api/segments", headers={"Host": host})
            assert answer.status == status, host
            assert "Content-Security-Policy" in answer.headers
        assert (await client.get("/healthz", headers={"Host": "evil.example"})).status == 200
        for origin, status in (
            *((None, 403), ("null", 403), ("http://evil.example", 403), (f"http://{own}.evil", 403)),
            (f"http://{own}", 401),
        ):
            headers = {} if origin is None else {"Origin": origin}
            answer = await client.post("/login", data={"token": "x"}, headers=headers)
            assert answer.status == status, origin

    async def logged_in(client, console):
        client.session.headers["Authorization"] = f"Bearer {TOKEN}"
        await visit(client, console)

    visiting(tmp_path, logged_in, http_hosts="console.shop", http_token=TOKEN)


def test_the_token_opens_the_pages(tmp_path):
    """Pages send to /login, /api and /live say 401; a login sets a cookie that opens all of them."""

    async def visit(client, _console):
        origin = {"Origin": f"http://127.0.0.1:{client.port}"}
        for path in ("/segments", "/"):
            answer = await client.get(path, allow_redirects=False)
            assert answer.status == 303
            assert answer.headers["Location"].startswith("/login")
        wanted = "/segments/a%2Fb?value=x%26y"
        answer = await client.get(URL(wanted, encoded=True), allow_redirects=False)
        asked = answer.headers["Location"]
        page = await (await client.get(URL(asked, encoded=True))).text()
        assert 'name="next" value="/segments/a%2Fb?value=x%26y"' in page
        for path in ("/api/segments", "/live"):
            assert (await client.get(path)).status == 401
        assert (await client.get("/static/console.css")).status == 200
        assert (await client.post("/login", data={"token": "wrong"}, headers=origin)).status == 401
        answer = await client.post(
            "/login", data={"token": TOKEN, "next": "//evil.example"}, headers=origin, allow_redirects=False
        )
        assert (answer.status, answer.headers["Location"]) == (303, "/segments")
        given = {"token": TOKEN, "next": wanted}
        other = await client.post("/login", data=given, headers=origin, allow_redirects=False)
        assert (other.status, other.headers["Location"]) == (303, wanted)
        cookie = answer.cookies["segments_session"]
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", "")
        client.session.cookie_jar.update_cookies({"segments_session": cookie.value})
        assert (await client.get("/api/segments", cookies={"segments_session": cookie.value})).status == 200
        answer = await client.post(
            "/login",
            data={"token": TOKEN},
            headers=origin | {"X-Forwarded-Proto": "https"},
            allow_redirects=False,
        )
        assert answer.cookies["segments_session"]["secure"] is True
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/api/segments", headers=bearer)).status == 200

    visiting(tmp_path, visit, http_token=TOKEN)


def test_five_wrong_tokens_a_minute(tmp_path):
    """After five the right one is not looked at either, by form or header, until the minute is over."""

    async def visit(client, _console):
        origin = {"Origin": f"http://127.0.0.1:{client.port}"}
        for number in range(5):
            assert (
                await client.post("/login", data={"token": f"wrong{number}"}, headers=origin)
            ).status == 401
        assert (await client.post("/login", data={"token": TOKEN}, headers=origin)).status == 429
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/api/segments", headers=bearer)).status == 401

    visiting(tmp_path, visit, http_token=TOKEN)


def test_headers_of_every_answer(tmp_path):
    """Pages, JSON, files, redirects, errors and streams carry the policy, nosniff, no-referrer and no-store."""

    async def visit(client, _console):
        for path in ("/segments", "/api/segments", "/static/console.js", "/nothing", "/live", "/api/nothing"):
            answer = await client.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert policy == (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            )
            told = [
                answer.headers[name]
                for name in ("X-Content-Type-Options", "Referrer-Policy", "Cache-Control")
            ]
            assert told == ["nosniff", "no-referrer", "no-store"], path
            answer.close()

    visiting(tmp_path, visit)


@pytest.mark.parametrize(
    ("path", "headers", "language"),
    [
        ("/segments", {}, "en"),
        ("/segments?lang=nl", {"Accept-Language": "en"}, "nl"),
        ("/segments", {"Cookie": "lang=nl", "Accept-Language": "en"}, "nl"),
        ("/segments", {"Accept-Language": "de, nl;q=0.5, en;q=0.4"}, "nl"),
        ("/segments?lang=xx", {"Accept-Language": "nl-BE"}, "nl"),
        ("/nothing?lang=nl", {}, "nl"),
    ],
)
def test_the_language_of_a_page(tmp_path, path, headers, language):
    """?lang, then the cookie, then Accept-Language; an unknown one counts for nothing."""

    async def visit(client, _console):
        answer = await client.get(path, headers=headers)
        text = await answer.text()
        assert f'<html lang="{language}">' in text
        assert ("Alle segmenten" in text) == (language == "nl")
        if "lang=nl" in path:
            assert answer.cookies["lang"].value == "nl"

    visiting(tmp_path, visit)


def test_metrics_tell_how_far_it_is_and_what_it_answered(tmp_path):
    """Without the token, and without anything of a customer."""

    async def visit(client, console):
        topics = Topics()
        topics.flip("ann", "enter", "big")
        await read(console, topics)
        assert (await client.get("/customers/ann")).status == 200
        text = await (await client.get("/metrics", headers={"Host": "prometheus"})).text()
        assert 'segments_console_answers_total{status="2xx"} 1.0' in text
        assert "segments_console_customers 1.0" in text
        assert "ann" not in text

    visiting(tmp_path, visit)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "x" * 10_000,
    "\u202egnp.exe",
    "a\0b\r\nc",
)


@pytest.mark.parametrize("segment", HOSTILE)
def test_text_from_outside_is_nothing_but_text(tmp_path, segment):
    """Markup is escaped, what is long is cut, what turns the line or is invisible is told as a code."""

    async def visit(client, console):
        topics = Topics()
        topics.flip("ann", "enter", segment)
        await read(console, topics)
        text = await (await client.get("/segments")).text()
        body = text.partition("<tbody>")[2]
        shown = body.partition("<bdi>")[2].partition("</bdi>")[0]
        assert "<" not in shown
        assert len(shown) < 400
        assert "\u202e" not in shown
        assert "\0" not in shown
        assert "<script>alert" not in text
        assert "<img" not in text
        found, _ = await numbers(client)
        assert found[segment]["members"] == 1

    visiting(tmp_path, visit)


def test_updates_tell_what_changed(tmp_path):
    """A stream sends the changed rows with an id, and after a reconnect with that id only what came since."""

    async def visit(client, console):
        topics = Topics()
        topics.flip("ann", "enter", "big")
        topics.flip("ann", "enter", "new")
        await read(console, topics)

        async def first(**headers):
            async with client.get("/live?page=segments", headers=headers) as answer:
                assert answer.headers["Content-Type"] == "text/event-stream"
                text = ""
                async for chunk in answer.content.iter_any():
                    text += chunk.decode()
                    if events_of(text):
                        break
                return events_of(text)[0]

        name, id, update = await first()
        assert name == "segments"
        assert {line["segment"] for line in update["rows"]} == {"big", "new"}
        topics.flip("bob", "enter", "new")
        await read(console, topics)
        _, later, update = await first(**{"Last-Event-ID": id})
        assert [(line["segment"], line["members"]) for line in update["rows"]] == [("new", 2)]
        assert later != id

    visiting(tmp_path, visit)


def test_a_change_does_not_wait_for_the_instant_that_pages_are_as_of(tmp_path):
    """While nothing changes the instant is told seldom, so that a change is sent at once; after it the next one waits a second."""

    async def visit(client, console):
        topics = Topics()
        topics.flip("ann", "enter", "big")
        await read(console, topics)
        clock = asyncio.get_running_loop().time
        async with client.get("/live?page=segments") as answer:
            chunks = answer.content.iter_any()

            async def update():
                text = ""
                while not (found := events_of(text)):
                    text += (await anext(chunks)).decode()
                return found[0][2]

            await update()
            for _ in range(3):
                await asyncio.sleep(0.5)
                console.progress.as_of = wall_clock()
                for tell in console.reader.changed:
                    tell()
            began = clock()
            topics.flip("bob", "enter", "big")
            await read(console, topics)
            assert [(line["segment"], line["members"]) for line in (await update())["rows"]] == [("big", 2)]
            at_once = clock() - began
            topics.flip("cat", "enter", "big")
            await read(console, topics)
            assert [line["members"] for line in (await update())["rows"]] == [3]
            assert clock() - began - at_once > 0.9
        assert at_once < 0.6

    visiting(tmp_path, visit)


def test_updates_are_bounded(tmp_path):
    """Of a thousand segments that changed at once an update has 32 kB, and all are told in the end."""

    async def visit(client, console):
        topics = Topics()
        entry = {"segment_version": "v1", "entered_at": 1, "episode": 1, "valid_until": None, **PLAIN}
        topics.inside["ann"] = {
            (name, None): {"segment": name, **entry} for name in map("segment_{:04}".format, range(1_000))
        }
        topics.memberships("ann", wall_clock())
        await read(console, topics)
        since, seen = "", set()
        while len(seen) < 1_000:
            async with client.get("/live", headers={"Last-Event-ID": since}) as answer:
                text = ""
                while "data: " not in text or not text.endswith("\n\n"):
                    text += (await answer.content.readany()).decode()
            ((_, since, update),) = events_of(text)
            assert len(text.encode()) < 32_768
            assert update["rows"]
            seen |= {line["segment"] for line in update["rows"]}

    visiting(tmp_path, visit)


ROOM = ROOT / "streams" / "console"


def said():
    """Each text that a template or a module of the console says, by its English."""
    for file in ROOM.glob("templates/*.html"):
        text = file.read_text()
        yield from re.findall(r'say\("((?:[^"\\]|\\.)*)"', text)
        yield from re.findall(r"{# say #}([^{]*)", text)
    yield from (YEARS, *(unit for unit, _ in UNITS))
    for file in ROOM.glob("*.py"):
        if file.name == "texts.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in DUTCH:
                yield node.value


def test_every_text_has_a_dutch_one():
    """The table has what templates say and nothing that nobody says; placeholders are the same."""
    found = set(said())
    assert found - DUTCH.keys() == set()
    assert DUTCH.keys() - found == set()
    for english, other in DUTCH.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", other))


def test_what_is_vendored_is_what_was_released():
    """The files of uPlot have the checksums that were noted when they were taken from the registry."""
    sums = (ROOM / "static" / "SHA256SUMS").read_text().splitlines()
    assert {line.split()[1] for line in sums} == {each.name for each in ROOM.glob("static/uplot-*")}
    for line in sums:
        checksum, file = line.split()
        assert hashlib.sha256((ROOM / "static" / file).read_bytes()).hexdigest() == checksum
