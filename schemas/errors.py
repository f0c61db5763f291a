"""What can be wrong with a record, in words for its sender.

SchemaError
├── DecodeError     bytes that are not the record they should be
├── EncodeError     a value that does not fit its schema
└── JsonError       a line of JSON that does not say what the record needs
"""

import json
from decimal import Decimal
from typing import Any


class SchemaError(Exception):
    """The root: whatever this package refuses."""


class DecodeError(SchemaError):
    """These bytes are not the record they should be; `reason` is counted, `message` is read."""

    UNDECODABLE = "undecodable"
    UNKNOWN_SCHEMA = "unknown_schema"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class EncodeError(SchemaError):
    """A value does not fit its schema."""


class JsonError(SchemaError):
    """A line of JSON does not say what the record needs; `field` is a path such as items[0].price."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


def shown(value: Any) -> str:
    """A value as it stood in the JSON, cut to a hundred characters."""
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return text if len(text) <= 100 else text[:97] + "..."
