"""What comes from outside is shown on a terminal, and can't steer it."""

import json
import logging

import pytest

from streams.cli.consume import line_of
from streams.cli.dead_letters import _told
from streams.cli.logs import _Masking
from streams.cli.visible import json_line, visible, visible_lines
from streams.jobs.dead_letters import Letter, TopicPartition
from tests.unit.repository import ROOT

TITLE = "\x1b]0;mine\x07"
"""An escape sequence that gives a terminal another title, and rings its bell."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TITLE, r"\x1b]0;mine\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("half \ud800", r"half \ud800"),
        ("märz 冬 ✓ a\u00a0b", "märz 冬 ✓ a\u00a0b"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_what_steers_a_terminal_is_escaped_and_letters_are_not(text, shown):
    """Control characters, directions and half characters as in a Python literal; as JSON they read back the same."""
    assert visible(text) == shown
    assert json.loads(json_line({"it": text})) == {"it": text}
    assert json_line(text).encode().decode().isprintable() or "\u200d" in text or "\u00a0" in text


def test_a_message_keeps_its_lines():
    """Line breaks of a message stay, and nothing else that can't be seen."""
    assert visible_lines(f"one\n{TITLE}two") == f"one\n{visible(TITLE)}two"


class Raw:
    """A record as a consumer gives it."""

    topic, partition, offset, timestamp = "dead-letters", 0, 7, 1_790_000_000_000

    def __init__(self, key, value, headers):
        self.key, self.value, self.headers = key, value, headers


def test_consume_shows_no_escape_sequence():
    """Of a header's bytes, which anybody may have written, a terminal gets text."""
    line = json_line(line_of(Raw(b"k", b"v", [("error", TITLE.encode() + "\x9b".encode())])))
    assert json.loads(line)["error"] == TITLE + "\x9b"
    assert line.isprintable()


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (None, "null"),
        (b"", '""'),
        (b"  ", '"  "'),
        (b"ann", "ann"),
        (b"\xff", "/w=="),
        (TITLE.encode(), r"\x1b]0;mine\x07"),
    ],
)
def test_a_dead_letter_shows_which_key_it_has(key, shown):
    """No key, an empty one, one of spaces and one of control characters are told apart, and are one line each."""
    headers = {"reason": "no_key", "error": f"bad {TITLE}\nkey"}
    letter = Letter(TopicPartition("dead-letters", 0), 7, 1_790_000_000_000, headers, key, b"")
    lines = list(_told(letter, retried=False))
    assert f"  key        {shown}" in lines
    assert '  value      ""' in lines
    assert all(line.isprintable() for line in lines)


def test_commands_print_json_by_one_function():
    """JSON that a command prints goes through what escapes it; a CSV file of members is none of a terminal's."""
    users = {
        file.name for file in (ROOT / "streams" / "cli").glob("*.py") if "json.dumps(" in file.read_text()
    }
    assert users <= {"visible.py", "members.py"}


def test_a_log_line_can_not_steer_the_terminal():
    """What somebody else said, as a registry in its answer, is escaped in a worker's log; its lines stay lines."""
    said = ("the registry says %s\nand more", (TITLE,))
    record = logging.LogRecord("segments", logging.ERROR, "", 1, *said, None)
    line = _Masking(()).format(record)
    assert line.endswith(r"says \x1b]0;mine\x07" + "\nand more")
