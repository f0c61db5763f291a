"""What can go wrong around the rules, each with what an operator can do about it.

StreamsError              one clear line on stderr, exit code 1
├── SettingsError         an environment variable that starts with SEGMENTS_ is wrong or unknown
├── BrokerError           the local broker cannot be installed, started or stopped
├── BrokerAway            no broker answers at SEGMENTS_BROKERS
├── LoginRefused          a broker answers, but TLS or SASL fail
├── TopicsError           topics are missing, or are not as they should be
├── RegistryError         the schema registry refuses something
│   └── RegistryUnusable  it answers a question about one schema with what can't be used
└── RegistryAway          no schema registry answers at SEGMENTS_REGISTRY_URL
"""

import copyreg
from typing import Any


class StreamsError(Exception):
    """Anything that a command refuses or gives up on, with a message for its user."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is told, whatever it was made of: so it goes from one process to another."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__ or None  # type: ignore[attr-defined]


class SettingsError(StreamsError):
    """Settings are wrong: one line for each, with the variable, what was expected and what came."""


class BrokerError(StreamsError):
    """The local broker cannot be installed, started or stopped."""


class BrokerAway(StreamsError):
    """No broker answers at the address that the settings give."""

    def __init__(self, brokers: str, cause: object = "") -> None:
        why = f" ({cause})" if str(cause) else ""
        super().__init__(
            f"no Kafka broker answers at {brokers}{why}: start one with `segments broker start`, "
            "or set SEGMENTS_BROKERS to yours"
        )


class LoginRefused(StreamsError):
    """A broker answers at the address that the settings give, but it refuses us, or we it."""

    def __init__(self, brokers: str, why: str) -> None:
        super().__init__(f"the Kafka broker at {brokers} can't be used: {why}")


class TopicsError(StreamsError):
    """Topics are missing, or are not as they should be: one line for each, with its mend."""


class RegistryError(StreamsError):
    """The schema registry refuses something: a login, a schema."""


class RegistryUnusable(RegistryError):
    """The schema registry answers, but nothing that can be used: too long, or that it can't serve this schema."""


class RegistryAway(StreamsError):
    """No schema registry answers at the address that the settings give."""

    def __init__(self, url: str, cause: object = "") -> None:
        why = f" ({cause})" if str(cause) else ""
        super().__init__(
            f"no schema registry answers at {url}{why}: start it, or set SEGMENTS_REGISTRY_URL to yours"
        )
