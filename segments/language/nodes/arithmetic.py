"""Arithmetic of measures: sums, differences, multiples and quotients, compared with numbers and with each other.

Exact: a value is a fraction. Money is a unit of its own: it is added to money and to plain numbers only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, cast

from segments.language.errors import Origin, RuleError, here
from segments.language.nodes.borders import Top
from segments.language.nodes.conditions import Condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import NoTruth, came, depth
from segments.language.nodes.literals import number, shown

if TYPE_CHECKING:
    from segments.language.nodes.measures import Measure

Number = int | Decimal


class Term(NoTruth):
    """What can be calculated with: a measure that is a number, or something made of such measures."""

    __slots__ = ()
    duration: ClassVar[bool] = False

    @property
    def parts(self) -> tuple["Term | Number", ...]:
        """What it is made of."""
        return ()

    def __add__(self, other: object) -> "Sum":
        return _sum(self, "+", other)

    def __radd__(self, other: object) -> "Sum":
        return _sum(other, "+", self)

    def __sub__(self, other: object) -> "Sum":
        return _sum(self, "-", other)

    def __rsub__(self, other: object) -> "Sum":
        return _sum(other, "-", self)

    def __mul__(self, other: object) -> "Product":
        return _product(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> "Quotient":
        return _quotient(self, other)

    def __rtruediv__(self, other: object) -> NoReturn:
        problem = f"{came(other)} is divided by a measure."
        raise RuleError(problem, "Divide a measure by a number or by a measure.")

    def _compare(self, operator: str, bound: object) -> Condition:
        return compared(self, operator, bound)

    def is_in(self, *_bounds: Any) -> Condition:
        """Of a calculated value there is no `is_in`."""
        raise RuleError("is_in of a calculated value.", "Compare it with ==, or write any_of(...).")

    def __eq__(self, bound: object) -> Condition:  # type: ignore[override]
        return self._compare("==", bound)

    def __ne__(self, bound: object) -> Condition:  # type: ignore[override]
        return self._compare("!=", bound)

    def __ge__(self, bound: object) -> Condition:
        return self._compare(">=", bound)

    def __gt__(self, bound: object) -> Condition:
        return self._compare(">", bound)

    def __le__(self, bound: object) -> Condition:
        return self._compare("<=", bound)

    def __lt__(self, bound: object) -> Condition:
        return self._compare("<", bound)

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True, eq=False)
class Sum(Term):
    """A sum or a difference."""

    left: "Term | Number"
    sign: str
    """`+` or `-`."""
    right: "Term | Number"

    @property
    def parts(self) -> tuple["Term | Number", ...]:
        """What it is made of."""
        return self.left, self.right


@dataclass(frozen=True, slots=True, eq=False)
class Product(Term):
    """A multiple: a number times something."""

    factor: Number
    of: Term

    @property
    def parts(self) -> tuple["Term | Number", ...]:
        """What it is made of."""
        return self.factor, self.of


@dataclass(frozen=True, slots=True, eq=False)
class Quotient(Term):
    """Something divided by a number or by something."""

    left: Term
    right: "Term | Number"

    @property
    def parts(self) -> tuple["Term | Number", ...]:
        """What it is made of."""
        return self.left, self.right


@dataclass(frozen=True, slots=True, eq=False)
class Calculated(Condition):
    """A calculated value against a number, a duration, or another one; false if a part has no value."""

    left: Term
    operator: str
    right: "Term | Number | Duration"
    origin: Origin


Made = TypeVar("Made", Sum, Product, Quotient)


def compared(left: Term, operator: str, right: object) -> Condition:
    """A comparison of a calculated value, or of one measure with another."""
    _refuse_text(left)
    _refuse_border(right, "compared with")
    if is_duration(left):
        return Calculated(left, operator, _duration_bound(right), here())
    if isinstance(right, Duration):
        raise RuleError(f"A number is compared with {right}, a duration.", "Write a number.")
    bound = _operand(right, "compared with")
    _refuse_units(left, bound, "compared with")
    return Calculated(left, operator, bound, here())


def is_duration(term: object) -> bool:
    """Whether a value is a length of time: `idle`, `age`, `gap`, or a multiple of `gap`."""
    return is_duration(term.of) if isinstance(term, Product) else getattr(term, "duration", False)


def measures_of(term: object) -> Iterator["Measure"]:
    """The measures in a calculated value, in source order."""
    if isinstance(term, Calculated):
        yield from measures_of(term.left)
        yield from measures_of(term.right)
    elif isinstance(term, Sum | Product | Quotient):
        for part in term.parts:
            yield from measures_of(part)
    elif isinstance(term, Term):
        yield cast("Measure", term)


def power_of_money(term: object) -> int | None:
    """1 for money, 0 for other numbers, -1 for what is divided by money; None for a plain number: it goes with all."""
    match term:
        case Sum(left, _, right):
            powers = [power for power in map(power_of_money, (left, right)) if power is not None]
            return powers[0] if powers else None
        case Product(_, of):
            return power_of_money(of)
        case Quotient(left, right):
            return (power_of_money(left) or 0) - (power_of_money(right) or 0)
        case Term():
            return int(cast("Measure", term).is_money)
    return None


def _sum(left: object, sign: str, right: object) -> Sum:
    word = "added to" if sign == "+" else "subtracted from"
    parts = _operand(left, word), _operand(right, word)
    for part in parts:
        _refuse_duration(part)
    _refuse_units(*parts, word)
    return _shallow(Sum(parts[0], sign, parts[1]))


def _product(left: object, right: object) -> Product:
    term, factor = (left, right) if isinstance(left, Term) else (right, left)
    if isinstance(factor, Term):
        raise RuleError("A measure is multiplied by a measure.", "Multiply a measure by a number.")
    exact, of = _operand(factor, "multiplied by"), cast("Term", term)
    _refuse_text(of)
    if is_duration(of) and any(each.kind.grows for each in measures_of(of)):
        raise RuleError("Only gap has multiples among the durations.", "Write, say, 2 * orders.gap.")
    return _shallow(Product(cast("Number", exact), of))


def _quotient(left: Term, right: object) -> Quotient:
    divisor = _operand(right, "divided by")
    for part in (left, divisor):
        _refuse_text(part)
        _refuse_duration(part)
    if not isinstance(divisor, Term) and divisor == 0:
        raise RuleError("A measure is divided by 0.", "Divide by another number.")
    return _shallow(Quotient(left, divisor))


def _shallow(made: Made) -> Made:
    depth(made)
    return made


def _operand(given: object, word: str) -> "Term | Number":
    if isinstance(given, Term):
        _refuse_text(given)
        return given
    _refuse_border(given, word)
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        problem = f"A measure is {word} {came(given).removesuffix(',')}, which is no number."
        raise RuleError(problem, "Write a number or a measure that is one.")
    return number(given, f"A measure {word} a number")


def _refuse_border(given: object, word: str) -> None:
    if isinstance(given, Top):
        problem = f"A calculated value is {word} {given}: a border is of one measure."
        raise RuleError(problem, f"Compare one measure with it: orders.sum(purchase.amount) >= {given}.")


def _refuse_text(term: object) -> None:
    if isinstance(term, Term) and getattr(term, "is_text", False):
        problem = f"{cast('Measure', term).name}({cast('Measure', term).field}) is a text."
        raise RuleError(
            problem, "Calculate with numbers: count, sum, mean, distinct, or a field that is one."
        )


def _refuse_duration(term: object) -> None:
    if is_duration(term):
        mend = "Compare it with a duration, or with a multiple of gap: orders.idle > 2 * orders.gap."
        raise RuleError("A duration is added, subtracted or divided.", mend)


def _duration_bound(right: object) -> "Term | Duration":
    if isinstance(right, Duration) or (isinstance(right, Term) and is_duration(right)):
        return right
    what = came(right).removesuffix(" without a bound") if not isinstance(right, int) else shown(right)
    problem = f"A duration is compared with {what}: a duration was expected."
    raise RuleError(problem, "Write a duration, say days(90), or another one, say 2 * orders.gap.")


def _refuse_units(left: object, right: object, word: str) -> None:
    if is_duration(left) is not is_duration(right) and isinstance(right, Term):
        raise RuleError(f"A number is {word} a duration.", "Compare durations with durations.")
    powers = power_of_money(left), power_of_money(right)
    if None not in powers and powers[0] != powers[1]:
        problem = f"Money is {word} what is no money."
        raise RuleError(problem, "Take both of money, or both of counts; a plain number goes with either.")
