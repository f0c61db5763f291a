"""The generated parts of `segments/README.md` and `SEMANTICS.md`: kinds, fields, measures and the rules shipped."""

from collections.abc import Callable, Sequence
from pathlib import Path

from segments.language import Segment, days, purchase
from segments.language.catalogue import CLICKSTREAM, SETS, fields_of
from segments.language.loading.load import load
from segments.language.loading.source import title
from segments.language.measures import MEASURES, Argument, MeasureKind
from segments.language.nodes.measures import Measure
from segments.plan.planner import plan

SEGMENTS = Path(__file__).resolve().parents[2] / "segments"

_SETS = (
    ("`page_view`, `product_view`, … and `event(...)`", "page_view"),
    ("`visit`, `on_site`", "visit"),
    ("`purchase`, `refund`", "purchase"),
    ("`purchase.items`, `refund.items`", "purchase.items"),
    ("`any_event`", "any_event"),
)


def measures() -> str:
    """Each measure: what it is, what it is of nothing, and what must be kept of a customer for it."""
    return _table(
        ("measure", "is", "of nothing", "keeps of a customer"), list(map(_measure, MEASURES.values()))
    )


def _measure(kind: MeasureKind) -> tuple[str, ...]:
    events = purchase.within(days=30)
    field = None if kind.argument is Argument.NONE else events.amount
    measure = Measure(events, kind, field)
    compared = measure >= (days(1) if kind.duration else 1)
    stream = plan([Segment(when=compared, id="any")]).streams[0]
    each = "of the latest event only" if stream.latest else "of each event in the window"
    kept = " and the field" if stream.columns else ""
    of_nothing = "no value" if kind.of_nothing is None else str(kind.of_nothing)
    return f"`{_call(kind, 'field')}`", kind.meaning, of_nothing, f"the time{kept} {each}"


def definitions() -> str:
    """Each measure: its exact value, and that of no events."""
    rows = [
        (
            f"`{_call(each, 'f')}`",
            each.definition,
            "none" if each.of_nothing is None else str(each.of_nothing),
        )
        for each in MEASURES.values()
    ]
    return _table(("measure", "value", "of no events"), rows)


def _call(kind: MeasureKind, field: str) -> str:
    """How a rule writes a measure."""
    if kind.duration:
        return kind.name
    return f"{kind.name}({'' if kind.argument is Argument.NONE else field})"


def events() -> str:
    """Each event set with its fields."""
    rows = []
    for names, example in _SETS:
        fields = [f"`{name}`" for name in fields_of(SETS[example])]
        if SETS[example].attributes:
            fields.append('`attributes["…"]`')
        rows.append((names, ", ".join(fields)))
    return _table(("events", "fields"), rows)


def kinds() -> str:
    """The kinds of click that the language has names for."""
    return ", ".join(f"`{kind}`" for kind in CLICKSTREAM.kinds) + "."


def rules() -> str:
    """The rules that are shipped."""
    rows = [(f"[`{each.id}`]({each.id}.py)", title(each), each.en) for each in load([SEGMENTS])]
    return _table(("rule", "is", "who is in it"), rows)


PARTS: dict[str, Callable[[], str]] = {"kinds": kinds, "events": events, "measures": measures, "rules": rules}


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
