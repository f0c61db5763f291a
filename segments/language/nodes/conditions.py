"""Conditions: comparisons of measures, of the profile and of consents, and how they combine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from segments.language.errors import Origin, RuleError, here
from segments.language.nodes.fields import (
    AnyTest,
    Filter,
    NoTruth,
    NotTest,
    came,
    depth,
    refuse_depth,
    value,
    values,
)
from segments.language.nodes.literals import Value, shown, text

if TYPE_CHECKING:
    from segments.language.nodes.borders import Top
    from segments.language.nodes.dates import ProfileDate
    from segments.language.nodes.measures import Measure


class Condition(NoTruth):
    """What a segment's `when` and `until` are made of."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Condition):
    """A measure against its bound; false if the measure has no value or is of another type."""

    measure: "Measure"
    operator: str
    bound: "Value | tuple[Value, ...] | Top"
    """For `idle` and `age`: milliseconds."""
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class ProfileComparison(Condition):
    """An attribute of the customer's profile against a bound; false if the profile lacks it."""

    name: str
    operator: str
    bound: Value | tuple[Value, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class HasValue(Condition):
    """A list of the customer's profile has a value; false if there is no such list."""

    name: str
    value: str
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Consent(Condition):
    """The customer has given this consent."""

    name: str
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Not(Condition):
    """The condition does not hold."""

    condition: Condition

    @property
    def parts(self) -> tuple[Condition, ...]:
        """What it is made of."""
        return (self.condition,)


@dataclass(frozen=True, slots=True, eq=False)
class AllOf(Condition):
    """Every one of these conditions holds: what a list means."""

    conditions: tuple[Condition, ...]

    @property
    def parts(self) -> tuple[Condition, ...]:
        """What it is made of."""
        return self.conditions


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf(Condition):
    """At least one of these conditions holds."""

    conditions: tuple[Condition, ...]

    @property
    def parts(self) -> tuple[Condition, ...]:
        """What it is made of."""
        return self.conditions


@dataclass(frozen=True, slots=True, eq=False)
class ProfileAttribute(NoTruth):
    """An attribute of the profile, to be compared: `profile("country") == "NL"`."""

    name: str

    def _compare(self, operator: str, bound: object) -> ProfileComparison:
        return ProfileComparison(self.name, operator, value(bound, f'profile("{self.name}")'), here())

    def is_in(self, *bounds: Any) -> ProfileComparison:
        """True if the attribute is one of these values."""
        return ProfileComparison(self.name, "is_in", values(bounds, f'profile("{self.name}")'), here())

    @property
    def date(self) -> "ProfileDate":
        """The attribute as a date, of which a rule asks `.remaining`, `.age` or `.anniversary`."""
        # Not above: a comparison of a date is a condition.
        from segments.language.nodes.dates import ProfileDate

        return ProfileDate(self.name)

    def has(self, value: str) -> HasValue:
        """True if this list of the profile has a value: `profile("interests").has("travel")`."""
        if not isinstance(value, str):
            problem = f'profile("{self.name}").has({came(value)}): a text was expected.'
            raise RuleError(problem, f'Write profile("{self.name}").has("travel").')
        return HasValue(self.name, text(value, f'profile("{self.name}").has'), here())

    def __eq__(self, bound: object) -> ProfileComparison:  # type: ignore[override]
        return self._compare("==", bound)

    def __ne__(self, bound: object) -> ProfileComparison:  # type: ignore[override]
        return self._compare("!=", bound)

    def __ge__(self, bound: object) -> ProfileComparison:
        return self._compare(">=", bound)

    def __gt__(self, bound: object) -> ProfileComparison:
        return self._compare(">", bound)

    def __le__(self, bound: object) -> ProfileComparison:
        return self._compare("<=", bound)

    def __lt__(self, bound: object) -> ProfileComparison:
        return self._compare("<", bound)

    __hash__ = object.__hash__


def profile(name: str) -> ProfileAttribute:
    """An attribute of the customer's profile: `profile("country") == "NL"`."""
    return ProfileAttribute(_text(name, "profile", "country"))


def consent(name: str) -> Consent:
    """The customer has given this consent: `consent("marketing")`."""
    return Consent(_text(name, "consent", "marketing"), here())


@overload
def not_(condition: Filter) -> Filter: ...
@overload
def not_(condition: Condition | list[Any]) -> Condition: ...
def not_(condition: Any) -> Any:
    """The opposite of a condition, or of a test within `where`."""
    found = NotTest(condition) if isinstance(condition, Filter) else Not(as_condition(condition, "not_"))
    depth(found)
    return found


def any_of(*conditions: Any) -> Any:
    """At least one of several conditions, or of several tests within `where`."""
    if len(conditions) == 1 and isinstance(conditions[0], list | tuple):
        conditions = tuple(conditions[0])
    if not conditions:
        raise RuleError("any_of() of nothing.", "Write any_of(a, b).")
    tests = all(isinstance(each, Filter) for each in conditions)
    found = (
        AnyTest(conditions) if tests else AnyOf(tuple(as_condition(each, "any_of") for each in conditions))
    )
    depth(found)
    return found


def as_condition(given: object, where: str, levels: int = 0) -> Condition:
    """A condition from what an author wrote: a list means that all of it holds."""
    refuse_depth(levels)
    if isinstance(given, Condition):
        depth(given)
        return given
    if isinstance(given, list | tuple) and given:
        parts = tuple(as_condition(each, where, levels + 1) for each in given)
        return parts[0] if len(parts) == 1 else AllOf(parts)
    raise RuleError(f"{where}: a condition was expected, {came(given)} came.", _mend(given))


def _mend(given: object) -> str:
    if isinstance(given, Filter):
        return "A test of a field belongs into where(...)."
    if isinstance(given, NoTruth):
        return "Compare it with a bound, say >= 3."
    if isinstance(given, bool):
        return (
            "Python compared it before the rule could: write .count() with its parentheses, and a consent "
            "or a segment without a comparison."
        )
    return "Compare a measure with a bound, say visit.within(days=7).count() >= 3."


def _text(name: object, function: str, example: str) -> str:
    if isinstance(name, str) and name:
        return text(name, f"{function}(...)")
    raise RuleError(f"{function}({shown(name)}): a name was expected.", f'Write {function}("{example}").')
