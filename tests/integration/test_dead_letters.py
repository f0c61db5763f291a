"""`segments dead-letters`: what was refused is shown, and sent again once, byte for byte."""

import json
import time

import pytest
from confluent_kafka import Producer

import schemas
from segments.engine import partition_of
from streams.jobs.dead_letters import packed, unpacked
from tests.integration.worker_control import stop, wait_until
from tests.integration.worker_log import read, send
from tests.kit.records import click

HOUR = 3_600_000


def test_offsets_fit_in_a_note_and_come_back():
    """A million letters in a row, and every third of 20,000, both fit; what is packed is what comes back."""
    row, gaps = range(50, 1_000_050), range(7, 20_000, 3)
    for first, offsets in ((50, row), (3, gaps), (0, ())):
        text = packed(first, offsets)
        assert len(text) < 4_000
        assert unpacked(first, text) == set(offsets)


def letters(run, *arguments):
    """The letters as `show --json` prints them."""
    done = run("dead-letters", "show", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(120)
def test_letters_are_shown_and_sent_again_once(kafka, fresh_topics, spawn, run):
    """Two events come an hour too early and two broken ones: those that may pass go back as they were, and only once."""
    fresh_topics(2)
    now = int(time.time() * 1000)
    early = [click(customer, 1, now + HOUR) for customer in ("ada", "bob")]
    broken = [(early[0][:-2], b"ada"), (b"nonsense", b"\xff")]
    send(kafka.address, [("clickstream", early[0], b"ada"), ("clickstream", early[1], b"bob")])
    send(kafka.address, [("transactions", *each) for each in broken])
    worker = spawn("worker")
    wait_until("four letters", lambda: len(read(kafka.address, "dead-letters")) == 4)
    stop(worker)

    shown = run("dead-letters", "show", "--limit", "3")
    assert "4 dead letters" in shown.stdout
    assert "2  from_the_future    clickstream" in shown.stdout
    assert shown.stdout.count("\n  reason ") == 3
    future = letters(run, "--reason", "from_the_future")
    assert {each["record"]["customer_id"] for each in future} == {"ada", "bob"}
    assert all(each["headers"]["topic"] == "clickstream" and not each["retried"] for each in future)
    assert [each["record"] for each in letters(run, "--topic", "transactions")] == [None, None]
    latest = max(each["timestamp"] for each in letters(run))
    after = schemas.from_iso(latest) + 1
    assert letters(run, "--since", str(after)) == []

    dry = run("dead-letters", "retry")
    assert "2 would be sent again" in dry.stdout
    assert len(read(kafka.address, "clickstream")) == 2
    sent = run("dead-letters", "retry", "--yes")
    assert (sent.returncode, "2 sent again" in sent.stdout) == (0, True), sent.stderr
    twice = sorted((each.key, each.value, each.partition) for each in read(kafka.address, "clickstream"))
    once = sorted(
        (key, value, partition_of(key, 2)) for key, value in zip((b"ada", b"bob"), early, strict=True)
    )
    assert twice == sorted(once * 2)

    second = run("dead-letters", "retry", "--yes")
    assert "nothing to send" in second.stdout
    assert len(read(kafka.address, "clickstream")) == 4
    assert all(each["retried"] for each in letters(run, "--reason", "from_the_future"))
    named = run("dead-letters", "retry", "--reason", "undecodable", "--yes")
    assert "2 sent again" in named.stdout
    assert sorted(each.value for each in read(kafka.address, "transactions")) == sorted(
        [broken[0][0], broken[1][0]] * 2
    )
    assert "2 would be sent again" in run("dead-letters", "retry", "--again").stdout


def written(address, *found):
    """Dead letters as a worker writes them: reason and key."""
    producer = Producer({"bootstrap.servers": address})
    for reason, key in found:
        headers = {
            "reason": reason,
            "error": "\x1b[2J",
            "topic": "clickstream",
            "partition": "0",
            "offset": "1",
        }
        producer.produce("dead-letters", b"value", key=key, partition=0, headers=headers)
    assert producer.flush(20) == 0


@pytest.mark.timeout(90)
def test_what_no_retry_mends_is_said_and_left_out(kafka, fresh_topics, run):
    """A letter of another partition than its key's would only come back: both commands say what the producer must do."""
    fresh_topics(1)
    written(kafka.address, ("wrong_partition", b"ann"), ("from_the_future", b"bob"))
    shown = run("dead-letters", "show", "--limit", "0")
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "2 dead letters")
    assert "1  wrong_partition    clickstream" in shown.stdout
    assert "\n  reason" not in shown.stdout
    assert "partitioner=murmur2_random" in shown.stdout
    assert letters(run, "--limit", "0") == []
    both = ("--reason", "wrong_partition", "--reason", "from_the_future")
    sent = run("dead-letters", "retry", "--yes", *both)
    assert (sent.returncode, "1 sent again" in sent.stdout) == (0, True), sent.stderr
    assert "no retry mends these 1" in sent.stdout
    assert [each.key for each in read(kafka.address, "clickstream")] == [b"bob"]


@pytest.mark.timeout(90)
def test_a_key_is_shown_as_what_it_is(kafka, fresh_topics, run):
    """An empty key is not null, and an escape sequence in a key or a header does not reach the terminal."""
    fresh_topics(1)
    written(kafka.address, ("no_key", b""), ("no_key", None), ("invalid_id", b"\x1b]0;mine\x07"))
    shown = run("dead-letters", "show").stdout
    keys = [line.split(None, 1)[1] for line in shown.splitlines() if line.startswith("  key ")]
    assert keys == ['""', "null", r"\x1b]0;mine\x07"]
    everything = shown + run("dead-letters", "show", "--json").stdout
    everything += run("consume", "dead-letters", "--from-beginning", "--until-end").stdout
    assert {char for char in everything if not char.isprintable()} == {"\n"}
