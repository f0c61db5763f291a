"""What can go wrong between the worker and Kafka.

StreamsError
├── Replaced              a topic was deleted and made again under the same name
├── WrongVersions         Faust, mode or aiokafka are not those whose private parts are overridden
└── CommitFailed          the transaction of a partition is not known to be committed: take it over anew
    ├── Fenced            another worker has taken the partition over
    ├── TooLarge          the broker refused it for its size, so it is not committed
    └── OutcomeUnknown    anything else: time-out, connection lost, refused by the broker
"""

from collections.abc import Mapping

from streams.errors import StreamsError


class WrongVersions(StreamsError):
    """The installed libraries are not those that the worker was written for."""

    def __init__(self, expected: Mapping[str, str], found: Mapping[str, str]) -> None:
        """Name each library that differs and the command that mends it."""
        wrong = [name for name in expected if expected[name] != found[name]]
        listed = ", ".join(f"{name} {expected[name]} (found {found[name]})" for name in wrong)
        pins = " ".join(f"{name}=={expected[name]}" for name in wrong)
        super().__init__(f"the worker needs exactly {listed}: pip install {pins}")


class Replaced(StreamsError):
    """Topics were deleted and made again: the stored positions are offsets of the old topics."""

    cause = "replaced"

    def __init__(self, topics: Mapping[str, tuple[str, str]]) -> None:
        """Name each topic with its id before and now."""
        self.topics = tuple(sorted(topics))
        named = ", ".join(f"{topic} (id {was}, now {now})" for topic, (was, now) in sorted(topics.items()))
        super().__init__(
            f"another topic than the one that was read: {named}. It was deleted and made again; the partition stands "
            f"still. To go on at its beginning stop all workers, then `segments topics adopt {' '.join(self.topics)}`"
        )


class CommitFailed(StreamsError):
    """A transaction is not known to be committed."""

    cause = "unknown_outcome"


class Fenced(CommitFailed):
    """Another worker has taken the partition over: this transaction is void."""

    cause = "fenced"


class TooLarge(CommitFailed):
    """A broker refuses the transaction for its size, and would refuse the same one again."""

    cause = "refused"

    def __init__(self, topic: str, size: int) -> None:
        """Say which topic refuses how many bytes."""
        self.topic = topic
        self.size = size
        self.mended = False
        """Whether the next attempt differs: a smaller transaction, or the record refused."""
        super().__init__(f"{topic} takes no {size:,} bytes at once")


class OutcomeUnknown(CommitFailed):
    """The transaction may be committed, or not."""
