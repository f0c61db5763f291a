"""Values at random that fit a schema."""

from typing import Any

from hypothesis import strategies as st

from schemas.source import kind_of

LATEST = 253_402_300_799_999  # the last millisecond that Python's datetime can say
VALUES = {
    "null": st.none(),
    "string": st.text(max_size=80),
    "bytes": st.binary(max_size=80),
    "boolean": st.booleans(),
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "double": st.floats(allow_nan=False),
    "decimal": st.integers(-(10**12) + 1, 10**12 - 1),
}


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Anything that fits a schema, in engine form."""
    kind = kind_of(schema)
    if kind == "union":
        return st.one_of([values(branch) for branch in schema])
    if kind == "record":
        return st.fixed_dictionaries({field["name"]: values(field["type"]) for field in schema["fields"]})
    if kind == "array":
        return st.lists(values(schema["items"]), max_size=3)
    if kind == "map":
        return st.dictionaries(st.text(max_size=5), values(schema["values"]), max_size=3)
    if kind == "long":
        return st.integers(-(1 << 63), (1 << 63) - 1) if isinstance(schema, str) else st.integers(0, LATEST)
    return VALUES[kind]
