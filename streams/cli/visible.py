"""Text from outside on a terminal: control characters are shown as escapes, never sent as they are.

A key, a header or a field may hold an escape sequence. A terminal that receives it changes its title, hides lines or
types an answer; text that runs from right to left makes a line read differently from what it holds.
"""

import json
import re
from typing import Any

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters; 9b begins a sequence like ESC [
    "\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # format and direction
    "\U000e0000-\U000e007f"  # tags
    "\ud800-\udfff]"  # halves of surrogate pairs, which no encoding has
)
_WITHIN_LINES = re.compile(f"(?!\n){_INVISIBLE.pattern}")


def visible(text: str) -> str:
    """The text on one line: what can't be seen, a line break too, as in a Python literal (\\x1b, \\n)."""
    return _INVISIBLE.sub(_escape, text)


def visible_lines(text: str) -> str:
    """The same for a message of several lines, which stay lines."""
    return _WITHIN_LINES.sub(_escape, text)


def json_line(value: Any) -> str:
    """A value as JSON on one line: letters of all languages as they are, what can't be seen as \\u escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return _INVISIBLE.sub(lambda found: json.dumps(found.group())[1:-1], text)


def json_text(value: Any) -> str:
    """A value as JSON on indented lines, with the same escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _WITHIN_LINES.sub(lambda found: json.dumps(found.group())[1:-1], text)


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()
