"""Has kafka-python log in with the password that a secret's file has at that moment.

A command that runs for long, such as `segments consume`, connects again with the password of that day.
"""

from typing import Any

from kafka.net.sasl import register_sasl_mechanism
from kafka.net.sasl.plain import SaslMechanismPlain
from kafka.net.sasl.scram import SaslMechanismScram

from streams.settings.types import FileSecret

PASSWORD = "sasl_plain_password"  # noqa: S105 - the name of an argument


class _Plain(SaslMechanismPlain):  # type: ignore[misc]  # kafka-python has no types
    def __init__(self, **config: Any) -> None:
        super().__init__(**_renewed(config))


class _Scram(SaslMechanismScram):  # type: ignore[misc]  # as above
    def __init__(self, **config: Any) -> None:
        super().__init__(**_renewed(config))


def _renewed(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a connection, with the password as its file has it now."""
    password = config.get(PASSWORD)
    return config | {PASSWORD: password.again()} if isinstance(password, FileSecret) else config


def read_again() -> None:
    """From now on each connection of kafka-python reads the file of its password."""
    register_sasl_mechanism("PLAIN", _Plain, overwrite=True)
    for name in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
        register_sasl_mechanism(name, _Scram, overwrite=True)
