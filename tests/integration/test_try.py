"""`segments try` on the history in a real Kafka."""

import json
import time

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

import schemas
import streams.history.topics
from segments.engine import EngineSettings, load
from segments.insight.trial import RuleTrial, Trial
from streams.kafka import read_committed
from streams.settings.settings import read_settings
from tests.integration.worker_control import wait_until

pytestmark = pytest.mark.timeout(180)

DAY = 86_400_000
RULE = '''"""A rule."""

from segments.language import Segment, purchase, visit

{name} = Segment(en="{name}", nl="{name}", when={when})
'''


@pytest.fixture
def rules(tmp_path):
    """A folder of two rules."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, when in {
        "buyer": "purchase.within(days=30).count() >= 1",
        "visitor": "visit.within(days=7).count() >= 2",
    }.items():
        (folder / f"{name}.py").write_text(RULE.format(name=name, when=when))
    return folder


@pytest.fixture
def tried(run, rules):
    """Runs `segments try`, and reads what it found."""

    def read(*arguments, **env):
        done = run("try", *arguments, "--json", env={"SEGMENTS_RULES": str(rules)} | env)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return read


def clicks(now, customers=30):
    """A visit today, another five days ago, of many customers."""
    head = {"kind": "page_view"}
    return [
        head
        | {
            "event_id": f"{customer}-{ago}",
            "customer_id": f"c{customer}",
            "occurred_at": now - ago * DAY - 3_600_000,
        }
        for ago in (5, 1)
        for customer in range(customers)
    ]


def purchases(now, customers=10):
    """A purchase of some of them."""
    head = {
        "kind": "purchase",
        "order_id": "o",
        "amount": "10",
        "currency": "EUR",
        "occurred_at": now - 2 * DAY,
    }
    return [
        head | {"event_id": f"p{customer}", "customer_id": f"c{customer}"} for customer in range(customers)
    ]


def send(run, topic, lines):
    """Sends lines with the command."""
    done = run("produce", topic, stdin="".join(json.dumps(line) + "\n" for line in lines))
    assert done.returncode == 0, done.stderr


def state(kafka):
    """All that a command could have written to: topics, their ends, the groups."""
    with kafka.admin() as admin:
        groups = sorted(str(each) for each in admin.list_groups())
        topics = kafka.topics()
        described = {each["name"]: len(each["partitions"]) for each in admin.describe_topics(topics)}
    return described, groups, ends(kafka, described)


def anybody(kafka):
    """The groups that have a member, or had one whose session is not over."""
    with kafka.admin() as admin:
        return [each for each in admin.list_groups() if each["group_state"] not in ("Empty", "Dead")]


def ends(kafka, partitions):
    """The ends of topics."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.address)
    every = [TopicPartition(topic, number) for topic, count in partitions.items() for number in range(count)]
    found = consumer.end_offsets(every)
    consumer.close()
    return found


def test_the_history_of_the_topics(run, tried, fresh_topics, kafka):
    """All partitions are read up to now, which the wall clock tells; nothing is written, and no group is joined."""
    fresh_topics(partitions=3)
    now = time.time_ns() // 1_000_000
    send(run, "clickstream", clicks(now))
    send(run, "transactions", purchases(now))
    erase = {"customer_id": "c0", "erase": True}
    send(run, "profiles", [erase])
    wait_until("workers that were killed before are missed", lambda: not anybody(kafka))
    before = state(kafka)
    found = tried("visitor", "--days", "10")
    assert abs(schemas.from_iso(found["now"]) - now) < 120_000
    assert found["history"]["records"] == {"applied": 71}
    assert (found["customers"], found["members"], found["verdict"]) == (29, 29, "too_broad")
    assert found["overlap"] == [{"segment": "buyer", "members": 9, "shared": 9}]
    assert sum(each["enters"] for each in found["per_day"]) == 30
    assert sum(each["leaves"] for each in found["per_day"]) == 1
    assert found["history"]["deleted_before"] is None
    assert state(kafka) == before


def test_an_edit_over_the_topics(run, tried, fresh_topics, rules, tmp_path):
    """The same events go to the edited rule and to the one that runs."""
    fresh_topics(partitions=2)
    now = time.time_ns() // 1_000_000
    send(run, "clickstream", clicks(now, 12))
    (tmp_path / "visitor.py").write_text((rules / "visitor.py").read_text().replace("days=7", "days=3"))
    change = tried(str(tmp_path / "visitor.py"))["change"]
    assert [change[name]["count"] for name in ("stays", "enters", "leaves")] == [0, 0, 12]
    assert len(change["leaves"]["examples"]) == 3
    later = tried("visitor", "--until", str(now - 3 * DAY))
    assert (later["members"], later["history"]["records"]) == (0, {"applied": 12})


def test_it_agrees_with_a_file_of_the_same_records(run, tried, fresh_topics, tmp_path, kafka):
    """Only what was committed counts: the figures are those of what `segments consume` prints, markers and all."""
    fresh_topics(partitions=3)
    now = time.time_ns() // 1_000_000
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id="history")
    producer.init_transactions()
    for number, click in enumerate(clicks(now, 20)):
        producer.begin_transaction()
        record = schemas.from_json("Click", click)
        producer.send("clickstream", key=click["customer_id"].encode(), value=schemas.encode("Click", record))
        producer.flush()
        if number % 4:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    producer.close()
    send(run, "transactions", purchases(now))
    file, until = tmp_path / "log.jsonl", str(now + 60_000)
    topics = ("clickstream", "transactions")
    read = (run("consume", topic, "--from-beginning", "--until-end").stdout for topic in topics)
    file.write_text("".join(read))
    of_file = tried("visitor", "--until", until, "--file", str(file), "--partitions", "3")
    of_topics = tried("visitor", "--until", until)
    assert of_topics == of_file
    assert of_topics["members"] == 15
    assert of_topics["history"]["records"] == {"applied": 40}


def test_only_what_the_rules_remember_is_read(tried, kafka):
    """Clicks that came too long ago to matter are left out; what the topics have deleted is told."""
    kafka.clear()
    wanted = {
        name: {"num_partitions": 1, "replication_factor": 1}
        for name in ("clickstream", "transactions", "profiles")
    }
    with kafka.admin() as admin:
        admin.create_topics(wanted)
    now = time.time_ns() // 1_000_000
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    days = (90, 80, 70, 36, 20, 3, 1)
    for ago in days:
        click = {
            "event_id": f"e{ago}",
            "customer_id": "anna",
            "occurred_at": now - ago * DAY,
            "kind": "page_view",
        }
        value = schemas.encode("Click", schemas.from_json("Click", click))
        producer.send("clickstream", key=b"anna", value=value, timestamp_ms=now - ago * DAY)
        producer.flush()
    producer.close()
    found = tried("visitor", "--days", "30")
    assert found["history"]["records"] == {"applied": 4}
    assert found["history"]["deleted_before"] is None
    with kafka.admin() as admin:
        admin.delete_records({TopicPartition("clickstream", 0): 5})
    found = tried("visitor", "--days", "30")
    assert found["history"]["records"] == {"applied": 2}
    assert abs(schemas.from_iso(found["history"]["deleted_before"]) - (now - 3 * DAY)) < 2


def test_a_topic_far_ahead_of_the_others_waits(run, fresh_topics, rules, monkeypatch, environment):
    """Little of a topic is held in memory, however few records the others have beside it, and none is missed."""
    fresh_topics(partitions=2)
    now = time.time_ns() // 1_000_000
    send(run, "clickstream", clicks(now, 600))
    send(run, "transactions", purchases(now, 150))
    monkeypatch.setattr(read_committed, "AT_ONCE", 40)
    monkeypatch.setattr(streams.history.topics, "MANY", 100)
    monkeypatch.setattr(streams.history.topics, "SILENCE_SECONDS", 20)
    monkeypatch.setenv("SEGMENTS_BROKERS", environment["SEGMENTS_BROKERS"])
    most = []

    class Watched(Trial):
        def offer(self, topic, *run):
            super().offer(topic, *run)
            most.append(self.buffered(topic))

    with streams.history.topics.topics_history(read_settings(), None, None) as past:
        trial = Watched(RuleTrial(load([rules]), "visitor", past.count, EngineSettings()))
        past.read(trial, lambda _count: None)
    assert trial.finish().tally.outcomes == {"applied": 1_350}
    assert 40 <= max(most) < 140


def test_records_that_cannot_be_decoded(tried, run, fresh_topics, kafka):
    """They are counted, and their neighbours tried."""
    fresh_topics(partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    producer.send("clickstream", key=b"c0", value=b"\x00\x00\x00\x00\x63nope").get(10)
    producer.close()
    send(run, "clickstream", clicks(time.time_ns() // 1_000_000, 3))
    found = tried("visitor")
    assert (found["members"], found["history"]["refused"]) == (3, {"unknown_schema": 1})


def test_old_data(tried, run, fresh_topics):
    """Where the wall clock is left out, now is as far as the events go."""
    fresh_topics(partitions=2)
    send(run, "clickstream", clicks(1_700_000_000_000, 4))
    found = tried("visitor", SEGMENTS_CLOCK="event")
    assert (found["members"], found["now"]) == (4, schemas.to_iso(1_700_000_000_000 - DAY - 3_600_000))
    assert tried("visitor")["members"] == 0


def test_broker_away(run):
    """One line says what to do."""
    done = run("try", "high_value", env={"SEGMENTS_BROKERS": "127.0.0.1:1"})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "segments broker start" in done.stderr


def test_topics_missing(run, kafka):
    """They are not made by accident."""
    kafka.clear()
    done = run("try", "high_value")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "segments topics create" in done.stderr
    assert kafka.topics() == []


def test_wrong_rule(run, kafka):
    """A wrong call ends before anything is read."""
    done = run("try", "hig_value")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Did you mean high_value?" in done.stderr
    assert kafka.address
