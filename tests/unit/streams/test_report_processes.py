"""Processes that read a report's partitions: when there are some, and how they end."""

import os
import pickle
import subprocess

import pytest
from kafka import TopicPartition

from segments.insight.outcomes.linked import Linked
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.sums import Sums
from streams.errors import BrokerAway, LoginRefused, RegistryAway, StreamsError
from streams.report import processes
from streams.report.partition import Bounds, Found
from streams.report.processes import in_processes, worth
from streams.settings.settings import Settings

NOBODY = "127.0.0.1:1"


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    found, popen = [], subprocess.Popen

    def begin(*arguments, **options):
        found.append(popen(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(processes.subprocess, "Popen", begin)
    yield found
    assert len(found) == 2
    assert all(each.returncode is not None for each in found), "none is left"


def read(progress):
    """Two partitions by two processes, from a broker that nobody runs."""
    ends = {TopicPartition("segment-events", number): 5 for number in (0, 1)}
    bounds = Bounds(dict.fromkeys(ends, 0), ends, inputs=False)
    found = Found(Sums(Period(1 << 60)), Linked(()))
    in_processes(2, [0, 1], Settings(brokers=NOBODY), bounds, found, progress)


@pytest.mark.usefixtures("started")
def test_one_error_is_told_as_by_one_process():
    """Each process finds no broker: that is said once, in the words of the error itself."""
    with pytest.raises(BrokerAway, match=rf"^no Kafka broker answers at {NOBODY}") as told:
        read(lambda _: None)
    assert str(told.value).count("no Kafka broker") == 1


@pytest.mark.usefixtures("started")
def test_whoever_shows_the_progress_may_end_it():
    """Also while the processes have nothing to tell yet, as with Ctrl-C."""

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(interrupted)


def test_a_process_that_is_killed_is_an_error(started):
    """As by a machine that has too little memory."""

    def kill(_):
        started[1].kill()

    with pytest.raises(StreamsError, match=r"ended with -9.* too little memory"):
        read(kill)


def test_a_process_that_nobody_waits_for_ends(capfd):
    """Who started it was killed: nothing is left of it, and it has nothing to say."""
    own, theirs = processes.Pipe()
    with theirs:
        code = f"from streams.report.processes import read_for; read_for({theirs.fileno()})"
        process = subprocess.Popen([processes.sys.executable, "-c", code], pass_fds=(theirs.fileno(),))
    own.close()
    assert process.wait(60) == 0
    assert capfd.readouterr() == ("", "")


def test_processes_are_started_only_if_that_is_worth_it(monkeypatch):
    """Not for a few offsets; never more than partitions, cores, or MOST."""
    monkeypatch.setattr(processes, "cores", lambda: 16)
    assert [worth(length, 4) for length in (0, processes.ALONE - 1, processes.ALONE)] == [1, 1, 4]
    assert [worth(1 << 40, partitions) for partitions in (1, 3, 64)] == [1, 3, processes.MOST]
    monkeypatch.setattr(processes, "cores", lambda: 1)
    assert worth(1 << 40, 64) == 1


def test_the_cores_are_those_that_this_process_may_use():
    """A process that is bound to one core starts no others."""
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processes.cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    "error",
    [BrokerAway("a", OSError("b")), LoginRefused("a", "b"), RegistryAway("c"), StreamsError("d")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_goes_to_another_process_as_it_is(error):
    """Of its type, with its words, though it was made of something else."""
    error.hint = "e"
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), other.hint) == (type(error), str(error), "e")
