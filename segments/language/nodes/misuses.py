"""What is told of event sets that are written wrong."""

import difflib

from segments.language.catalogue import EventSet, fields_of
from segments.language.errors import RuleError
from segments.language.measures import MEASURES
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import Field, came
from segments.language.nodes.literals import shown


def no_unit(name: str, step: str, what: str, given: object) -> RuleError:
    """A length of time that came without its unit: `within(7)`."""
    if isinstance(given, Duration):
        problem = f"{name}.{step}({given}): {what} is written in its units."
        return RuleError(problem, f"Write .{step}({given.arguments()}).")
    count = given if type(given) is int else 7
    mend = f"Write .{step}(days={shown(count)}), or hours=, or minutes=."
    return RuleError(f"{name}.{step}({came(given)}): {what} has a unit.", mend)


def came_field(field: object) -> str:
    """A field as it is written, or what came in its place."""
    return str(field) if isinstance(field, Field) else came(field)


def nearest(name: str, source: EventSet) -> str:
    """What to write instead of a name that no field and no measure has."""
    known = fields_of(source)
    attributes = ("attributes",) if source.attributes else ()
    near = difflib.get_close_matches(name, (*known, *attributes, *MEASURES), n=1)
    if name == "attributes":
        return "Clicks of one kind have attributes, and purchases and refunds."
    fields = ", ".join((*known, *attributes))
    return (
        f"Did you mean {near[0]}?"
        if near
        else f"Its fields are {fields}; the measures {', '.join(MEASURES)}."
    )
