"""What can be wrong with a rule, said so that its author can mend it.

SegmentsError
└── RuleError          a rule is wrong: file, line, what was expected, what came, what to write
    ├── NoSuchName     a name that something of a rule does not have: profile("interests").contains
    ├── RefusedRules   several rules, or several lines of one, are wrong: each of them is named
    └── StoryError     a story among a rule's examples cannot be read, or does not come true
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LANGUAGE_FOLDER = str(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in a rule file something was written."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def here() -> Origin:
    """The line of the rule that is being executed: the nearest one outside the language itself."""
    frame = sys._getframe(1)  # noqa: SLF001 - as logging and warnings find their caller
    while frame.f_back is not None and frame.f_code.co_filename.startswith((LANGUAGE_FOLDER, "<string>")):
        frame = frame.f_back
    return Origin(frame.f_code.co_filename, frame.f_lineno)


class SegmentsError(Exception):
    """Anything that the language or the engine refuses."""


class RuleError(SegmentsError):
    """A rule is wrong.

    `problem` says what was expected and what came, `mend` what to write instead, `origin` where.
    """

    def __init__(self, problem: str, mend: str, origin: Origin | None = None) -> None:
        self.problem = problem
        self.mend = mend
        self.origin = origin or here()
        super().__init__(problem, mend)

    def __str__(self) -> str:
        return f"{self.origin}: {self.problem} {self.mend}".rstrip()


class NoSuchName(RuleError, AttributeError):
    """A name that something of a rule does not have; Python asks for names too, and takes this for its own error."""


class RefusedRules(RuleError):
    """Several things are wrong; `errors` has each of them, and the text names them line by line."""

    def __init__(self, errors: Sequence[RuleError]) -> None:
        self.errors = tuple(errors)
        super().__init__(errors[0].problem, errors[0].mend, errors[0].origin)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


class StoryError(RuleError):
    """A story cannot be read, or tells something else than what happens; then `values` are those of the leaves."""

    values: tuple[str, ...] = ()
    """A line for each leaf of the rule, at the instant at which the story fails."""

    def __str__(self) -> str:
        return "\n".join((super().__str__(), *(f"  {line}" for line in self.values)))
