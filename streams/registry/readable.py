"""The schema ids that this process can read: learned by the Python codec and by the engine at once."""

import json
from collections.abc import Mapping
from typing import Any

import schemas
from schemas.records import Release, read, releases
from segments.engine import IDENTITIES, INPUTS, Schemas

READABLE = Schemas()
"""What the engine decodes by."""

_INPUT_RECORDS = {schemas.RECORD_OF_TOPIC[topic] for topic in (*INPUTS, IDENTITIES)}


def renumber(ids: Mapping[Release, int]) -> None:
    """From now on, the ids are a registry's: these for what we released, `accept` for more."""
    schemas.renumber(ids)
    READABLE.clear()
    for release, number in ids.items():
        READABLE.release(release.record, number)
        if release.record in _INPUT_RECORDS:
            READABLE.accept(release.record, number, json.dumps(read(release.path)))


def accept(name: str, number: int, schema: Any) -> None:
    """From now on, read records that were written by this schema under this id; SchemaError if it can't be."""
    schemas.accept(name, number, schema)
    if name in _INPUT_RECORDS:
        try:
            READABLE.accept(name, number, json.dumps(schema))
        except ValueError as error:
            raise schemas.SchemaError(str(error)) from error


def refuse(name: str, number: int, why: str) -> None:
    """From now on, tell why records with this id can't be read."""
    schemas.refuse(name, number, why)
    if name in _INPUT_RECORDS:
        READABLE.refuse(name, number, why)


renumber({release: release.id for release in releases()})
