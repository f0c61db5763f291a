"""Event sets: what happened, chosen by kind, filter, window and what came before.

events[.where][.after][.by][.since][.within][.ago].measure  comparison  bound
"""

from dataclasses import dataclass, replace
from typing import Any

from segments.language.catalogue import CALENDAR, SETS, EventSet, Type, fields_of
from segments.language.errors import RuleError
from segments.language.measures import KINDS, Argument
from segments.language.nodes.calendar import Period, period_of
from segments.language.nodes.details import Listed
from segments.language.nodes.durations import span
from segments.language.nodes.fields import AllTests, Attributes, Field, Filter, NoTruth, came, depth, is_a
from segments.language.nodes.measures import Measure
from segments.language.nodes.misuses import came_field, nearest, no_unit
from segments.language.nodes.models import Model
from segments.language.nodes.predictions import predicted


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """A set of a customer's events; each method gives a narrower one, or a measure of it."""

    source: EventSet
    """What is chosen from: `visit`, `purchase`, `purchase.items`, `any_event`, `event("own_kind")` …"""
    filter: Filter | None = None
    follows: "Events | None" = None
    """The events of `after`: only what came less than `span` after one of them counts."""
    span: int | None = None
    """Milliseconds: the length of `after`."""
    key: Field | None = None
    """The field of `by`: the condition is asked for each of its values apart."""
    reset: "Events | None" = None
    """The events of `since`: only what is later than the latest of those counts."""
    match: Field | None = None
    """The field of `same`: in the argument of `since`, beside `by`, the latest of those with this value."""
    window: int | None = None
    """Milliseconds: an event at t counts while t <= now < t + window. Of a period how long it may be."""
    period: Period | None = None
    """The period of `during`, in place of `within`: only its events count."""
    offset: int | None = None
    """Milliseconds: the measure is what it was so long ago, so an event at t counts from t + offset on."""

    @property
    def name(self) -> str:
        """What the event set is called in a rule."""
        return self.source.name

    @property
    def chain(self) -> tuple["Events", ...]:
        """The events of `after`, then those that these came after."""
        return () if self.follows is None else (self.follows, *self.follows.chain)

    @property
    def sets(self) -> tuple["Events", ...]:
        """All event sets that it speaks of: its own, those of `after`, that of `since`."""
        return (self, *self.chain, *(() if self.reset is None else (self.reset,)))

    def where(self, *tests: Filter, **named: object) -> "Events":
        """Only the events that pass all these tests on their fields."""
        if named:
            name, bound = next(iter(named.items()))
            raise RuleError(
                f"{self.name}.where({name}={came(bound)}): a comparison is written with ==.",
                f"Write {self.name}.where({self.name}.{name} == {came(bound)}).",
            )
        for test in tests:
            if not is_a(Filter, test):
                mend = f'Write, say, {self.name}.where({self.name}.channel == "web").'
                if isinstance(test, NoTruth):
                    mend += " A condition stands in when, in a list beside this one."
                raise RuleError(
                    f"{self.name}.where: a comparison of a field was expected, {came(test)} came.", mend
                )
        both = ((self.filter,) if self.filter is not None else ()) + tests
        found = both[0] if len(both) == 1 else AllTests(both)
        depth(found)
        return replace(self, filter=found) if both else self

    def after(
        self, events: "Events", *unitless: object, days: int = 0, hours: int = 0, minutes: int = 0
    ) -> "Events":
        """Only what came later than one of those events, by less than this long."""
        if unitless:
            raise no_unit(self.name, "after", "a length of time", unitless[0])
        self._once("after", self.follows)
        if any(each is not None for each in (self.key, self.reset, self.window, self.offset)):
            raise RuleError(
                f"{self.name}.after stands behind by, since, within or ago.",
                f"Write it before them, say {self.name}.after(email_click, days=30).within(days=365).",
            )
        narrowed = (
            (events.window, events.key, events.reset, events.offset) if is_a(Events, events) else (True,)
        )
        if any(each is not None for each in narrowed):
            raise RuleError(
                f"{self.name}.after: a set of events was expected, narrowed by nothing but where, same and after.",
                f"Write, say, {self.name}.after(email_click, days=30).",
            )
        if len(events.chain) > 1:
            raise RuleError(
                f"{self.name}.after: a chain of {2 + len(events.chain)} events; it has three at most.",
                "Leave the first of them out.",
            )
        return replace(self, follows=events, span=span("after", days=days, hours=hours, minutes=minutes))

    def by(self, field: Field, *others: Field) -> "Events":
        """The condition holds if it holds for at least one value of this field."""
        if others:
            problem = f"{self.name}.by takes one field; {1 + len(others)} came."
            raise RuleError(problem, f"Write {self.name}.by({came_field(field)}) for one of them.")
        self._once("by", self.key)
        return replace(self, key=self._own(field, "by"))

    def since(self, events: "Events") -> "Events":
        """Only what happened later than the latest of those events."""
        self._once("since", self.reset)
        narrowed = (
            (events.window, events.key, events.reset, events.offset, events.follows)
            if is_a(Events, events)
            else (True,)
        )
        if any(each is not None for each in narrowed):
            raise RuleError(
                f"{self.name}.since: a set of events was expected, narrowed by nothing but where and same.",
                f"Write, say, {self.name}.since(purchase); a window comes after it: .within(days=7).",
            )
        return replace(self, reset=events)

    def same(self, field: Field) -> "Events":
        """In `since` and `after`, beside `by`: of those events the ones that have the same value in this field."""
        self._once("same", self.match)
        return replace(self, match=self._own(field, "same"))

    def within(self, *unitless: object, days: int = 0, hours: int = 0, minutes: int = 0) -> "Events":
        """Only what happened less than this long ago."""
        if unitless:
            raise no_unit(self.name, "within", "a window", unitless[0])
        self._once("within", self.window)
        return replace(self, window=span("within", days=days, hours=hours, minutes=minutes))

    def during(self, period: str) -> "Events":
        """Only what happened in a period of the calendar: `during("this month")`, `during("yesterday")`."""
        self._once("during", self.window)
        if self.offset is not None:
            raise RuleError(f"{self.name}.ago(...).during(...): {_PERIOD_THEN}", _LAST)
        found = period_of(period)
        return replace(self, window=found.longest, period=found)

    def ago(self, *unitless: object, days: int = 0, hours: int = 0, minutes: int = 0) -> "Events":
        """As it was this long ago: `.within(days=30).ago(days=30)` is the month before the last one."""
        if unitless:
            raise no_unit(self.name, "ago", "a length of time", unitless[0])
        if self.period is not None:
            raise RuleError(f"{self.name}.during(...).ago(...): {_PERIOD_THEN}", _LAST)
        self._once("ago", self.offset)
        return replace(self, offset=span("ago", days=days, hours=hours, minutes=minutes))

    def count(self) -> Measure:
        """How many events there are."""
        return Measure(self, KINDS["count"])

    def sum(self, field: Field) -> Measure:
        """The sum of a field: money, exact and in one currency, or a whole number."""
        return Measure(self, KINDS["sum"], self._number(field, "sum"))

    def mean(self, field: Field) -> Measure:
        """The mean of a field over the events that have it."""
        return Measure(self, KINDS["mean"], self._number(field, "mean"))

    def max(self, field: Field) -> Measure:
        """The largest value of a field."""
        return Measure(self, KINDS["max"], self._own(field, "max"))

    def min(self, field: Field) -> Measure:
        """The smallest value of a field."""
        return Measure(self, KINDS["min"], self._own(field, "min"))

    def distinct(self, field: Field) -> Measure:
        """How many different values a field has."""
        return Measure(self, KINDS["distinct"], self._own(field, "distinct"))

    def last(self, field: Field) -> Measure:
        """The value of a field at the latest event that has it."""
        return Measure(self, KINDS["last"], self._own(field, "last"))

    def first(self, field: Field) -> Measure:
        """The value of a field at the earliest event that has it."""
        return Measure(self, KINDS["first"], self._own(field, "first"))

    def mode(self, field: Field) -> Measure:
        """The most frequent value of a field, of several the one that came last."""
        return Measure(self, KINDS["mode"], self._own(field, "mode"))

    def values(self, field: Field) -> Measure:
        """The different values of a field, the latest first, as a JSON array: for details alone."""
        return Listed(self, KINDS["values"], self._own(field, "values"))

    def alive(self, model: Model) -> Measure:
        """The probability that the customer will ever buy again."""
        return predicted(Measure(self, KINDS["alive"]), model, None)

    def expected(self, model: Model, *, days: int) -> Measure:
        """The number of purchase days to be expected in the next `days` days."""
        return predicted(Measure(self, KINDS["expected"]), model, days)

    def clv(self, model: Model, *, days: int) -> Measure:
        """The spend to be expected in the next `days` days, in units of the currency."""
        return predicted(Measure(self, KINDS["clv"]), model, days)

    @property
    def gap(self) -> Measure:
        """The mean time between one event and the next."""
        return Measure(self, KINDS["gap"])

    @property
    def idle(self) -> Measure:
        """The time since the latest event."""
        return Measure(self, KINDS["idle"])

    @property
    def age(self) -> Measure:
        """The time since the earliest event."""
        return Measure(self, KINDS["age"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = fields_of(self.source)
        if name in known:
            return Field(self.source, name, known[name])
        if name == "attributes" and (self.source.attributes or self.source.orders):
            return Attributes(self.source)
        if name == "items" and self.source.orders:
            return Events(SETS[f"{self.name}.items"])
        raise RuleError(f"{self.name} has no field or measure named {name!r}.", nearest(name, self.source))

    def _once(self, step: str, held: object) -> None:
        if held is not None and self.window is held and (self.period is not None) is not (step == "during"):
            raise RuleError(
                f"{self.name} has within and during: each says how far back it looks.", "Keep one of them."
            )
        if held is not None:
            raise RuleError(f".{step}(...) stands twice on {self.name}.", "Keep one of them.")

    def _own(self, field: object, step: str) -> Field:
        if isinstance(field, Field) and field.events == self.source:
            return field
        name = field.name if isinstance(field, Field) else field
        known = fields_of(self.source)
        numbers = [each for each, type_ in known.items() if type_ is not Type.TEXT]
        numbers.sort(key=lambda each: (known[each] is not Type.MONEY, each in CALENDAR_NAMES))
        of_numbers = step in KINDS and KINDS[step].argument is Argument.NUMBER
        choices = numbers if of_numbers else [*numbers, "channel"]
        example = name if isinstance(name, str) and name in known else (choices or ["channel"])[0]
        raise RuleError(
            f"{self.name}.{step}({came_field(field)}): a field of {self.name} was expected.",
            f"Write, say, {self.name}.{step}({self.name}.{example}).",
        )

    def _number(self, field: object, step: str) -> Field:
        own = self._own(field, step)
        if own.type is Type.TEXT:
            number = "" if own.key is None else f", or the text as a number: {own}.number"
            raise RuleError(
                f"{step}({own}): {own} is a text, which cannot be added up.",
                f"Use count, distinct or last{number}.",
            )
        return own


CALENDAR_NAMES = {each.name for each in CALENDAR}
_PERIOD_THEN = "a period of the calendar is that of now."
_LAST = 'Write during("last month") for the one before, or within(days=30).ago(days=30).'
