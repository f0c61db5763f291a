"""What is measured, as a page shows it: in words where a rule with a file here says it, else in notation."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from segments.insight.in_words import InWords
from segments.language.words.sentence import Language
from streams.console.render import leaf_text, plain


class Worded:
    """Measures, values, bounds and conditions in one language."""

    def __init__(self, words: InWords, language: Language) -> None:
        self._words, self._language = words, language

    def name(self, measure: str) -> str:
        """A measure as a bare text: the label of a picture."""
        return self._words.measure(measure) or measure

    def measure(self, text: str) -> Markup:
        """A measure, with its notation where the pointer rests."""
        return _beside(self._words.measure(text), text)

    def condition(self, text: str) -> Markup:
        """A condition that would change something."""
        return _beside(self._words.condition(text), text)

    def value(self, leaf: Mapping[str, Any], text: str | None) -> str:
        """A value or a bound of a leaf."""
        return self._words.value(leaf["measure"], text) or leaf_text(self._language, leaf, text)

    def bound(self, leaf: Mapping[str, Any]) -> str:
        """What the value must be: `at least 3`."""
        said = self._words.bound(leaf) if leaf.get("operator") else None
        return (
            said or f"{leaf.get('operator') or ''} {leaf_text(self._language, leaf, leaf['bound'])}".strip()
        )


def _beside(said: str | None, notation: str) -> Markup:
    if said is None:
        return Markup("<code>{}</code>").format(plain(notation))
    return Markup('<span title="{}">{}</span>').format(notation, plain(said))
