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
pace            space between fetches, so that each brings records of several partitions
producer        one Kafka transaction after another, for one partition
raw             fetches kept as the bytes that the broker sent
reading         a partition from one offset to another, over a connection of its own
recovery        what happens after a rebalance, in place of Faust's recovery
runs            the records of a partition in one fetch
topic_ids       ids of topics: they show that a topic was deleted and made again
transactions    the steps of a transaction, repeated until they are done or refused
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from streams.transport.errors import WrongVersions

WRITTEN_FOR = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}


def assert_versions() -> None:
    """Raise WrongVersions unless the installed versions are those whose private parts are overridden here."""
    found = {package: version(package) for package in WRITTEN_FOR}
    if found != WRITTEN_FOR:
        raise WrongVersions(WRITTEN_FOR, found)


assert_versions()

if TYPE_CHECKING:
    from streams.transport.application import BatchApp
    from streams.transport.authentication import logins
    from streams.transport.producer import TransactionalProducer
    from streams.transport.runs import Run

__all__ = ["BatchApp", "Run", "TransactionalProducer", "assert_versions", "logins"]

_MODULES = {
    "BatchApp": "application",
    "Run": "runs",
    "TransactionalProducer": "producer",
    "logins": "authentication",
}
"""Where each name is. They are imported when they are first used: Faust takes half a second to import, and the commands
that only read topics need nothing of it."""


def __getattr__(name: str) -> Any:
    """Import what is asked for the first time."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
