"""The settings of the schema registry, as `streams.settings.settings` lists them."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from streams.settings.types import About, ExistingFile, http_url

Url = Annotated[
    Annotated[str, AfterValidator(http_url)] | None,
    About(
        "URL of a schema registry (Confluent's interface). Unset: the shipped schema ids are used.",
        "an http(s) URL",
    ),
]
User = Annotated[str | None, About("User name for the schema registry.", "a name")]
Password = Annotated[SecretStr | None, About("Password for the schema registry.", "a password")]
PasswordFile = Annotated[
    ExistingFile | None,
    About(
        "File with the password for the schema registry, instead of SEGMENTS_REGISTRY_PASSWORD.",
        "a file that exists",
    ),
]
Authority = Annotated[
    ExistingFile | None,
    About(
        "Certificates (PEM) of the authorities trusted for the registry. Unset: the system's.",
        "a file that exists",
    ),
]
Certificate = Annotated[
    ExistingFile | None, About("Client certificate (PEM) for the registry.", "a file that exists")
]
Key = Annotated[
    ExistingFile | None,
    About("Private key (PEM) of the client certificate, without a passphrase.", "a file that exists"),
]


def contradictions(user: object, passwords: Sequence[object], pair: Sequence[object]) -> Iterator[str]:
    """What is right by itself and wrong together: the password and its file, the certificate and its key."""
    given = sum(each is not None for each in passwords)
    if given != (user is not None):
        expected = "either this or SEGMENTS_REGISTRY_PASSWORD_FILE, and only with SEGMENTS_REGISTRY_USER"
        came = "no user" if user is None else "both" if given else "nothing"
        yield f"SEGMENTS_REGISTRY_PASSWORD: expected {expected}; came {came}"
    if sum(each is None for each in pair) == 1:
        yield "SEGMENTS_REGISTRY_CERT: expected together with SEGMENTS_REGISTRY_KEY; came only one of them"
