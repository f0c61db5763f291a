"""Everything of ours that overrides private parts of Faust, mode and aiokafka.

The rest of the worker uses what this package exports and nothing private. What is overridden, and why, is said
where it is done; FINDINGS of the project lists what stock Faust gets wrong. Private parts change without notice,
so the exact versions are asserted when the package is imported.
"""

from importlib.metadata import version

from streams.transport.errors import WrongVersions

WRITTEN_FOR = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}


def assert_versions() -> None:
    """Refuse to run on other versions than those whose private parts are overridden here."""
    found = {package: version(package) for package in WRITTEN_FOR}
    if found != WRITTEN_FOR:
        raise WrongVersions(WRITTEN_FOR, found)


assert_versions()

from streams.transport.application import BatchApp  # noqa: E402  the versions are checked first
from streams.transport.authentication import logins  # noqa: E402
from streams.transport.producer import TransactionalProducer  # noqa: E402
from streams.transport.runs import Run  # noqa: E402

__all__ = ["BatchApp", "Run", "TransactionalProducer", "assert_versions", "logins"]
