"""TLS as the settings ask for it, to Kafka and to a schema registry alike."""

import logging
import ssl
from pathlib import Path
from typing import Any

from streams.errors import SettingsError

log = logging.getLogger(__name__)

Named = tuple[str, Path | None]
"""A setting's name, and the file that it names."""


class RenewedContext(ssl.SSLContext):
    """Reads its certificates again at each connection: short-lived ones are replaced while a worker runs.

    A file that is just being written, or a key that does not go with its certificate yet, leaves what was read before.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def renew(self) -> None:
        """Read the files again, if they can be read."""
        try:
            if self.authority is not None:
                self.load_verify_locations(self.authority)
            if self.certificate is not None:
                # Load into a scratch context first: a pair that does not fit would leave half of it in this one.
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(self.certificate, self.key)
                self.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            log.warning("certificates can't be read again, going on with those read before: %s", error)

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """Wrap a connection of asyncio or kafka-python."""
        self.renew()
        return super().wrap_bio(*given, **named)

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        """Wrap a plain socket."""
        self.renew()
        return super().wrap_socket(*given, **named)


def tls_context(authority: Named, certificate: Named, key: Path | None) -> ssl.SSLContext:
    """Verifies the other side's certificate and name, and shows ours if there is one; SettingsError if one is none."""
    usual, context = ssl.create_default_context(), RenewedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options, context.verify_flags = usual.options, usual.verify_flags
    setting, context.authority = authority
    try:
        if context.authority is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(context.authority)
    except ssl.SSLError as error:
        raise SettingsError(f"{setting}: expected certificates in PEM, came {error.reason}") from error
    setting, context.certificate = certificate
    context.key = key
    if context.certificate is not None:
        try:
            context.load_cert_chain(context.certificate, key)
        except ssl.SSLError as error:
            problem = f"expected a certificate and its key in PEM, came {error.reason}"
            raise SettingsError(f"{setting}: {problem}") from error
    return context
