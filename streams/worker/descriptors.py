"""Checks at the start that a worker may open as many files and connections as its partitions need.

Without enough of them partitions never get ready, and nothing says why: RocksDB and the producers fail each in its way.
"""

import logging
import resource

from streams.errors import StreamsError

log = logging.getLogger(__name__)

OF_A_WORKER = 126
"""Descriptors that no partition uses: 26 of an idle worker, and 100 connections to its HTTP server."""

OF_A_PARTITION = {"memory": 2, "rocksdb": 8}
"""Two connections of its producer to a cluster of one broker, and six files that RocksDB opens at first. Measured with
10 and with 40 partitions: 46 and 106 in memory, 106 and 346 with RocksDB. More brokers and more data take more."""


class TooFewDescriptors(StreamsError):
    """The limit of open files is too low for the partitions that one worker may own."""

    def __init__(self, partitions: int, store: str, needed: int, allowed: int) -> None:
        """Say how many are needed, and how to raise the limit."""
        super().__init__(
            f"{partitions} partitions with SEGMENTS_STORE={store} need at least {needed} open files, and {allowed} are "
            "allowed: LimitNOFILE=65536 in the unit of systemd, --ulimit nofile=65536 for a container, or "
            "`ulimit -n 65536` in a shell"
        )


def require_descriptors(partitions: int, store: str) -> None:
    """Raise the soft limit to the hard one. Raises TooFewDescriptors if that is too low for all partitions."""
    needed = OF_A_WORKER + partitions * OF_A_PARTITION[store]
    allowed = _raised()
    if allowed is not None and allowed < needed:
        raise TooFewDescriptors(partitions, store, needed, allowed)


def _raised() -> int | None:
    """The hard limit, to which the soft one is raised; None where nobody limits, or a sandbox does not let us ask."""
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        log.debug("the limit of open files stays as it is: %s", error)
        return None
    return None if hard == resource.RLIM_INFINITY else hard
