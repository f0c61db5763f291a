"""A segment: who is in it, in words, by a condition, and proven by stories."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segments.language.errors import RuleError, here
from segments.language.nodes.conditions import Condition, as_condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import came
from segments.language.nodes.literals import shown, text


class Segment(Condition):
    """A rule. As a condition in another rule, it is this segment's membership after the same evaluation.

    `en`, `nl`: the segment in a sentence. `when`: the condition, a list meaning *and*. `until`: if given, the segment
    is entered when `when` holds and `until` does not, and left when `until` holds. `for_at_least`: it is entered once
    `when` has held without a break for so long. `at_most_every`: it is entered no earlier than that after its previous
    enter. `examples`: stories that prove it. `id`: by default the name of the file that it stands in.
    """

    __slots__ = ("at_most_every", "en", "examples", "for_at_least", "id", "nl", "origin", "until", "when")

    def __init__(
        self,
        *,
        when: Condition | Sequence[Any],
        en: str = "",
        nl: str = "",
        until: Condition | Sequence[Any] | None = None,
        for_at_least: Duration | None = None,
        at_most_every: Duration | None = None,
        examples: str = "",
        id: str = "",  # noqa: A002 - the word that rule authors, topics and commands use
    ) -> None:
        self.origin = here()
        self.id = text(id, "id=") if id else Path(self.origin.file).stem
        if not self.id.isprintable():
            raise RuleError(
                f"id={shown(self.id)}: a name without control characters was expected.", 'Write id="...".'
            )
        self.en = en
        self.nl = nl
        self.when = as_condition(when, "when")
        self.until = None if until is None else as_condition(until, "until")
        self.for_at_least = _length("for_at_least", for_at_least, "hours(2)")
        self.at_most_every = _length("at_most_every", at_most_every, "days(7)")
        self.examples = examples
        for name, given in (("en", en), ("nl", nl), ("examples", examples)):
            if not isinstance(given, str):
                raise RuleError(f"{name}={shown(given)}: a text was expected.", f'Write {name}="...".')
            text(given, f"{name}=")

    def __repr__(self) -> str:
        return f"Segment({self.id})"


def _length(name: str, given: object, example: str) -> int:
    """The milliseconds of a length of time that an author gave; 0: none."""
    if given is None:
        return 0
    if isinstance(given, Duration):
        if given.milliseconds:
            return given.milliseconds
        raise RuleError(f"{name}={given}: it needs a length.", f"Leave it out, or write {name}={example}.")
    mend = f"Write, say, {name}={example}."
    if type(given) is int:
        mend = f"Write {name}=days({shown(given)}), or hours(...), or minutes(...)."
    raise RuleError(f"{name}={came(given)}: a duration was expected.", mend)
