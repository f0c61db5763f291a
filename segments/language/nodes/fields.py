"""Fields of events, and the tests on them that `where` takes."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from segments.language.catalogue import EventSet, Type, quoted
from segments.language.errors import NoSuchName, Origin, RuleError, here
from segments.language.nodes.durations import Duration
from segments.language.nodes.literals import Value, literal_value, shown, text

OPERATORS = ("==", "!=", ">=", ">", "<=", "<", "is_in")


class NoTruth:
    """Something a rule is built of, which only the engine can find true or false."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise RuleError(
            "A condition has no truth value while the rule is being written: `and`, `or`, `not`, `if` and "
            "chained comparisons (1 <= x <= 3) cannot be used on it.",
            "Write [a, b] for and, any_of(a, b) for or, not_(a) for not, [x >= 1, x <= 3] for a range.",
        )

    def __or__(self, _other: object) -> NoReturn:
        raise RuleError("`|` cannot be used on conditions.", "Write any_of(a, b).")

    def __and__(self, _other: object) -> NoReturn:
        raise RuleError("`&` cannot be used on conditions.", "Write [a, b]; within where(...): where(a, b).")

    def __invert__(self) -> NoReturn:
        raise RuleError("`~` cannot be used on conditions.", "Write not_(a).")

    __ror__, __rand__ = __or__, __and__

    if not TYPE_CHECKING:  # or every name would be one for mypy

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            raise no_such_name(self, name)


def no_such_name(given: object, name: str) -> NoSuchName:
    """A name that something of a rule does not have: `profile("interests").contains`."""
    sort = next((each.__name__ for each in type(given).__mro__ if each.__name__ in _NOT_THERE), "")
    what = came(given).removesuffix(" without a bound").removesuffix(",")
    mend = _NOT_THERE.get(sort, "Conditions stand in a list, in any_of(...) or in not_(...).")
    return NoSuchName(f"{what[0].upper()}{what[1:]} has no {name!r}.", mend)


_NOT_THERE = {
    "Segment": "Its enters and exits are events: entered(high_value).within(days=7).count() >= 1.",
    "Term": "A measure stands last: .where(...), .by(...) and .within(...) come before it, and a bound behind it.",
    "Field": "Compare it within where(...); the text of an attribute as a number is .number.",
    "ProfileAttribute": 'Compare it, or write .has("travel") of a list, .date.remaining <= days(30) of a date.',
    "TodayPart": "Compare it with a bound, or write .is_in(...).",
    "DateMeasure": "Compare it with a length of time, say days(30).",
}
"""By the class what to write instead of a name that it does not have."""
_NAMES = {
    "Events": "a set of events",
    "Measure": "a measure without a bound",
    **dict.fromkeys(("Sum", "Product", "Quotient"), "a calculation without a bound"),
    **dict.fromkeys(("Segment", "Stages"), "a segment"),
    "Field": "a field without a bound",
    "Attributes": "a map of attributes",
    "Top": "a border",
    "ProfileAttribute": "an attribute of the profile without a bound",
    "ProfileDate": "a date of the profile without a bound",
    "DateMeasure": "a date of the profile without a bound",
    "TodayPart": "what the clock shows now without a bound",
    "Today": "today",
}


def came(given: object) -> str:
    """What an author wrote where something else was expected, in words."""
    if isinstance(given, Filter):
        return "a test of a field"
    if isinstance(given, Duration):
        return f"{given}, a duration,"
    if isinstance(given, NoTruth):
        return _NAMES.get(type(given).__name__, "a condition")
    return _NAMES.get(type(given).__name__) or shown(given)


def is_a(wanted: type, given: object) -> bool:
    """Whether an author wrote what the types ask for: rule files are seldom type-checked."""
    return isinstance(given, wanted)


class Filter(NoTruth):
    """A test of one event: a `Test`, or `not_` and `any_of` of tests."""

    __slots__ = ()


def value(bound: object, subject: str) -> Value:
    """The bound of a comparison, in its normal form, if it is something that can be compared."""
    found = literal_value(bound, subject)
    if found is None:
        mend = (
            "Use not_(...) around the comparison instead."
            if bound is None
            else "Write a text, a number or a boolean."
        )
        what = came(bound).removesuffix(" without a bound").removesuffix(",")
        raise RuleError(f"{subject} is compared with {what}, which is no value.", mend)
    return found


def values(bounds: tuple[Any, ...], subject: str) -> tuple[Value, ...]:
    """The values of `is_in("a", "b")`, or of `is_in(["a", "b"])`."""
    if len(bounds) == 1 and isinstance(bounds[0], list | tuple | set | frozenset):
        found = tuple(value(each, subject) for each in bounds[0])
        unordered = isinstance(bounds[0], set | frozenset)
        return tuple(sorted(found, key=lambda each: (str(type(each)), each))) if unordered else found
    return tuple(value(each, subject) for each in bounds)


DEEPEST = 50
"""Levels of conditions within conditions; nobody reads more, and Python's parser and stack have limits of their own."""


def refuse_depth(levels: int) -> None:
    """Raise if conditions stand this deep within one another."""
    if levels > DEEPEST:
        raise RuleError(
            f"Conditions stand more than {DEEPEST} levels deep in one another.",
            "Write them side by side in one list, or give a part of them a segment of its own.",
        )


def depth(node: object) -> int:
    """How many levels of combinations stand in one another; without recursion, for a chain may be of any length."""
    deepest, left = 0, [(node, 0)]
    while left:
        each, levels = left.pop()
        deepest = max(deepest, levels)
        refuse_depth(levels)
        left += [(part, levels + 1) for part in getattr(each, "parts", ())]
    return deepest


@dataclass(frozen=True, slots=True, eq=False)
class Field(NoTruth):
    """A field of an event set, such as `purchase.amount` or `page_view.attributes["campaign"]`."""

    events: EventSet
    """The event set that it belongs to, such as that of `purchase`."""
    name: str
    """The field's name in the record."""
    type: Type
    key: str | None = None
    """The key within a map (`attributes`)."""

    def __str__(self) -> str:
        text = f"{self.events}.{self.name}"
        if self.key is not None:
            text += f"[{quoted(self.key)}]"
        return f"{text}.number" if self.type is Type.NUMBER else text

    @property
    def number(self) -> "Field":
        """An attribute as a decimal, where its text is one such as `7.5`; elsewhere it is missing."""
        if self.key is None or self.type is not Type.TEXT:
            problem = f"{self}.number: only the text of an attribute is read as a number."
            raise RuleError(problem, f'Write, say, {self.events}.attributes["score"].number.')
        return replace(self, type=Type.NUMBER)

    @property
    def date(self) -> NoReturn:
        """Only an attribute of the profile is read as a date."""
        mend = 'Write profile("contract_ends").date.remaining <= days(30), say; of an event, day and month are fields.'
        raise RuleError(f"{self}.date: {self} is {self.type.value} of an event, and no date.", mend)

    def _test(self, operator: str, bound: object) -> "Test":
        return Test(self, operator, value(bound, str(self)), here())

    def __eq__(self, bound: object) -> "Test":  # type: ignore[override]
        return self._test("==", bound)

    def __ne__(self, bound: object) -> "Test":  # type: ignore[override]
        return self._test("!=", bound)

    def __ge__(self, bound: object) -> "Test":
        return self._test(">=", bound)

    def __gt__(self, bound: object) -> "Test":
        return self._test(">", bound)

    def __le__(self, bound: object) -> "Test":
        return self._test("<=", bound)

    def __lt__(self, bound: object) -> "Test":
        return self._test("<", bound)

    def __hash__(self) -> int:
        return hash(str(self))

    def is_in(self, *bounds: Any) -> "Test":
        """True if the field is one of these values."""
        return Test(self, "is_in", values(bounds, str(self)), here())


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """The map `attributes` of a click: `page_view.attributes["campaign"]` is one of its fields."""

    events: EventSet

    def __getitem__(self, key: str) -> Field:
        if not isinstance(key, str):
            problem = f"attributes[{shown(key)}]: a text was expected."
            raise RuleError(problem, 'Write attributes["campaign"].')
        return Field(self.events, "attributes", Type.TEXT, text(key, "attributes[...]"))

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        problem = f"{self.events}.attributes.{name}: attributes are asked for by their name in brackets."
        raise RuleError(problem, f'Write {self.events}.attributes["{name}"].')


@dataclass(frozen=True, slots=True, eq=False)
class Test(Filter):
    """A field compared with a value; false if the field is missing or of another type."""

    __test__ = False

    field: Field
    operator: str
    bound: Value | tuple[Value, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class NotTest(Filter):
    """The negation of a test, true also where the field is missing."""

    test: Filter

    @property
    def parts(self) -> tuple[Filter, ...]:
        """What it is made of."""
        return (self.test,)


@dataclass(frozen=True, slots=True, eq=False)
class AnyTest(Filter):
    """At least one of several tests."""

    tests: tuple[Filter, ...]

    @property
    def parts(self) -> tuple[Filter, ...]:
        """What it is made of."""
        return self.tests


@dataclass(frozen=True, slots=True, eq=False)
class AllTests(Filter):
    """All of several tests: what `where(a, b)` means."""

    tests: tuple[Filter, ...]

    @property
    def parts(self) -> tuple[Filter, ...]:
        """What it is made of."""
        return self.tests
