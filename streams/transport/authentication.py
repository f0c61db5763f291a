"""Has aiokafka log in with the password that a secret's file has at that moment, and notes refusals.

aiokafka takes a password once, when a client is made, and tries for ever with it. Its clients say no more of a refused
login than that nobody answers, so it is noted here for whoever watches over the worker.
"""

import ssl
from typing import Any, Protocol, runtime_checkable

import aiokafka.client
from aiokafka.conn import create_conn
from aiokafka.errors import IllegalSaslStateError, SaslAuthenticationFailed, UnsupportedSaslMechanismError

REFUSALS = (
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
    IllegalSaslStateError,
    ssl.SSLCertVerificationError,
)
"""Errors that another attempt with the same credentials would meet again."""


@runtime_checkable
class OfFile(Protocol):
    """A password that can be read from its file again."""

    def again(self) -> "OfFile":
        """The current password."""


class Logins:
    """The outcome of the logins of this process; connections of several threads report to it."""

    def __init__(self) -> None:
        """Start without a refusal."""
        self.refused: Exception | None = None
        """Why the latest login was refused, None if none was since the latest that succeeded."""

    async def connect(self, host: str, port: int, **options: Any) -> Any:
        """In place of aiokafka's `create_conn`, with the password as its file has it now.

        A login that is refused although the file has another password by now was one too early: the next one will tell.
        """
        password = options.get("sasl_plain_password")
        if isinstance(password, OfFile):
            password = options["sasl_plain_password"] = password.again()
        try:
            connection = await create_conn(host, port, **options)
        except REFUSALS as error:
            if not (isinstance(password, OfFile) and password.again() != password):
                self.refused = error
            raise
        self.refused = None
        return connection


logins = Logins()
aiokafka.client.create_conn = logins.connect
