"""What a receiver answered, fit for a log: cut, and without what it repeats of a customer."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from streams.delivery.flip import Flip

LONGEST = 200
"""Characters that are logged of an answer: a sentence, not a page of HTML."""
SHORTEST = 3
"""Characters of a value that is looked for anywhere: a shorter one (`3`, `nl`) is in half of all words."""
PERSONAL = re.compile(r"[^\s\"'<>@]+@[^\s\"'<>@]+|\d[\d .()/-]{3,}\d")
"""Addresses of mail, and numbers of five digits or more, such as those of telephones and contacts."""
MASK = "…"


def without_customers(text: str, flips: Iterable[Flip]) -> str:
    """The words of an answer to these flips, without their customers, values, details and evidence, and cut."""
    personal = sorted({form for flip in flips for each in _told(flip) for form in _forms(each)}, key=len)
    for each in reversed(personal):
        # A short id is masked where it is a word of its own.
        word = re.escape(each) if len(each) >= SHORTEST else rf"(?<!\w){re.escape(each)}(?!\w)"
        text = re.sub(word, MASK, text, flags=re.IGNORECASE)
    text = PERSONAL.sub(MASK, text)
    text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}{MASK}"


def _told(flip: Flip) -> Iterator[str]:
    """What a message says of the customer."""
    yield flip.customer
    texts = [flip.value, *(flip.event.get("details") or {}).values()]
    texts += [leaf["value"] for leaf in flip.event.get("evidence") or ()]
    yield from (each for each in texts if each is not None and len(each) >= SHORTEST)


def _forms(text: str) -> set[str]:
    """As it stands in the message: plain, in JSON and in a header."""
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], quote(text)}
