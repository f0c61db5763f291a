"""`segments deliver` over a real broker, to a receiver of this test."""

import asyncio
import json

import pytest
from aiokafka import AIOKafkaProducer

import schemas
from streams.delivery.flip import Flip, Place
from streams.delivery.lanes import Waiting
from streams.delivery.letters import Letters
from tests.integration.flips import now, told
from tests.integration.receiver import Reply
from tests.integration.worker_control import stop, wait_until
from tests.integration.worker_log import produce, read
from tests.kit.records import SEEN, view


@pytest.mark.timeout(240)
def test_enters_and_exits_are_sent_in_order(book, spawn, config, receiver):
    """Each flip once, in the order of its customer, one request at a time for each; other segments are passed over."""
    book.flips(("ann", "enter", "big"), ("bob", "enter", "big"), ("ann", "enter", "other"))
    spawn("deliver", config(crm={"url": receiver.url, "segments": ["big"]}))
    receiver.wait(2)
    events = book.flips(("ann", "exit", "big"), ("ann", "enter", "big"), ("bob", "exit", "big"))
    receiver.wait(5)
    assert [each for each in told(receiver.taken) if each[0] == "ann"] == [
        ("ann", "enter", "big"), ("ann", "exit", "big"), ("ann", "enter", "big"),
    ]  # fmt: skip
    assert {each.id for each in receiver.taken} >= {each["event_id"] for each in events}
    assert max(receiver.most_together.values()) == 1
    data = receiver.of("bob")[0].body["data"]
    assert (data["reason"], data["evidence"][0]["value"], data["sequence"]) == ("event", "3", 1)


@pytest.mark.timeout(240)
def test_a_failure_is_tried_again_with_the_same_id(book, spawn, config, receiver):
    """After 500, half an answer, a redirect and a 429 the same id comes again, at once or as told; nobody else waits."""
    replies = [Reply(429, {"Retry-After": "1"}), Reply(500, {"Retry-After": "1"}), Reply(half=True), Reply()]
    left = {"ann": list(replies)}
    receiver.choose = lambda _headers, body: (left.get(body["data"]["customer_id"]) or [Reply()]).pop(0)
    book.flips(("ann", "enter", "big"))
    spawn("deliver", config(crm={"url": receiver.url}))
    receiver.wait(0, what=lambda: len(receiver.received) >= 3)
    book.flips(("bob", "enter", "big"))
    receiver.wait(0, what=lambda: receiver.of("bob"))
    came = receiver.of("ann")
    assert len({each.id for each in came}) == 1
    assert came[1].at - came[0].at >= 0.9
    assert len({each.headers["webhook-timestamp"] for each in came}) > 1


@pytest.mark.timeout(240)
def test_what_is_refused_goes_to_the_dead_letters(kafka, book, spawn, run, config, receiver):
    """A 400 is given up at once with status and attempts, the exit is sent all the same, and `retry` sends it again."""
    refused = {"ann": True}

    def choose(_headers, body):
        bad = refused.get(body["data"]["customer_id"]) and body["type"] == "segment.enter"
        return Reply(400, text="no such contact") if bad else Reply()

    receiver.choose = choose
    book.flips(("ann", "enter", "big"), ("bob", "enter", "big"))
    spawn("deliver", config(crm={"url": receiver.url}))
    receiver.wait(1)
    wait_until("a dead letter", lambda: len(read(kafka.address, "delivery-dead-letters")) == 1)
    (letter,) = read(kafka.address, "delivery-dead-letters")
    headers = {name: value.decode() for name, value in letter.headers if name != "flip"}
    assert letter.key == b"ann"
    assert {name: headers[name] for name in ("destination", "status", "attempts", "error")} == {
        "destination": "crm", "status": "400", "attempts": "1", "error": "no such contact",
    }  # fmt: skip
    assert json.loads(letter.value) == receiver.of("ann")[0].body

    shown = run("dead-letters", "show", "--deliveries")
    assert "400" in shown.stdout
    assert "crm" in shown.stdout
    assert "1 would be sent again" in run("dead-letters", "retry", "--deliveries").stdout
    refused.clear()
    done = run("dead-letters", "retry", "--deliveries", "--yes")
    assert "1 sent again" in done.stdout, done.stderr
    receiver.wait(2)
    assert told(receiver.taken)[-1] == ("ann", "enter", "big")
    assert "nothing to send" in run("dead-letters", "retry", "--deliveries", "--yes").stdout
    book.flips(("ann", "exit", "big"))
    receiver.wait(3)


@pytest.mark.timeout(120)
def test_a_letter_of_a_long_body_is_cut_and_not_sent_again(kafka, book, run):
    """Kafka does not take it as a whole: its beginning is kept, and `retry` says where the rest is."""
    (event,) = book.flips(("ann", "enter", "big"))
    place = Place("segment-events", 0, 0)
    waiting = Waiting(Flip(event, place, place, 0, b"raw"), 3, failure=(413, "too long"))

    async def give_up():
        async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
            await Letters("crm", producer).give_up(waiting, b"x" * 3_000_000)

    asyncio.run(give_up())
    (letter,) = read(kafka.address, "delivery-dead-letters")
    names = {name for name, _ in letter.headers}
    assert (len(letter.value), "truncated" in names, "flip" in names) == (65_536, True, False)
    refused = run("dead-letters", "retry", "--deliveries", "--yes")
    assert refused.returncode == 1
    assert "segment-events-0 offset 0 has all of it" in refused.stderr


@pytest.mark.timeout(240)
def test_an_exit_is_sent_after_an_enter_that_was_given_up(book, spawn, config, receiver):
    """The destination may have acted on what it refused to confirm."""
    receiver.choose = lambda _headers, body: Reply(422 if body["type"] == "segment.enter" else 200)
    book.flips(("ann", "enter", "big"))
    spawn("deliver", config(crm={"url": receiver.url}))
    receiver.wait(0, what=lambda: receiver.received)
    book.flips(("ann", "exit", "big"))
    receiver.wait(1)
    assert told(receiver.received) == [("ann", "enter", "big"), ("ann", "exit", "big")]


@pytest.mark.timeout(240)
def test_410_disables_until_it_is_enabled(book, spawn, config, receiver):
    """It is said, nothing is sent any more, after a restart neither; --enable begins again where it was."""
    receiver.choose = lambda _headers, _body: Reply(410)
    book.flips(("ann", "enter", "big"))
    file = config(crm={"url": receiver.url})
    first = spawn("deliver", file)
    wait_until("it is said", lambda: "disabled" in first.stderr)
    book.flips(("bob", "enter", "big"))
    first.process.terminate()
    assert first.wait(20) == 0
    second = spawn("deliver", file)
    wait_until("it is said again", lambda: "--enable crm" in second.stderr)
    second.process.terminate()
    assert second.wait(20) == 0
    assert len(receiver.received) == 1
    receiver.choose = lambda _headers, _body: Reply()
    spawn("deliver", file, "--enable", "crm")
    receiver.wait(2)
    assert sorted(told(receiver.taken)) == [("ann", "enter", "big"), ("bob", "enter", "big")]


@pytest.mark.timeout(240)
def test_an_overtaken_enter_is_dropped_with_its_exit(book, spawn, config, receiver):
    """Who came and went before anybody was told is told of to nobody; who came back is."""
    book.flips(
        ("ann", "enter", "big"), ("ann", "exit", "big"), ("bob", "enter", "big"), ("bob", "exit", "big")
    )
    book.flips(("bob", "enter", "big"))
    spawn("deliver", config(crm={"url": receiver.url}))
    receiver.wait(1)
    book.flips(("cat", "enter", "big"))
    receiver.wait(2)
    assert told(receiver.received) == [("bob", "enter", "big"), ("cat", "enter", "big")]
    assert receiver.received[0].body["data"]["sequence"] == 3


@pytest.mark.timeout(180)
def test_what_a_worker_flips_is_delivered(kafka, fresh_topics, spawn, run, config, receiver, tmp_path):
    """From a click to the receiver, and from an erasure to the exit, by a real worker; ids are those of the topic."""
    fresh_topics(2)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "seen.py").write_text(SEEN)
    env = {"SEGMENTS_RULES": str(tmp_path / "rules")}
    worker = spawn("worker", env=env)
    spawn("deliver", config(crm={"url": receiver.url, "language": "nl"}), env=env)
    produce(kafka.address, [view("ann", now()), view("bob", now())])
    receiver.wait(2, 60)
    assert {each.body["data"]["title"] for each in receiver.taken} == {"Zag een pagina"}
    known = json.loads(run("export", "ann", env=env).stdout)
    assert known["delivered"] == {"crm": [{"segment": "seen", "value": None, "state": "enter sent"}]}
    assert run("erase", "ann").returncode == 0
    receiver.wait(3, 60)
    assert receiver.taken[-1].body["data"] == {"customer_id": "ann", "segment": "seen"}
    written = [
        schemas.decode(schemas.SEGMENT_EVENT, each.value)["event_id"]
        for each in read(kafka.address, "segment-events")
    ]
    assert sorted(each.id for each in receiver.received) == sorted(written)
    assert json.loads(run("export", "ann", env=env).stdout)["delivered"] == {"crm": []}
    full = {each.id for each in receiver.taken if each.customer == "bob"}
    stop(worker)
    receiver.received.clear()
    alone = run("deliver", config(other={"url": receiver.url}), "--full", env=env)
    assert alone.returncode == 0, alone.stderr
    assert {each.id for each in receiver.taken} == full
