"""The catalogue is held to the Avro schemas: what the language believes of records is what they are."""

import pytest

from schemas import RECORD_OF_TOPIC, records
from segments.language.catalogue import (
    CALENDAR,
    CLICKSTREAM,
    IDENTITIES,
    INPUTS,
    LINE,
    ON_SITE,
    SETS,
    TOPICS,
    TOTAL,
    Type,
    fields_of,
)
from streams.kafka.topics import TOPICS as OURS

SHAPES = {
    Type.TEXT: "string",
    Type.WHOLE: "long",
    Type.MONEY: {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
    Type.INSTANT: {"type": "long", "logicalType": "timestamp-millis"},
    Type.TEXTS: {"type": "map", "values": "string"},
    Type.VALUES: {"type": "map", "values": ["string", "double", "boolean"]},
    Type.TRUTHS: {"type": "map", "values": "boolean"},
    Type.LISTS: {"type": "map", "values": {"type": "array", "items": "string"}},
}
"""How the schemas write each type."""


def shape(entry):
    """The type of a field as its schema has it."""
    if entry.type is Type.LINES:
        return "array", [(each.name, shape(each)) for each in LINE]
    return ["null", SHAPES[entry.type]] if entry.optional else SHAPES[entry.type]


def of_schema(type_):
    """The same of a schema: without what is said about it, and with the lines of an order written out."""
    if isinstance(type_, dict) and type_["type"] == "array":
        return "array", [(each["name"], of_schema(each["type"])) for each in type_["items"]["fields"]]
    return type_


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_the_fields_of_its_record(topic):
    """Names, order, types and what may be null are those of the `.avsc`."""
    assert RECORD_OF_TOPIC[topic.name] == topic.record
    fields = records.schema(topic.record)["fields"]
    assert [(each.name, shape(each)) for each in topic.fields] == [
        (each["name"], of_schema(each["type"])) for each in fields
    ]


def test_the_topics_are_those_that_are_created():
    """What the language reads and what `segments topics create` makes are the same topics."""
    assert [(topic.name, topic.cleanup) for topic in OURS if topic.direction == "in"] == [
        (topic.name, "compact" if topic.erases else "delete") for topic in (*TOPICS, IDENTITIES)
    ]
    assert [topic.name for topic in TOPICS] == list(INPUTS)


def test_the_kinds_are_those_of_the_schema():
    """The schema names each kind of click that the language has a name for."""
    (kind,) = [each for each in records.schema("Click")["fields"] if each["name"] == "kind"]
    named = kind["doc"].partition(", or ")[0].split(", ")
    assert tuple(named) == CLICKSTREAM.kinds
    assert set(ON_SITE) <= set(named)


@pytest.mark.parametrize("events", SETS.values(), ids=str)
def test_every_field_of_a_set_is_one_of_its_records(events):
    """A field that a rule may use is in every record of the set or in each line of its orders, or follows from those."""
    for topic in events.topics:
        held = (
            {each.name for each in topic.fields}
            | {"day", *(each.name for each in CALENDAR)}
            | ({each.name for each in (*LINE, TOTAL)} if events.lines else set())
        )
        assert set(fields_of(events)) <= held
