"""Receivers that are slow, wrong or away, and a deliverer that is killed: nothing lost, same ids, order kept."""

import asyncio
import json
import random
import shutil
import time
from collections import defaultdict
from pathlib import Path

import pytest

from streams.delivery.config import read_config
from streams.delivery.service import Service
from streams.settings.settings import Settings
from streams.telemetry.delivery import DeliveryMetrics
from tests.integration.flips import Book, told
from tests.integration.receiver import Reply, receiving, self_signed
from tests.integration.worker_control import scrape, wait_until
from tests.integration.worker_log import read

HOUR, DAY = 3_600_000, 86_400_000


def latest(book):
    """The memberships as they should be at a destination."""
    inside = {}
    for each in book.events:
        inside[each["customer_id"], each["segment"]] = each["transition"] == "enter"
    return {key for key, value in inside.items() if value}


def held(received):
    """The memberships as a destination has them by what it took, in the order in which it came."""
    inside = {}
    for each in received:
        inside[each.customer, each.body["data"]["segment"]] = each.kind == "segment.enter"
    return {key for key, value in inside.items() if value}


def assert_in_order(received):
    """Of each customer no flip comes after a later one, but again with the same id before the next."""
    seen = defaultdict(list)
    for each in received:
        seen[each.customer].append((each.body["data"]["sequence"], each.id))
    for customer, flips in seen.items():
        assert flips == sorted(flips), (customer, flips)
        assert len({sequence for sequence, _ in flips}) == len(set(flips)), (customer, flips)


@pytest.mark.timeout(240)
def test_a_certificate_that_nobody_vouches_for_gets_nothing(book, spawn, config, tmp_path):
    """Not one request comes through, and the flip waits for another attempt."""
    with receiving(self_signed(tmp_path / "cert.pem")) as receiver:
        book.flips(("ann", "enter", "big"))
        running = spawn("deliver", config(crm={"url": receiver.url}))
        wait_until("the certificate is refused", lambda: "certificate" in running.stderr.lower())
        assert receiver.received == []
        assert scrape(running)['segments_delivery_waiting_flips{destination="crm"}'] == 1


@pytest.mark.timeout(240)
def test_a_redirect_is_not_followed(book, spawn, config, receiver):
    """What was meant for one place is sent to no other."""
    with receiving() as elsewhere:
        receiver.choose = lambda _headers, _body: Reply(307, {"Location": elsewhere.url})
        book.flips(("ann", "enter", "big"))
        running = spawn("deliver", config(crm={"url": receiver.url}))
        wait_until("it is said", lambda: "is not followed" in running.stderr)
        assert elsewhere.received == []
        assert receiver.received


@pytest.mark.timeout(240)
def test_a_slow_answer_is_none(book, spawn, config, receiver):
    """After the time-out the same id comes again, and another customer did not wait."""
    slow = [Reply(pause=3)]
    receiver.choose = lambda _headers, body: (
        slow.pop() if slow and body["data"]["customer_id"] == "ann" else Reply()
    )
    book.flips(("ann", "enter", "big"), ("bob", "enter", "big"))
    running = spawn("deliver", config(crm={"url": receiver.url, "timeout": 1}))
    receiver.wait(1)
    assert told(receiver.taken) == [("bob", "enter", "big")]
    receiver.wait(3)
    assert len({each.id for each in receiver.of("ann")}) == 1
    assert "no answer within 1 s" in running.stderr


@pytest.mark.timeout(240)
def test_a_refused_batch_is_halved_until_the_bad_one_is_alone(kafka, book, spawn, config, receiver):
    """One bad contact of thirty fails alone; the other 29 are taken, in batches."""
    bad = "c17"

    def choose(_headers, body):
        return Reply(400 if any(each["subject"] == bad for each in body) else 200)

    receiver.choose = choose
    book.flips(*((f"c{each}", "enter", "big") for each in range(30)))
    spawn("deliver", config(crm={"url": receiver.url, "batch": 30, "rate": 1000}))
    wait_until("a dead letter", lambda: len(read(kafka.address, "delivery-dead-letters")) == 1)
    receiver.wait(0, what=lambda: sum(len(each.body) for each in receiver.taken) >= 29)
    assert {each["subject"] for one in receiver.taken for each in one.body} == {
        f"c{each}" for each in range(30)
    } - {bad}
    (letter,) = read(kafka.address, "delivery-dead-letters")
    assert (letter.key, json.loads(letter.value)[0]["subject"]) == (b"c17", bad)
    assert len(receiver.received) < 20


@pytest.mark.timeout(120)
def test_halves_of_a_refused_batch_heed_what_is_said_meanwhile(book, spawn, config, receiver):
    """The first half is asked to wait: the second waits, too. Of it one is erased by then, who is not sent."""
    replies = [Reply(400), Reply(429, {"Retry-After": "4"})]
    receiver.choose = lambda _headers, _body: replies.pop(0) if replies else Reply()
    book.flips(*((f"c{each}", "enter", "big") for each in range(4)))
    spawn("deliver", config(crm={"url": receiver.url, "batch": 4, "rate": 1000}))
    receiver.wait(0, what=lambda: len(receiver.received) >= 2)
    assert [each.status for each in receiver.received] == [400, 429]
    first = {each["subject"] for each in receiver.received[1].body}
    (gone, *_), kept = sorted({f"c{each}" for each in range(4)} - first), 3
    book.erase(gone)
    receiver.wait(0, what=lambda: sum(len(each.body) for each in receiver.taken) >= kept)
    assert receiver.taken[0].at - receiver.received[1].at >= 3.5
    entered = [each for one in receiver.taken for each in one.body if each["type"] == "segment.enter"]
    assert {each["subject"] for each in entered} == {f"c{each}" for each in range(4)} - {gone}


@pytest.mark.timeout(120)
def test_what_was_sent_at_once_is_not_sent_again(book, spawn, run, config, receiver):
    """Who entered, left and entered before --full is in: what `deliver` reads afterwards of it was had."""
    book.flips(("ann", "enter", "big"))
    book.flips(("ann", "exit", "big"))
    book.flips(("ann", "enter", "big"))
    file = config(crm={"url": receiver.url})
    assert run("deliver", file, "--full").returncode == 0
    running = spawn("deliver", file)
    book.flips(("bob", "enter", "big"))
    receiver.wait(2)
    had = 'segments_delivery_flips_total{destination="crm",outcome="had"}'
    wait_until("the three were had", lambda: scrape(running).get(had) == 3)
    assert told(receiver.taken) == [("ann", "enter", "big"), ("bob", "enter", "big")]


@pytest.mark.timeout(120)
def test_a_segment_taken_out_of_the_file_is_left(book, spawn, config, receiver):
    """The exit of what was sent goes out, new enters do not."""
    book.flips(("ann", "enter", "big"), ("ann", "enter", "small"))
    first = spawn("deliver", config(crm={"url": receiver.url}))
    receiver.wait(2)
    first.process.terminate()
    assert first.wait(20) == 0
    spawn("deliver", config(crm={"url": receiver.url, "segments": ["small"]}))
    book.flips(("bob", "enter", "big"), ("ann", "exit", "big"))
    book.flips(("bob", "exit", "big"), ("cat", "enter", "small"))
    receiver.wait(4)
    assert sorted(told(receiver.taken[2:])) == [("ann", "exit", "big"), ("cat", "enter", "small")]


@pytest.mark.timeout(300)
def test_killed_at_any_moment_nothing_is_lost(book, spawn, config, receiver):
    """Ten times kill -9 amid flips and failures: same ids, order kept, and the destination has what is so."""
    dice = random.Random(4)
    receiver.choose = lambda _headers, _body: (
        Reply(503, {"Retry-After": "0"}) if dice.random() < 0.2 else Reply(pause=dice.random() / 50)
    )
    file = config(crm={"url": receiver.url, "rate": 300, "burst": 50})
    inside = set()
    for _ in range(10):
        running = spawn("deliver", file)
        for _ in range(15):
            flips = {}
            for customer in dice.sample([f"c{each}" for each in range(30)], 8):
                flips[customer] = (customer, "exit" if customer in inside else "enter", "big")
                inside ^= {customer}
            book.flips(*flips.values())
        enough = len(receiver.received) + 5
        receiver.wait(0, what=lambda enough=enough: len(receiver.received) >= enough)
        time.sleep(dice.random() / 2)
        running.kill()
    running = spawn("deliver", file)
    receiver.wait(0, 60, what=lambda: held(receiver.taken) == latest(book) and receiver.taken)
    wait_until(
        "all is settled",
        lambda: scrape(running).get('segments_delivery_waiting_flips{destination="crm"}') == 0,
    )
    assert held(receiver.taken) == latest(book)
    assert_in_order(receiver.received)
    assert {each.id for each in receiver.received} <= {each["event_id"] for each in book.events}
    assert len(receiver.received) >= 50
    assert max(receiver.most_together.values()) == 1


class Days:
    """A clock that lets time pass where nothing happens."""

    def __init__(self):
        self.ahead = 0
        self.moved = asyncio.Event()

    def now(self):
        """Milliseconds since 1970."""
        return int(time.time() * 1000) + self.ahead

    async def wait(self, event, until):
        """Return when the event is set; if it is not for a moment, it is the instant until which was to be waited."""
        try:
            async with asyncio.timeout(0.3):
                await event.wait()
        except TimeoutError:
            if until is not None:
                self.ahead += max(0, until - self.now())
                self.moved.set()

    async def reaches(self, instant):
        """Return once that much time has passed."""
        while self.now() < instant:
            self.moved.clear()
            await self.moved.wait()


@pytest.mark.timeout(180)
def test_a_destination_that_is_away_for_a_day(book, config, receiver, environment, monkeypatch):
    """By a clock that runs fast: when it is back it gets who is in now, in order, with the ids of the first attempts."""
    for name, value in environment.items():
        if name.startswith("SEGMENTS_"):
            monkeypatch.setenv(name, value)
    clock, began = Days(), int(time.time() * 1000)
    receiver.choose = lambda _headers, _body: Reply(200 if clock.now() - began > DAY else 500)
    book.flips(*((f"c{each}", "enter", "big") for each in range(6)))
    to = read_config(Path(config(crm={"url": receiver.url, "rate": 1000})))

    async def deliver():
        service = Service(Settings(), to, {}, None, DeliveryMetrics(["crm"]), tuple, clock)
        stop = asyncio.Event()
        await service.start(2)
        running = asyncio.create_task(service.run(stop))
        await clock.reaches(began + DAY // 2)
        await asyncio.to_thread(
            book.flips, ("c0", "exit", "big"), ("c1", "exit", "big"), ("c1", "enter", "big")
        )
        while held(receiver.taken) != latest(book):
            assert not running.done()
            await asyncio.sleep(0.1)
        stop.set()
        await running
        await service.stop()

    asyncio.run(deliver())
    assert_in_order([each for each in receiver.received if each.customer not in ("c0", "c1")])
    assert {each.customer for each in receiver.taken} == {f"c{each}" for each in range(6)}
    tries = defaultdict(list)
    for each in receiver.received:
        tries[each.id].append(each.status)
    first = [tries[each["event_id"]] for each in book.events[2:6]]
    assert all(statuses[-1] == 200 and len(statuses) >= 7 for statuses in first)
    assert max(map(len, first)) <= 10
    enter = next(each for each in book.events if each["customer_id"] == "c1")
    assert 200 not in tries[enter["event_id"]]


@pytest.mark.timeout(240)
def test_a_flood_to_a_slow_destination_disturbs_nobody(book, spawn, config, receiver):
    """1,000 flips a second to one that takes 50: memory is bounded, the age is told, and the fast one has them all."""
    flips = 12_000
    with receiving() as fast:
        running = spawn(
            "deliver",
            config(
                slow={"url": receiver.url, "rate": 50, "segments": ["big"], "window": 500},
                fast={
                    "url": fast.url,
                    "format": "webhook",
                    "rate": 5000,
                    "burst": 500,
                    "batch": 500,
                    "concurrency": 8,
                },
            ),
        )
        book.flips(("first", "enter", "big"))
        receiver.wait(1)
        fast.wait(1)
        before = scrape(running)["process_resident_memory_bytes"]
        began = time.monotonic()
        for start in range(0, flips, 500):
            book.flips(*((f"c{each}", "enter", "big") for each in range(start, start + 500)))
            time.sleep(max(0, began + (start + 500) / 1000 - time.monotonic()))
        fast.wait(0, 60, what=lambda: sum(len(each.body) for each in fast.taken) >= flips + 1)
        seen = scrape(running)
    waiting = seen['segments_delivery_waiting_flips{destination="slow"}']
    age = time.time() - seen['segments_delivery_oldest_timestamp_seconds{destination="slow"}']
    assert 0 < waiting <= 500
    assert age > 5
    assert seen["process_resident_memory_bytes"] - before < 100 << 20
    assert seen['segments_delivery_waiting_flips{destination="fast"}'] == 0
    taken = len(receiver.taken)
    assert taken < 60 * (time.monotonic() - began)
    receiver.wait(taken + 50)  # the slow one goes on, at whatever pace the machine allows


@pytest.mark.timeout(180)
def test_all_at_once_and_the_repair_of_a_list(book, spawn, run, config, receiver, tmp_path):
    """--full sends who is in, with the ids of their enters; --reconcile what differs, and who does not agree leaves."""
    for customer in ("ann", "bob", "cat"):
        book.consent(customer, customer != "cat")
    enters = book.flips(
        ("ann", "enter", "big"), ("bob", "enter", "big"), ("cat", "enter", "big"), ("ann", "enter", "small")
    )
    file = config(crm={"url": receiver.url, "segments": ["big"], "consent": "marketing"})
    full = run("deliver", file, "--full")
    assert full.returncode == 0, full.stderr
    assert "crm: 2 delivered, 1 no consent" in full.stderr
    assert {each.id for each in receiver.taken} == {each["event_id"] for each in enters[:2]}

    (tmp_path / "list.csv").write_text("customer_id\nann\ncat\nzoe\n")
    repaired = run("deliver", file, "--only", "crm", "--reconcile", str(tmp_path / "list.csv"))
    assert "crm: 1 missing, 2 too many" in repaired.stderr
    assert repaired.returncode == 0, repaired.stderr
    assert sorted(told(receiver.taken[2:])) == [
        ("bob", "enter", "big"),
        ("cat", "exit", "big"),
        ("zoe", "exit", "big"),
    ]
    assert {each.body["data"]["reason"] for each in receiver.taken[2:]} == {"reconcile"}
    (tmp_path / "list.csv").write_text("customer_id\nann\nbob\n")
    same = run("deliver", file, "--reconcile", str(tmp_path / "list.csv"))
    assert "crm: 0 missing, 0 too many" in same.stderr

    spawn("deliver", file)
    book.flips(("ann", "exit", "big"))
    receiver.wait(6)
    assert told(receiver.taken)[5:] == [("ann", "exit", "big")]


@pytest.mark.timeout(240)
def test_another_file_of_what_was_sent_is_refused(book, spawn, run, config, receiver, environment):
    """Two processes at once, or one with an empty folder, would not know whose exits to send."""
    book.flips(("ann", "enter", "big"))
    file = config(crm={"url": receiver.url})
    first = spawn("deliver", file)
    receiver.wait(1)
    second = run("deliver", file)
    assert (second.returncode, "another process delivers to crm" in second.stderr) == (1, True)
    first.process.terminate()
    assert first.wait(20) == 0
    shutil.rmtree(Path(environment["SEGMENTS_DATA_DIR"]) / "deliver")
    empty = run("deliver", file)
    assert empty.returncode == 1
    assert "--take-over" in empty.stderr
    spawn("deliver", file, "--take-over")
    book.flips(("bob", "enter", "big"))
    receiver.wait(2)


@pytest.mark.timeout(240)
def test_a_broker_that_goes_away_is_waited_for(own_broker, spawn, run, config, receiver):
    """Killed while flips wait: nothing is decided meanwhile, and all goes on when it is back."""
    own_broker.start()
    address = {"SEGMENTS_BROKERS": own_broker.address}
    assert run("topics", "create", "--partitions", "2", env=address).returncode == 0
    book = Book(own_broker.address)
    book.flips(("ann", "enter", "big"))
    running = spawn("deliver", config(crm={"url": receiver.url}), env=address)
    receiver.wait(1)
    own_broker.kill()
    time.sleep(3)
    own_broker.start()
    book = Book(own_broker.address, "another")
    book.flips(("bob", "enter", "big"))
    receiver.wait(2, 90)
    assert running.process.poll() is None
    assert told(receiver.taken) == [("ann", "enter", "big"), ("bob", "enter", "big")]
