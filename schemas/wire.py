"""The Confluent wire format: byte 0, the schema's id in four bytes (big-endian), Avro binary.

A reader is found by these five bytes; a writer puts those of the newest version that is shipped. The ids are those
of `ids.json`, until `renumber` says that a registry has given others.
"""

from collections.abc import Mapping
from typing import Any

from schemas import compiled
from schemas.binary import BrokenError
from schemas.errors import DecodeError, EncodeError
from schemas.records import RECORDS, Release, read, releases
from schemas.records import schema as schema_of
from schemas.source import failed_at

MAGIC = b"\x00"
_NAMES = RECORDS
_READERS: dict[str, dict[bytes, compiled.Reader | None]] = {name: {} for name in _NAMES}
"""None: of a shipped schema, compiled when it is first needed, since a command needs few of them."""
_WRITERS: dict[str, compiled.Writer] = {}
_RELEASES: dict[tuple[str, bytes], Release] = {}
_WRITTEN: dict[str, int] = {}
_RECORD_OF_ID: dict[int, str] = {}
_REFUSED: dict[str, dict[bytes, str]] = {name: {} for name in _NAMES}


def header(schema_id: int) -> bytes:
    """The five bytes before a record written by the schema of this id."""
    return MAGIC + schema_id.to_bytes(4, "big")


def accept(name: str, schema_id: int, schema: Any) -> None:
    """From now on, read records of this name that were written by this schema under this id.

    Raises SchemaError if Avro's schema resolution can't make our record of it.
    """
    _READERS[name][header(schema_id)] = compiled.compile_reader(schema, schema_of(name))


def check(name: str, schema: Any) -> None:
    """Raises SchemaError if Avro's schema resolution can't make our record of what this schema wrote."""
    compiled.compile_reader(schema, schema_of(name))


def refuse(name: str, schema_id: int, why: str) -> None:
    """From now on, tell why records with this id can't be read as records of this name."""
    _REFUSED[name][header(schema_id)] = why


def is_settled(name: str, data: bytes) -> bool:
    """Whether it is known what to do with these bytes, or nobody could tell: they have no schema id."""
    start = data[:5]
    return (
        start in _READERS[name]
        or start[:1] != MAGIC
        or len(start) < compiled.HEADER_LENGTH
        or start in _REFUSED[name]
    )


def renumber(ids: Mapping[Release, int]) -> None:
    """From now on, the ids are a registry's: these for what we released, `accept` for more; none that was shipped."""
    _RECORD_OF_ID.clear()
    _RELEASES.clear()
    _WRITERS.clear()
    for name in _NAMES:
        _READERS[name].clear()
        _REFUSED[name].clear()
    for release, number in sorted(ids.items(), key=lambda each: each[0].version):
        _RECORD_OF_ID[number] = release.record
        _RELEASES[release.record, header(number)] = release
        _READERS[release.record][header(number)] = None
        # The newest comes last.
        _WRITTEN[release.record] = number


renumber({release: release.id for release in releases()})


def written_id(name: str) -> int:
    """The schema id before records of this name as they are written now."""
    return _WRITTEN[name]


def decode(name: str, data: bytes) -> dict[str, Any]:
    """The record in these bytes, in engine form: times in milliseconds, amounts in hundredths.

    DecodeError if they are anything else, whatever they are.
    """
    reader = _READERS[name].get(data[:5]) or _shipped_reader(name, data)
    try:
        return reader(data)
    except compiled.BROKEN as error:
        explained = _explain(name, failed_at(reader, data), error)
        raise DecodeError(DecodeError.UNDECODABLE, explained) from None


def encode(name: str, record: dict[str, Any]) -> bytes:
    """These bytes for a record in engine form; EncodeError, with the field, if it does not fit."""
    writer = _WRITERS.get(name) or _shipped_writer(name)
    try:
        return writer(record)
    except compiled.UNFIT as error:
        raise EncodeError(f"{name}.{failed_at(writer, record)}: {type(error).__name__}: {error}") from error


def _shipped_reader(name: str, data: bytes) -> compiled.Reader:
    """The reader of a shipped schema, from now on ready; DecodeError if these bytes were not written by one."""
    release = _RELEASES.get((name, data[:5]))
    if release is None:
        raise _refusal(name, data)
    reader = compiled.compile_reader(read(release.path), schema_of(name))
    _READERS[name][data[:5]] = reader
    return reader


def _shipped_writer(name: str) -> compiled.Writer:
    """The writer of the newest schema that is shipped, from now on ready."""
    writer = _WRITERS[name] = compiled.compile_writer(schema_of(name), header(_WRITTEN[name]))
    return writer


def _explain(name: str, field: str, error: Exception) -> str:
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
    if (other := _RECORD_OF_ID.get(number)) is not None:
        return DecodeError(DecodeError.UNDECODABLE, f"schema id {number} is {other}, not {name}")
    why = _REFUSED[name].get(data[:5]) or f"is none of {name}: {_ids(name)}"
    return DecodeError(DecodeError.UNKNOWN_SCHEMA, f"schema id {number} {why}")


def _ids(name: str) -> str:
    return ", ".join(str(int.from_bytes(each[1:], "big")) for each in _READERS[name])
