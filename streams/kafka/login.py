"""Tries to log in before a client is made, since the clients only say that nobody answers."""

import asyncio
import logging
import ssl
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.errors import BrokerAway, LoginRefused

LOGIN_SECONDS = 5.0


def require_login(addresses: list[str], arguments: dict[str, Any]) -> None:
    """Raise LoginRefused if a broker refuses us, or we it; BrokerAway if none answers.

    `arguments` are those of `streams.kafka.connection.connection`.
    """
    options = {name: value for name, value in arguments.items() if name != "bootstrap_servers"}
    problem: Exception | None = None
    for address in addresses:
        problem = asyncio.run(_problem(address, options))
        if problem is None:
            return
    brokers = ",".join(addresses)
    if problem is not None and _is_refusal(problem, arguments):
        raise LoginRefused(brokers, _words(problem))
    raise BrokerAway(brokers, problem or "")


def _is_refusal(problem: Exception, arguments: dict[str, Any]) -> bool:
    """A closed connection may mean that the broker stops, or that it requires a certificate."""
    if isinstance(problem, KafkaConnectionError):
        context = arguments.get("ssl_context")
        return context is not None and "sasl_mechanism" not in arguments
    return isinstance(problem, (ssl.SSLError, KafkaError))


async def _problem(address: str, options: dict[str, Any]) -> Exception | None:
    """Why the broker refuses us, None if it does not."""
    host, _, port = address.rpartition(":")
    connection = AIOKafkaConnection(host.strip("[]"), int(port), **options)
    quiet = logging.getLogger("aiokafka.conn")
    before, quiet.disabled = quiet.disabled, True
    try:
        async with asyncio.timeout(LOGIN_SECONDS):
            await connection.connect()
    except (OSError, KafkaError, TimeoutError) as error:
        return error
    finally:
        closed = connection.close()
        if closed is not None:
            # The loop ends with this function and must close the transport first, unless it never came up.
            await asyncio.wait([closed], timeout=0.2)
        quiet.disabled = before
    return None


def _words(problem: Exception) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted here ({problem.verify_message}): see SEGMENTS_TLS_CA_FILE"
    if isinstance(problem, ssl.SSLError):
        return (
            f"TLS failed ({problem.reason}): see SEGMENTS_SECURITY_PROTOCOL and the port of SEGMENTS_BROKERS"
        )
    if isinstance(problem, KafkaConnectionError):
        return "it closed the connection: does it want a client certificate (SEGMENTS_TLS_CERT_FILE)?"
    return f"{problem}: see SEGMENTS_SASL_MECHANISM, SEGMENTS_SASL_USERNAME and SEGMENTS_SASL_PASSWORD_FILE"
