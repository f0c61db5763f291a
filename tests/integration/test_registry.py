"""Workers and commands with a real schema registry, and others who write and read by it."""

import json
import time
import urllib.request
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

import schemas
from deploy.registry import Registry
from schemas import records, wire
from tests.integration.receiver import Reply
from tests.integration.worker_control import address_of, stop, wait_until, wait_until_ready
from tests.integration.worker_log import read, send

PARTITIONS = 2
VIEWER = '''"""Viewer."""

from segments.language import Segment, page_view

viewer = Segment(en="Saw a page", nl="Zag een pagina", when=page_view.within(days=1).count() >= 1)
'''


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry, not started yet; the first ids in it are none of ours."""
    registry = Registry(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.kill()


@pytest.fixture
def environment(environment, registry, tmp_path):
    """Commands that use the registry, and a rule that one page view enters."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "viewer.py").write_text(VIEWER)
    return {**environment, "SEGMENTS_REGISTRY_URL": registry.url, "SEGMENTS_RULES": str(rules)}


@pytest.fixture
def client(registry):
    """confluent-kafka's client of the registry."""
    with SchemaRegistryClient({"url": registry.url, "timeout": 15}) as client:
        yield client


def ask(url, body=None, method=None):
    """What the registry says."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def click(customer, **more):
    """A page view of now, as confluent-kafka's serializer takes it."""
    nothing = dict.fromkeys(("session_id", "page", "product_id", "category", "channel"))
    base = {"event_id": f"e-{customer}", "customer_id": customer, "occurred_at": datetime.now(UTC)}
    return base | {"kind": "page_view"} | nothing | {"attributes": {}} | more


def longer_click(field):
    """The schema of a click with one more field, which has a default."""
    schema = deepcopy(records.schema("Click"))
    schema["fields"].insert(2, {"name": field, "type": ["null", "bytes"], "default": None})
    return schema


def by_confluent(client, schema, record):
    """What confluent-kafka's Avro serializer makes of a record; it registers the schema."""
    serializer = AvroSerializer(client, json.dumps(schema))
    return serializer(record, SerializationContext("clickstream", MessageField.VALUE))


def entered(address):
    """The customers who entered."""
    return {each.key.decode() for each in read(address, "segment-events")}


def wait_for_customers(address, *customers):
    """Wait until these have entered, and nobody else."""
    wait_until(f"{customers} entered", lambda: entered(address) == set(customers), 60)


@pytest.mark.timeout(240)
def test_the_registry_gives_the_ids(kafka, fresh_topics, spawn, run, registry, client, config, receiver):
    """A worker waits for it, writes and reads with its ids, and goes on without it; no good record is refused."""
    fresh_topics(PARTITIONS)
    worker = spawn("worker")
    wait_until("it waits", lambda: "no schema registry answers" in worker.stderr, 60)
    registry.start()
    ask(f"{registry.url}/subjects/other-value/versions", {"schema": json.dumps(schema_of_others())})
    wait_until_ready(worker)
    topics = tuple(schemas.RECORD_OF_TOPIC)
    assert set(client.get_subjects()) == {"other-value", *(f"{topic}-value" for topic in topics)}
    for topic in topics:
        assert client.get_compatibility(f"{topic}-value") == "FULL_TRANSITIVE"

    reads_what_others_write(kafka.address, client)
    refuses_what_nobody_knows(kafka.address, client)
    others_read_what_it_writes(kafka.address, client)
    commands_use_it(run, kafka.address)

    unseen = by_confluent(client, longer_click("later"), click("dora"))
    known = by_confluent(client, records.schema("Click"), click("emma"))
    registry.kill()
    goes_on_without_it(kafka.address, worker, known, unseen)
    said = run("consume", "clickstream", "--from-beginning", "--until-end")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "no schema registry answers" in said.stderr
    registry.start()
    wait_for_customers(kafka.address, "anna", "bert", "carl", "dora", "emma", "fred")
    assert len(read(kafka.address, "dead-letters")) == 2
    assert worker.process.poll() is None
    deliveries_use_it(run, spawn, config, receiver)


def schema_of_others():
    """A record that is none of ours."""
    return {"type": "record", "name": "Other", "fields": [{"name": "a", "type": "long"}]}


def reads_what_others_write(address, client):
    """Written by confluent-kafka, by our schema and by one with a field more."""
    send(address, [("clickstream", by_confluent(client, records.schema("Click"), click("anna")), b"anna")])
    evolved = by_confluent(client, longer_click("device"), click("bert", device=b"phone"))
    send(address, [("clickstream", evolved, b"bert")])
    wait_for_customers(address, "anna", "bert")


def refuses_what_nobody_knows(address, client):
    """An id that is not there, and one of a schema that can't be read as ours: one dead letter each, with why."""
    foreign = client.get_latest_version("other-value").schema_id
    start = by_confluent(client, records.schema("Click"), click("carl"))
    send(address, [("clickstream", wire.header(number) + start[5:], b"carl") for number in (4711, foreign)])
    send(address, [("clickstream", start, b"carl")])
    wait_for_customers(address, "anna", "bert", "carl")
    letters = [dict(each.headers) for each in read(address, "dead-letters")]
    assert [each["reason"] for each in letters] == [b"unknown_schema"] * 2
    assert letters[0]["error"].startswith(b"schema id 4711 is none of Click: ")
    assert letters[1]["error"].endswith(b"is not compatible with Click: Click: Other where Click is needed")


def others_read_what_it_writes(address, client):
    """confluent-kafka's deserializer finds the schema by the id, and reads what the worker meant."""
    for topic, field in (("segment-events", "segment"), ("segment-memberships", "segments")):
        found = read(address, topic)
        assert len(found) == 3
        for each in found:
            record = AvroDeserializer(client)(each.value, SerializationContext(topic, MessageField.VALUE))
            assert record["customer_id"].encode() == each.key
            assert record[field] == "viewer" or [each["segment"] for each in record[field]] == ["viewer"]


def commands_use_it(run, address):
    """What `segments produce` writes is read; `consume` and `dead-letters` know the ids; `check` finds nothing wrong."""
    at = int(time.time() * 1000)
    line = {"event_id": "e-fred", "customer_id": "fred", "occurred_at": at, "kind": "page_view"}
    assert run("produce", "clickstream", stdin=json.dumps(line)).returncode == 0
    wait_for_customers(address, "anna", "bert", "carl", "fred")
    consumed = run("consume", "clickstream", "--from-beginning", "--until-end")
    told = [json.loads(each) for each in consumed.stdout.splitlines()]
    assert sorted(each["customer_id"] for each in told if "error" not in each) == [
        "anna",
        "bert",
        "carl",
        "fred",
    ]
    assert sum("unknown_schema" in each.get("error", "") for each in told) == 2
    checked = run("topics", "check")
    assert (checked.returncode, checked.stderr) == (0, "")


def deliveries_use_it(run, spawn, config, receiver):
    """A flip that was given up is sent again by a process that has read no other; --full encodes what it sends."""
    file = config(crm={"url": receiver.url})
    receiver.choose = lambda _headers, _body: Reply(400)
    first = spawn("deliver", file)
    receiver.wait(0, what=lambda: len(receiver.received) == 6)
    stop(first)
    receiver.choose = lambda _headers, _body: Reply()
    assert "6 sent again" in run("dead-letters", "retry", "--deliveries", "--yes").stdout
    second = spawn("deliver", file)
    receiver.wait(6)
    stop(second)
    full = run("deliver", config(other={"url": receiver.url}), "--full")
    assert full.returncode == 0, full.stderr
    assert len(receiver.wait(12)) == 12


def goes_on_without_it(address, worker, known, unseen):
    """A record with a known id is applied, one with a new id waits; it is no dead letter, and the worker is well."""
    send(address, [("clickstream", unseen, b"dora")])
    wait_until("it says so", lambda: "wait until it does" in worker.stderr, 60)
    assert wire.header(0)[:1] == unseen[:1]
    send(address, [("clickstream", known, b"emma")])
    wait_until("the other partition goes on", lambda: "emma" in entered(address), 60)
    assert "dora" not in entered(address)
    with urllib.request.urlopen(f"{address_of(worker)}/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_topics_create_registers(kafka, run, registry):
    """`segments topics create` registers the schemas, `check` says what is missing or may change too freely."""
    kafka.clear()
    if not registry.answers():
        registry.start()
    created = run("topics", "create", "--partitions", "2")
    assert created.returncode == 0, created.stderr
    assert f"the schemas are registered at {registry.url}" in created.stdout
    ask(f"{registry.url}/config/profiles-value", {"compatibility": "NONE"}, "PUT")
    checked = run("topics", "check")
    assert checked.returncode == 1
    assert (
        "profiles-value: expected compatibility FULL_TRANSITIVE in the registry, came NONE" in checked.stderr
    )
    assert "`segments topics create`" in checked.stderr
