"""The limit of open files, asked for before a worker takes anything over."""

import subprocess
import sys

import pytest

from streams.worker.descriptors import OF_A_PARTITION, OF_A_WORKER

pytestmark = pytest.mark.timeout(60)

SCRIPT = """
import resource, sys
soft, hard, partitions, store = *map(int, sys.argv[1:4]), sys.argv[4]
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from streams.errors import StreamsError
from streams.worker.descriptors import require_descriptors
try:
    require_descriptors(partitions, store)
except StreamsError as error:
    print(error)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def asked(soft, hard, partitions, store):
    """What is said in a process with these limits, and its limits afterwards."""
    command = [sys.executable, "-c", SCRIPT, *map(str, (soft, hard, partitions)), store]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *said, limits = done.stdout.splitlines()
    return said, limits


def test_too_few_descriptors_are_said_with_what_is_needed():
    """200 partitions of RocksDB never got ready under 1,024: refused, with the number and how it is raised."""
    said, _ = asked(1024, 1024, 200, "rocksdb")
    needed = OF_A_WORKER + 200 * OF_A_PARTITION["rocksdb"]
    assert len(said) == 1
    assert (
        f"200 partitions with SEGMENTS_STORE=rocksdb need at least {needed} open files, and 1024 are"
        in said[0]
    )
    assert "LimitNOFILE=65536" in said[0]


@pytest.mark.parametrize(("partitions", "store"), [(100, "rocksdb"), (4, "memory"), (400, "memory")])
def test_what_was_seen_to_work_is_not_refused(partitions, store):
    """100 partitions of RocksDB took 826 descriptors and ran under 1,024; in memory a partition takes two."""
    assert asked(1024, 1024, partitions, store) == ([], "1024 1024")


def test_the_soft_limit_is_raised_to_the_hard_one():
    """A usual soft limit of 1,024 under a high hard one is no reason to refuse."""
    assert asked(1024, 4096, 200, "rocksdb") == ([], "4096 4096")
