"""Source text of fields and filters: how a rule's `where` reads an event, or a row that was kept."""

from collections.abc import Callable

from segments.engine.kernels import comparison
from segments.language.catalogue import Type
from segments.language.nodes.fields import AllTests, AnyTest, Field, Filter, NotTest, Test

Access = Callable[[Field], str]
"""Source text that gives a field's value, None where it is missing."""

PER_LINE = ("product_id", "category", "quantity", "price")


def indent(text: str) -> str:
    """Source text one level deeper."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def of_event(field: Field) -> str:
    """A field of the event `e`; within an item set `line` is the line. Money counts if `money` says so."""
    if field.name == "day":
        return "day(t)"
    if field.key is not None:
        return f'e["attributes"].get({field.key!r})'
    per_line = field.events.lines and field.name in PER_LINE
    text = f'{"line" if per_line else "e"}["{field.name}"]'
    return f"({text} if money else None)" if field.type is Type.MONEY else text


def filter_source(test: Filter, access: Access) -> str:
    """A filter as an expression. A comparison with a missing field is false."""
    match test:
        case Test():
            return _test(test, access)
        case NotTest(inner):
            return f"(not {filter_source(inner, access)})"
        case AnyTest(tests):
            return f"({' or '.join(filter_source(each, access) for each in tests)})"
        case AllTests(tests):
            return f"({' and '.join(filter_source(each, access) for each in tests)})"
    raise TypeError(test)


def _test(test: Test, access: Access) -> str:
    compared = comparison("x", test.operator, test.bound, test.field.type)
    if compared is None:
        return "False"
    return f"((x := {access(test.field)}) is not None and {compared})"
