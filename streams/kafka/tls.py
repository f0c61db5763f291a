"""TLS as the settings ask for it, to Kafka and to a schema registry alike."""

import ssl
from pathlib import Path

from streams.errors import SettingsError

Named = tuple[str, Path | None]
"""A setting's name, and the file that it names."""


def tls_context(authority: Named, certificate: Named, key: Path | None) -> ssl.SSLContext:
    """Verifies the other side's certificate and name, and shows ours if there is one; SettingsError if one is none."""
    setting, file = authority
    try:
        context = ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise SettingsError(f"{setting}: expected certificates in PEM, came {error.reason}") from error
    setting, file = certificate
    if file is not None:
        try:
            context.load_cert_chain(file, key)
        except ssl.SSLError as error:
            problem = f"expected a certificate and its key in PEM, came {error.reason}"
            raise SettingsError(f"{setting}: {problem}") from error
    return context
