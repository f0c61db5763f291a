"""Settings that are right by themselves and wrong together."""

from collections.abc import Iterator
from typing import Any

from streams.settings import registry
from streams.settings.types import TOKEN


def contradictions(settings: Any) -> Iterator[str]:
    """What is right by itself and wrong together."""
    passwords = [settings.sasl_password is not None, settings.sasl_password_file is not None]
    if settings.sasl_mechanism and not settings.sasl_username:
        yield "SEGMENTS_SASL_USERNAME: expected a name, as SEGMENTS_SASL_MECHANISM is set; came nothing"
    if settings.sasl_mechanism and sum(passwords) != 1:
        yield (
            "SEGMENTS_SASL_PASSWORD: expected either this or SEGMENTS_SASL_PASSWORD_FILE, "
            f"as SEGMENTS_SASL_MECHANISM is set; came {'both' if all(passwords) else 'nothing'}"
        )
    yield from registry.contradictions(
        settings.registry_user,
        (settings.registry_password, settings.registry_password_file),
        (settings.registry_cert, settings.registry_key),
    )
    if settings.http_token is not None and settings.http_token_file is not None:
        yield "SEGMENTS_HTTP_TOKEN: expected either this or SEGMENTS_HTTP_TOKEN_FILE; came both"
    yield from _token(settings)
    if (settings.tls_cert_file is None) != (settings.tls_key_file is None):
        yield "SEGMENTS_TLS_CERT_FILE: expected together with SEGMENTS_TLS_KEY_FILE; came only one of them"
    protocol = settings.security_protocol or ""
    if protocol and protocol.startswith("SASL") != bool(settings.sasl_mechanism):
        mechanism = f"SEGMENTS_SASL_MECHANISM {settings.sasl_mechanism or 'unset'}"
        yield f"SEGMENTS_SECURITY_PROTOCOL: {protocol} does not go with {mechanism}"
    if protocol.endswith("PLAINTEXT") and (settings.tls_ca_file or settings.tls_cert_file):
        secure = "SASL_SSL" if protocol.startswith("SASL") else "SSL"
        yield f"SEGMENTS_SECURITY_PROTOCOL: {protocol} does not go with SEGMENTS_TLS_ files: write {secure}"


def _token(settings: Any) -> Iterator[str]:
    """A token that a header can't carry would open nothing, and nobody would know why."""
    name = "SEGMENTS_HTTP_TOKEN" + ("" if settings.http_token_file is None else "_FILE")
    try:
        token = settings.why_token
        fits = token is None or TOKEN.fullmatch(token) is not None
    except UnicodeDecodeError:
        token, fits = None, False
    if token == "" and settings.http_token_file is not None:
        yield f"{name}: expected a token in the file, came nothing"
    elif not fits:
        yield (
            f"{name}: expected a token of visible ASCII characters without spaces, which a header carries unchanged; "
            "came another"
        )
