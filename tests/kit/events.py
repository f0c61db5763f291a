"""Events with every field of their topic, as the catalogue has them: a test writes only the fields it is about."""

from typing import Any

from segments.language.catalogue import Entry, Topic, Type


def whole(topic: Topic, event: dict[str, Any]) -> dict[str, Any]:
    """The event with all fields of its topic: those that it does not have are null, or empty if they may not be."""
    return event | {each.name: _nothing(each) for each in topic.fields if each.name not in event}


def _nothing(entry: Entry) -> Any:
    if entry.optional:
        return None
    match entry.type:
        case Type.TEXT:
            return ""
        case Type.LINES:
            return []
        case Type.WHOLE | Type.MONEY | Type.INSTANT:
            return 0
        case _:
            return {}
