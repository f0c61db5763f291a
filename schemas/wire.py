"""The Confluent wire format: byte 0, the schema's id in four bytes (big-endian), Avro binary.

A reader is found by these five bytes; a writer puts those of the newest version that is shipped.
"""

from typing import Any

from schemas import compiled
from schemas.binary import BrokenError
from schemas.errors import DecodeError, EncodeError
from schemas.records import RECORD_OF_TOPIC, newest, read, releases
from schemas.records import schema as schema_of

MAGIC = b"\x00"
_NAMES = tuple(RECORD_OF_TOPIC.values())


def header(schema_id: int) -> bytes:
    """The five bytes before a record written by the schema of this id."""
    return MAGIC + schema_id.to_bytes(4, "big")


def accept(name: str, schema_id: int, schema: Any) -> None:
    """From now on, read records of this name that were written by this schema under this id."""
    _READERS[name][header(schema_id)] = compiled.compile_reader(schema, schema_of(name))


_READERS: dict[str, dict[bytes, compiled.Reader]] = {name: {} for name in _NAMES}
for _release in releases():
    accept(_release.record, _release.id, read(_release.path))

_WRITERS: dict[str, compiled.Writer] = {
    name: compiled.compile_writer(schema_of(name), header(newest(name).id)) for name in _NAMES
}


def decode(name: str, data: bytes) -> dict[str, Any]:
    """The record in these bytes, in engine form: times in milliseconds, amounts in hundredths.

    DecodeError if they are anything else, whatever they are.
    """
    reader = _READERS[name].get(data[:5])
    if reader is None:
        raise _refusal(name, data)
    try:
        return reader(data)
    except compiled.BROKEN as error:
        raise DecodeError(DecodeError.UNDECODABLE, _explain(name, reader, error)) from None


def encode(name: str, record: dict[str, Any]) -> bytes:
    """These bytes for a record in engine form; EncodeError, with the field, if it does not fit."""
    writer = _WRITERS[name]
    try:
        return writer(record)
    except compiled.UNFIT as error:
        field = compiled.failed_at(writer, error)
        raise EncodeError(f"{name}.{field}: {type(error).__name__}: {error}") from error


def _explain(name: str, reader: compiled.Reader, error: Exception) -> str:
    field = compiled.failed_at(reader, error)
    if isinstance(error, BrokenError):
        return f"{name}, {field}: {error}"
    if isinstance(error, UnicodeDecodeError):
        return f"{name}, {field}: text that is not UTF-8 ({error.reason})"
    return f"{name} ends early, at or before {field}"


def _refusal(name: str, data: bytes) -> DecodeError:
    """Why there is no reader for these bytes."""
    if len(data) < compiled.HEADER_LENGTH:
        return DecodeError(
            DecodeError.UNDECODABLE, f"{len(data)} bytes; {name} begins with 5 bytes of header"
        )
    if data[:1] != MAGIC:
        return DecodeError(
            DecodeError.UNDECODABLE, f"the first byte is {data[0]}; the Confluent wire format has 0"
        )
    number = int.from_bytes(data[1:5], "big")
    for release in releases():
        if release.id == number:
            return DecodeError(DecodeError.UNDECODABLE, f"schema id {number} is {release.record}, not {name}")
    return DecodeError(DecodeError.UNKNOWN_SCHEMA, f"schema id {number} is none of {name}: {_ids(name)}")


def _ids(name: str) -> str:
    return ", ".join(str(int.from_bytes(each[1:], "big")) for each in _READERS[name])
