"""Arguments of a connection to Kafka for kafka-python and aiokafka, from the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError

from streams.errors import BrokerAway
from streams.kafka.passwords import read_again
from streams.kafka.reachable import refusal
from streams.kafka.tls import tls_context
from streams.settings.settings import Settings
from streams.settings.types import secret

CONNECT_SECONDS = 2.0
BOOTSTRAP_MILLISECONDS = 3_000
REQUEST_MILLISECONDS = 15_000
RETRY_MILLISECONDS = 20
"""Between two attempts of a client of kafka-python, which waits as long for the first metadata of a topic and for a
coordinator: its default of 100 makes a quarter of a second in each command."""


read_again()


def connection(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for any client of kafka-python 3 or aiokafka: addresses, TLS and SASL."""
    protocol = security_protocol(settings)
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.brokers.split(","),
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = tls_context(
            ("SEGMENTS_TLS_CA_FILE", settings.tls_ca_file),
            ("SEGMENTS_TLS_CERT_FILE", settings.tls_cert_file),
            settings.tls_key_file,
        )
    if settings.sasl_mechanism is not None:
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": secret(settings.sasl_password, settings.sasl_password_file) or "",
        }
    return arguments


def security_protocol(settings: Settings) -> str:
    """As set, else the safest that fits: no password over a plain connection unless that is asked for."""
    if settings.security_protocol is not None:
        return settings.security_protocol
    if settings.sasl_mechanism is not None:
        return "SASL_SSL"
    return "SSL" if settings.tls_ca_file or settings.tls_cert_file else "PLAINTEXT"


@contextmanager
def admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client for as long as the block runs; a broker that is away is known within a few seconds.

    Raises:
        BrokerAway: no broker answers, or one stopped to answer in the block, or an error that passes.
        LoginRefused: it does not let us in.

    """
    arguments = connection(settings)
    require_broker(settings)
    try:
        client = KafkaAdminClient(
            **arguments,
            bootstrap_timeout_ms=BOOTSTRAP_MILLISECONDS,
            request_timeout_ms=REQUEST_MILLISECONDS,
        )
    except (KafkaError, OSError) as error:
        raise BrokerAway(settings.brokers, "" if isinstance(error, KafkaTimeoutError) else error) from error
    try:
        yield client
    except KafkaError as error:
        if error.retriable:
            raise BrokerAway(
                settings.brokers, "" if isinstance(error, KafkaTimeoutError) else error
            ) from error
        raise
    finally:
        client.close()


def require_broker(settings: Settings) -> None:
    """Raises BrokerAway unless something accepts connections at one of the addresses, LoginRefused if not ours.

    Asked before a client of kafka-python is made: that one tries for seconds where the system knows at once,
    does not say why, and leaves sockets and a thread behind if it fails.
    """
    if security_protocol(settings) != "PLAINTEXT":
        from streams.kafka.login import require_login

        require_login(settings.brokers.split(","), connection(settings))
        return
    problem = ""
    for address in settings.brokers.split(","):
        found = refusal(address, CONNECT_SECONDS)
        if found is None:
            return
        problem = found
    raise BrokerAway(settings.brokers, problem)
