"""Partitions of a report read by several processes at once, each with a consumer and sums of its own.

Adding customers up is Python, of which a process does no more than one core can. What the processes found is added
together at the end; which of them read which partition makes no difference.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from streams.errors import StreamsError
from streams.history.reader import Progress
from streams.report.partition import Bounds, Found, reader
from streams.settings.settings import Settings

ALONE = 300_000
"""Offsets that one process reads by itself: they take about two seconds, and to start a process takes one."""
MOST = 8
"""Processes at most: each holds the customers of a partition, and a broker sends to eight no faster than it can."""
STEP_SECONDS = 0.5
"""Without news: then whoever shows the progress may end it."""

Process = subprocess.Popen[bytes]
Message = int | StreamsError | Found | None
"""What a process sends: offsets that were read, an error, all that was found, or None, which asks for a partition."""


def worth(length: int, partitions: int) -> int:
    """By how many processes so many offsets are read; 1: by this one."""
    return 1 if length < ALONE else min(MOST, partitions, cores())


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Only Linux tells.
        return os.cpu_count() or 1


def in_processes(
    count: int,
    numbers: Sequence[int],
    settings: Settings,
    bounds: Bounds,
    found: Found,
    progress: Progress,
) -> None:
    """Read partitions, in this order, by so many processes, and add them to `found`.

    Raises the error of the first process that has one, and StreamsError if one ends without a word. However it ends,
    no process is left.
    """
    reading: dict[Connection, Process] = {}
    try:
        for _ in range(count):
            _begin(reading)
        for pipe in reading:
            pipe.send((settings, bounds, found.apart()))
        _gather(dict(reading), numbers, found, progress)
    finally:
        for pipe, process in reading.items():
            pipe.close()
            process.kill()
            process.wait()


def _begin(reading: dict[Connection, Process]) -> None:
    """Start a process: afresh, since a copy of this one would have the locks that its threads hold.

    `multiprocessing` would run the script that was called once more in it; that need not be made for it.
    """
    own, theirs = Pipe()
    place = theirs.fileno()
    code = f"from {__name__} import read_for; read_for({place})"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    with theirs, _deaf_to_interrupts():
        reading[own] = subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-P", "-c", code],
            env=environment,
            pass_fds=(place,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """What is started here gets no SIGINT: Ctrl-C is told to all processes of a terminal, and one answer is enough."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _gather(
    reading: dict[Connection, Process], numbers: Sequence[int], found: Found, progress: Progress
) -> None:
    """Give out the partitions, and add up what comes back until nobody reads any more."""
    left = iter(numbers)
    while reading:
        ready = wait(list(reading), STEP_SECONDS)
        if not ready:
            progress(0)
        for pipe in [each for each in reading if each in ready]:
            message = _message(pipe, reading[pipe])
            if isinstance(message, StreamsError):
                raise message
            if message is None:
                pipe.send(next(left, None))
            elif isinstance(message, int):
                progress(message)
            else:
                found.join(message)
                del reading[pipe]


def _message(pipe: Connection, process: Process) -> Message:
    try:
        message: Message = pipe.recv()
    except (EOFError, ConnectionError) as error:
        raise StreamsError(
            f"a process that read partitions for the report ended with {process.wait()}: "
            "if that is -9, there was too little memory for it"
        ) from error
    return message


def read_for(place: int) -> None:
    """What each process does, for whoever holds the other end of the pipe in this file descriptor."""
    pipe = Connection(place)
    try:
        settings, bounds, found = pipe.recv()
        try:
            with reader(settings, bounds, found) as partitions:
                while (number := _next(pipe)) is not None:
                    partitions.read(number, pipe.send)
            pipe.send(found)
        except StreamsError as error:
            pipe.send(error)
    except (EOFError, ConnectionError):
        pass  # Whoever wanted to know is gone.


def _next(pipe: Connection) -> int | None:
    """The next partition; None: there is none."""
    pipe.send(None)
    number: int | None = pipe.recv()
    return number
