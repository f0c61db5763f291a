"""The records on the topics: one Avro schema each, and the way between bytes, engine form and JSON.

Engine form is a dict with exactly the fields of the schema: times are int milliseconds, amounts int
hundredths.
"""

from schemas.errors import DecodeError, EncodeError, JsonError, SchemaError
from schemas.instants import from_iso, to_iso
from schemas.json_form import from_json, to_json
from schemas.records import (
    CLICK,
    DEPLOYMENT,
    LINK,
    PROFILE,
    RECORD_OF_TOPIC,
    SEGMENT_EVENT,
    SEGMENT_MEMBERSHIPS,
    SEGMENT_OUTCOME,
    TRANSACTION,
    TRANSFER,
    find_record,
    record_of,
)
from schemas.wire import accept, check, decode, encode, is_settled, refuse, renumber, written_id

__all__ = [
    "CLICK",
    "DEPLOYMENT",
    "LINK",
    "PROFILE",
    "RECORD_OF_TOPIC",
    "SEGMENT_EVENT",
    "SEGMENT_MEMBERSHIPS",
    "SEGMENT_OUTCOME",
    "TRANSACTION",
    "TRANSFER",
    "DecodeError",
    "EncodeError",
    "JsonError",
    "SchemaError",
    "accept",
    "check",
    "decode",
    "encode",
    "find_record",
    "from_iso",
    "from_json",
    "is_settled",
    "record_of",
    "refuse",
    "renumber",
    "to_iso",
    "to_json",
    "written_id",
]
