"""A segment: who is in it, in words, by a condition, and proven by stories."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segments.language.errors import RuleError, here
from segments.language.nodes.conditions import Condition, as_condition
from segments.language.nodes.literals import shown, text


class Segment(Condition):
    """A rule. As a condition in another rule, it is this segment's membership after the same evaluation.

    `en`, `nl`: the segment in a sentence. `when`: the condition, a list meaning *and*. `until`: if given, the segment
    is entered when `when` holds and `until` does not, and left when `until` holds. `examples`: stories that prove it.
    `id`: by default the name of the file that it stands in.
    """

    __slots__ = ("en", "examples", "id", "nl", "origin", "until", "when")

    def __init__(
        self,
        *,
        when: Condition | Sequence[Any],
        en: str = "",
        nl: str = "",
        until: Condition | Sequence[Any] | None = None,
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
        self.examples = examples
        for name, given in (("en", en), ("nl", nl), ("examples", examples)):
            if not isinstance(given, str):
                raise RuleError(f"{name}={shown(given)}: a text was expected.", f'Write {name}="...".')
            text(given, f"{name}=")

    def __repr__(self) -> str:
        return f"Segment({self.id})"
