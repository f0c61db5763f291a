"""Everything of ours that overrides private parts of Faust, mode and aiokafka.

The rest of the worker uses what this package exports and nothing private. Each override says beside it what it replaces
and why. Private parts change without notice, so the exact versions are checked when the package is imported.

application     the Faust application whose input topics come in runs
authentication  logins with the password that a file has now; notes a refused one
calls           the requests of a transaction, sent over aiokafka's connections
consumer        Faust's consumer and its thread: fetches, seeks, pauses
errors          what can go wrong between the worker and Kafka
fetch           what aiokafka has fetched, as runs
joining         tells why a worker cannot join its group, and whether another one took its name
producer        one Kafka transaction after another, for one partition
raw             fetches kept as the bytes that the broker sent
reading         a partition from one offset to another, over a connection of its own
recovery        what happens after a rebalance, in place of Faust's recovery
runs            the records of a partition in one fetch
topic_ids       ids of topics: they show that a topic was deleted and made again
transactions    the steps of a transaction, repeated until they are done or refused
"""

from importlib.metadata import version

from streams.transport.errors import WrongVersions

WRITTEN_FOR = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}


def assert_versions() -> None:
    """Raise WrongVersions unless the installed versions are those whose private parts are overridden here."""
    found = {package: version(package) for package in WRITTEN_FOR}
    if found != WRITTEN_FOR:
        raise WrongVersions(WRITTEN_FOR, found)


assert_versions()

from streams.transport.application import BatchApp  # noqa: E402  the versions are checked first
from streams.transport.authentication import logins  # noqa: E402
from streams.transport.producer import TransactionalProducer  # noqa: E402
from streams.transport.runs import Run  # noqa: E402

__all__ = ["BatchApp", "Run", "TransactionalProducer", "assert_versions", "logins"]
