"""What a rule compares with: texts, numbers and booleans of Python itself, and numbers in one normal form.

A float means the decimal that it prints as, and equal numbers are one value: 75.0 and Decimal("75.00") are 75.
"""

from decimal import Decimal
from enum import Enum
from typing import Any

from segments.language.errors import RuleError

Value = str | int | bool | Decimal

MOST_DIGITS = 1_000
"""Digits before the point, and after it: a double has 309 and 324; numbers beyond take minutes to be written out."""
LONGEST_SHOWN = 100
"""Characters of a value that a message repeats."""


def shown(given: object) -> str:
    """A value in a message, cut: an author may write anything, and it may be of any length."""
    try:
        text = repr(given)
    except ValueError:  # an int of more digits than Python prints
        return "a number of more than 4,300 digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def literal_value(given: object, subject: str) -> Value | None:
    """A text, number or boolean in its normal form; None: it is none of these. Raises RuleError if it can't be used."""
    match given:
        case bool():
            return given
        case Enum():
            problem = f"{subject} is compared with {given}, a member of an enum."
            raise RuleError(problem, f"Write the value itself: {shown(given.value)}.")
        case str():
            return text(given, subject)
        case int() | float() | Decimal():
            return number(given, subject)
    return None


def number(given: float | Decimal, subject: str) -> int | Decimal:
    """A number in its normal form: a whole one is an int, another one a decimal without zeros at its end."""
    if type(given) not in (int, float, Decimal):
        problem = f"{subject} is compared with {shown(given)}, a {type(given).__name__}."
        raise RuleError(problem, "Write the number itself, or int(...) or float(...) around it.")
    if isinstance(given, int):
        if abs(given) >= 10**MOST_DIGITS:
            raise _too_long(subject)
        return given
    exact = Decimal(repr(given)) if isinstance(given, float) else given
    if not exact.is_finite():
        raise RuleError(f"{subject} is compared with {given}, which is no number.", "Write a number.")
    _, digits, exponent = exact.as_tuple()
    if abs(int(exponent)) > MOST_DIGITS or len(digits) > MOST_DIGITS:
        raise _too_long(subject)
    if exact == exact.to_integral_value():
        return int(exact)
    whole, _, part = format(exact, "f").partition(".")
    return Decimal(f"{whole}.{part.rstrip('0')}")


def text(given: Any, subject: str) -> str:
    """A text of Python itself, of whole characters."""
    if type(given) is not str:
        problem = f"{subject}: a text was expected, {shown(given)} came, a {type(given).__name__}."
        raise RuleError(problem, "Write the text itself, or str(...) around it.")
    try:
        given.encode()
    except UnicodeEncodeError:
        problem = f"{subject}: {shown(given)} has half a character (a surrogate) in it."
        raise RuleError(problem, "Write the character itself.") from None
    return given


def _too_long(subject: str) -> RuleError:
    problem = (
        f"{subject} is compared with a number of more than {MOST_DIGITS} digits before or after its point."
    )
    return RuleError(problem, "Write a smaller number, or one with fewer decimals.")
