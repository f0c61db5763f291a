"""What Python itself says about a rule file, turned into an error that says what to write."""

import difflib
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

from segments.language.errors import Origin, RuleError
from segments.language.measures import MEASURES, Argument

LONGEST_LINE = 200
"""Characters of a line of the rule that a message repeats."""
_OF_A_SEGMENT = (
    "A Segment has when=, and may have for_each=, until=, for_at_least=, at_most_every=, goal=, revenue=, control=, "
    "experiment=, details=, lawful_basis=, en=, nl= and examples=."
)
_OF_STAGES = (
    "Stages have stages=, and may have goal=, revenue=, control=, experiment=, details=, lawful_basis=, en=, nl= and "
    "examples=. A stage is left when its condition is false."
)
_WITH_FIELD = [each.name for each in MEASURES.values() if each.argument is not Argument.NONE]

MENDS = (
    (
        r"not supported between instances of '(method|function)'",
        "Are parentheses missing? Write, say, .count() >= 3.",
    ),
    (
        r"Events\.(within|ago|after)\(\) got an unexpected keyword",
        "A length of time has days=, hours= and minutes=.",
    ),
    (r"Segment\.__init__\(\)", _OF_A_SEGMENT),
    (r"Stages\.__init__\(\)", _OF_STAGES),
    (
        rf"(Events\.({'|'.join([*_WITH_FIELD, 'by', 'same'])}))\(\) missing",
        "Name the field, say .sum(purchase.amount).",
    ),
    (r"'Measure' object is not callable", "idle and age are written without parentheses."),
    (
        r": (profile|consent|event|entered|left|model|not_|days|hours|minutes|years)\(\) missing",
        'Say which, as in consent("marketing") or days(3).',
    ),
    (r": split\(\) (takes|missing|got)", 'Write split("winter", percent=10), or percent=(10, 50).'),
    (r"Events\.during\(\) missing", 'Name the period: .during("this month").'),
    (r"Events\.after\(\) missing", "Name the events and the time: .after(email_click, days=30)."),
    (r"Events\.since\(\) missing", "Name the events: .since(purchase)."),
    (r"\.has\(\) missing", 'Name the value: profile("interests").has("travel").'),
    (r"'Today'", 'Write today.hour, today.weekday, today.month or today.day, say today.weekday == "monday".'),
    (r"operand type.*'Duration'", "Write a length of time in full: days(2), or hours(1) + minutes(30)."),
    (
        r"(operand type for (unary|abs)|__round__|__floor__|__ceil__|__trunc__)",
        "Measures are added, subtracted, divided, and multiplied by a number: write -1 * orders.count(), say.",
    ),
    (
        r"unsupported operand type",
        "Numbers that are measures are added, subtracted, divided, and multiplied by a number; all else is compared.",
    ),
    (
        r"recursion depth|MemoryError|stack overflow",
        "Conditions, lists or imports stand too deep in one another: write them side by side.",
    ),
    (r"takes 1 positional argument", "Name each argument: when=, until=, en=, nl=, examples=."),
)


def explained(error: BaseException, file: Path) -> RuleError:
    """The error as an error of the rule: the line in this file, what is wrong, and what to write."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        mend = f"Python cannot read it: {(error.text or '').strip()[:LONGEST_LINE]}".rstrip(": ")
        return RuleError(f"Syntax error: {error.msg}.", f"{mend}.", Origin(str(file), error.lineno or 1))
    if isinstance(error, UnicodeDecodeError | ValueError) and error.__traceback__ and not _lines(error, file):
        return RuleError(
            f"The file cannot be read as Python: {error}.", "Save it as UTF-8.", Origin(str(file), 1)
        )
    lines = _lines(error, file)
    problem = f"{type(error).__name__}: {error}".rstrip(": .") + "."
    return RuleError(problem, _mend(error), Origin(str(file), lines[-1] if lines else 1))


def nearest(name: str, known: Iterable[str]) -> str:
    """`Did you mean purchase?`, or nothing where no known name is like it."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else ""


def _lines(error: BaseException, file: Path) -> list[int]:
    return [
        each.lineno or 1 for each in traceback.extract_tb(error.__traceback__) if each.filename == str(file)
    ]


def _mend(error: BaseException) -> str:
    from segments import language  # not above: the language is what is being loaded when this module is

    if isinstance(error, NameError) and error.name in language.__all__:
        return f"Import it: from segments.language import {error.name}."
    missing = re.match(r"cannot import name '(\w+)' from 'segments\.language'", str(error))
    name = error.name if isinstance(error, NameError) else missing.group(1) if missing else None
    if name:
        return (
            nearest(name, language.__all__) or f'A click of the shop\'s own kind is written event("{name}").'
        )
    for pattern, mend in MENDS:
        if re.search(pattern, f"{type(error).__name__}: {error}"):
            return mend
    return "The rule file was executed up to this line."
