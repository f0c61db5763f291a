"""Events of a notebook: as long as their records in Avro, and all lines that `segments consume` prints."""

import json

import pytest

import schemas
import segments
from schemas import records
from segments.insight.length import length_of
from segments.language import Segment, any_event, consent, profile

ANY = Segment(id="any", when=any_event.within(days=7).count() >= 1)
CLICK = {"topic": "clickstream", "event_id": "c", "customer_id": "ann", "occurred_at": 1_767_225_600_000}
EXAMPLES = records.read(records.FOLDER / "examples.json")
FULL = [
    ("clickstream", EXAMPLES["Click"] | {"attributes": {str(n): "é" * n for n in range(200)}}),
    ("clickstream", EXAMPLES["Click"] | {"occurred_at": -1, "page": None, "attributes": {}}),
    ("transactions", EXAMPLES["Transaction"] | {"amount": "-1.28"}),
    ("transactions", EXAMPLES["Transaction"] | {"amount": "9999999999.99", "items": []}),
    ("profiles", EXAMPLES["Profile"] | {"attributes": {"a": "x" * 64, "b": 1.5, "c": True}}),
    (
        "profiles-crm",
        EXAMPLES["Profile"] | {"lists": {"a": ["b", "c" * 300], "d": []}, "consents": {"m": False}},
    ),
    ("identities", EXAMPLES["Link"] | {"source": None}),
]


@pytest.mark.parametrize(("topic", "line"), FULL)
def test_the_length_of_a_record_is_that_of_its_bytes(topic, line):
    """Signs, empty maps, texts of two bytes a letter: as many bytes as a producer writes."""
    name = schemas.record_of(topic)
    event = schemas.from_json(name, line)
    assert length_of(topic, event) == len(schemas.encode(name, event))


def test_an_event_of_more_than_a_mebibyte_is_refused():
    """As a worker refuses it; one byte less is taken."""
    name, kind = "Click", {"kind": "page_view"}
    texts = {f"{n:03}": "x" * 4_000 for n in range(261)}
    line = CLICK | kind | {"attributes": texts}
    fields = {key: value for key, value in line.items() if key != "topic"}
    left = 1_048_576 - len(schemas.encode(name, schemas.from_json(name, fields)))
    texts["rest"] = "x" * (left - 8)
    fitting = schemas.encode(name, schemas.from_json(name, fields | {"attributes": texts}))
    texts["rest"] += "x" * (1_048_576 - len(fitting))
    assert len(segments.replay([line | {"attributes": texts}], ANY)) == 1
    with pytest.warns(UserWarning, match="too_long: The record has 1048577 bytes: at most 1048576 were"):
        assert segments.replay([line | {"attributes": texts | {"rest": texts["rest"] + "x"}}], ANY) == []


def test_a_profile_that_is_too_long_takes_a_consent_away():
    """Its consents alone take effect, as in a worker."""
    profile = {"topic": "profiles", "customer_id": "ann", "occurred_at": CLICK["occurred_at"]}
    long = {"attributes": {str(n): "x" * 4_000 for n in range(300)}, "consents": {"mail": False}}
    events = [profile | {"event_id": "p1", "consents": {"mail": True}}, profile | long | {"event_id": "p2"}]
    flips = segments.replay(events, Segment(id="agreed", when=consent("mail")))
    assert [(each["transition"], each["reason"]) for each in flips] == [
        ("enter", "consent"),
        ("exit", "consent"),
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_python_takes_the_lines_that_consume_prints(tmp_path, run):
    """A record that could not be decoded, and one with another key, are refused as `segments replay` does it."""
    where = {"partition": 0, "timestamp": CLICK["occurred_at"]}
    lines = [
        CLICK | where | {"kind": "page_view", "key": "bob", "offset": 0},
        {"topic": "clickstream", "customer_id": "ann", "value": "AA==", "error": "undecodable: 1 byte"}
        | where
        | {"offset": 1},
        CLICK | where | {"kind": "page_view", "key": None, "offset": 2},
        CLICK | where | {"kind": "page_view", "offset": 3},
    ]
    (tmp_path / "any_seen.py").write_text(
        "from segments.language import *\nany_seen = Segment(when=any_event.within(days=7).count() >= 1)\n"
    )
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("replay", str(tmp_path / "log.jsonl"), "--partitions", "1", "--rules", str(tmp_path))
    assert "1 applied, 3 dead letter" in done.stderr
    counted = segments.try_rules(lines, tmp_path, partitions=1)
    assert {reason: count for reason, (count, _) in counted["refused"].items()} == {
        "key_mismatch": 1,
        "no_key": 1,
        "undecodable": 1,
    }
    assert segments.replay(lines, tmp_path, partitions=1) == [
        json.loads(line) for line in done.stdout.splitlines()
    ]


def test_a_negative_zero_of_a_profile_is_told_as_zero():
    """Equal numbers are one text."""
    profile_of_ann = CLICK | {"topic": "profiles", "attributes": {"score": -0.0}}
    (flip,) = segments.replay([profile_of_ann], Segment(id="nought", when=profile("score") == 0))
    assert [(each["value"], each["bound"]) for each in flip["evidence"]] == [("0", "0")]
