"""The command `segments`: quick, and clear about what goes wrong."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka.errors import KafkaTimeoutError

from segments.language.errors import Origin, RuleError
from streams.cli import COMMANDS, in_words, main
from streams.errors import StreamsError
from streams.local.broker import Broker

pytestmark = pytest.mark.timeout(60)


def names():
    """The commands that exist."""
    return main.list_commands(None)


def test_help_lists_what_exists_and_imports_none_of_it():
    """The help of all commands is there at once: neither Faust nor Kafka nor pydantic is loaded for it."""
    code = "import sys, streams.cli; streams.cli.main(['-h'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *lines, modules = done.stdout.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in COMMANDS]
    assert listed == names()
    assert not {"faust", "kafka", "aiokafka", "pydantic"} & set(modules.split())


@pytest.mark.parametrize("name", names())
def test_every_command_has_help(run, name):
    """`segments NAME --help` says what it does."""
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: segments {name} ")


def test_a_command_that_does_not_exist_gets_the_nearest_name(run):
    """A typing error is a usage error with a hint."""
    done = run("setings")
    assert done.returncode == 2
    assert "Did you mean 'settings'?" in done.stderr


def test_errors_of_ours_are_words_and_others_are_not_hidden():
    """A wrong rule, a refusal, Kafka's errors and missing files are words; a bug keeps its traceback."""
    rule = RuleError("No window.", "Write .within(days=7).", Origin("big.py", 7))
    assert in_words(rule) == "big.py:7: No window. Write .within(days=7)."
    assert in_words(StreamsError("no topics")) == "no topics"
    assert (
        in_words(FileNotFoundError(2, "No such file or directory", "gone"))
        == "gone: No such file or directory"
    )
    kafka = in_words(KafkaTimeoutError("too late"))
    assert kafka is not None
    assert "too late" in kafka
    assert in_words(ValueError("a bug")) is None


def test_a_reader_who_has_seen_enough_gets_silence(environment):
    """`segments settings | head` ends without a complaint."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [Path(sys.executable).with_name("segments"), "settings"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_ends_with_130_and_leaves_nothing_running(spawn):
    """A broker that is just being started goes with the command that starts it."""
    starting = spawn("broker", "start")
    broker = Broker(Path(starting.environment["SEGMENTS_DATA_DIR"]) / "broker")
    deadline = time.monotonic() + 30
    while broker.pid is None and time.monotonic() < deadline:
        time.sleep(0.02)
    starting.signal(signal.SIGINT)
    assert (starting.wait(), starting.stderr) == (130, "")
    assert broker.status() is None


@pytest.mark.parametrize("arguments", [("why", "\udcff"), ("consume", "clickstream", "--customer", "\udcff")])
def test_bytes_that_are_no_text_name_no_customer(run, arguments):
    """An argument that is not UTF-8 is a wrong call, said in one line."""
    done = run(*arguments)
    assert (done.returncode, "is not UTF-8" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_an_error_can_not_steer_the_terminal(run, tmp_path):
    """A field's name from a file comes back in the message as text, half a surrogate pair too."""
    file = tmp_path / "log.jsonl"
    file.write_text('{"topic": "\\u001b[2J\\ud800"}\n')
    done = run("replay", str(file))
    assert (done.returncode, "\x1b" in done.stderr, r"\x1b[2J" in done.stderr) == (1, False, True), (
        done.stderr
    )
