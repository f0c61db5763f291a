"""All that can be set: environment variables that begin with SEGMENTS_, each with its meaning and unit.

`segments settings` prints them. A wrong value, or a variable that nobody knows, stops every command at once.
"""

import difflib
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streams.errors import SettingsError
from streams.settings import registry
from streams.settings.contradictions import contradictions
from streams.settings.local_broker import running_address
from streams.settings.types import (
    AT_LEAST_ONE,
    LAST_PORT,
    MASK,
    NAME_EXPECTED,
    About,
    AtLeastOne,
    ExistingFile,
    Name,
    absolute_folders,
    addresses,
    secret,
    secrets_of,
    split_folders,
    split_hosts,
    split_names,
    zone_name,
)

PREFIX = "SEGMENTS_"
BROKER_BY_DEFAULT = "localhost:9092"


def _shipped_rules() -> tuple[Path, ...]:
    """The folder of the installed package `segments`, found without importing it."""
    spec = find_spec("segments")
    places = (spec.submodule_search_locations or []) if spec else []
    return tuple(Path(place) for place in list(places)[:1])


def _local_broker(settled: dict[str, Any]) -> str:
    """The broker of this data directory if it runs."""
    return running_address((settled["data_dir"] / "broker").resolve()) or BROKER_BY_DEFAULT


class Settings(BaseSettings):
    """The settings of one process, checked. `read_settings()` makes them from the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    data_dir: Annotated[
        Path,
        AfterValidator(Path.absolute),
        About("Folder for files of this machine: the local broker, RocksDB.", "a folder"),
    ] = Path(".segments")
    brokers: Annotated[
        str,
        AfterValidator(addresses),
        Field(default_factory=_local_broker),
        About(
            "Addresses of Kafka brokers.",
            "host:port, several of them separated by commas",
            f"the local broker if it runs, else {BROKER_BY_DEFAULT}",
        ),
    ]
    rules: Annotated[
        tuple[Path, ...],
        NoDecode,
        BeforeValidator(split_folders),
        AfterValidator(absolute_folders),
        Field(default_factory=_shipped_rules),
        About(
            "Folders of rules.",
            f"folders that exist, separated by '{os.pathsep}' or commas",
            "segments/, the rules that are shipped",
        ),
    ]
    group: Annotated[
        Name,
        About(
            "Consumer group. Workers of one group share the partitions, and run what is deployed for the group.",
            NAME_EXPECTED,
        ),
    ] = "segments"
    store: Annotated[
        Literal["memory", "rocksdb"],
        About(
            "Where a worker keeps the states of customers. Kafka has a copy in either case.",
            "memory or rocksdb",
        ),
    ] = "memory"
    clock: Annotated[
        Literal["wall", "event"],
        About(
            "'wall' follows the wall clock once the inputs are caught up; 'event' ignores it, for old data and tests.",
            "wall or event",
        ),
    ] = "wall"
    grace: Annotated[
        int,
        Field(ge=0),
        About(
            "How long timers wait for late events, in milliseconds.",
            "milliseconds, 0 or more",
        ),
    ] = 2_000
    currency: Annotated[
        str,
        Field(pattern=r"^[A-Z]{3}$"),
        About(
            "Amounts in this currency count as money, amounts in others do not (ISO 4217).",
            "three capital letters",
        ),
    ] = "EUR"
    timezone: Annotated[
        str,
        AfterValidator(zone_name),
        About("Time zone of dates (IANA name, such as Europe/Amsterdam).", "a time zone of the IANA list"),
    ] = "UTC"
    required_consent: Annotated[
        str | None,
        About(
            "The consent that each rule needs, unless it has a lawful_basis of its own.",
            "the name of a consent, such as profiling",
        ),
    ] = None
    profile_sources: Annotated[
        tuple[Name, ...],
        NoDecode,
        BeforeValidator(split_names),
        About(
            "Sources of profiles beside the topic profiles: of crm it is profiles-crm. A profile is whole for its "
            "source, and what all sources tell of a customer counts together.",
            f"names of {NAME_EXPECTED}, separated by commas",
        ),
    ] = ()
    language: Annotated[
        Literal["en", "nl"] | None,
        About(
            "Language in which commands describe rules and customers. Unset: English, `show` both.",
            "en or nl",
        ),
    ] = None
    customer_limit: Annotated[
        AtLeastOne,
        About(
            "Most entries of one customer. Records beyond become dead letters (customer_limit).", AT_LEAST_ONE
        ),
    ] = 10_000
    customer_bytes: Annotated[
        AtLeastOne,
        About(
            "Most bytes of the state of one customer. Records beyond become dead letters (customer_limit).",
            AT_LEAST_ONE,
        ),
    ] = 1_048_576
    registry_url: registry.Url = None
    registry_user: registry.User = None
    registry_password: registry.Password = None
    registry_password_file: registry.PasswordFile = None
    registry_ca: registry.Authority = None
    registry_cert: registry.Certificate = None
    registry_key: registry.Key = None
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] | None,
        About(
            "Security protocol of connections to Kafka.",
            "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
            "SASL_SSL with a SASL mechanism, SSL with a TLS file, else PLAINTEXT",
        ),
    ] = None
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None,
        About("SASL mechanism for Kafka.", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
    ] = None
    sasl_username: Annotated[str | None, About("User name for SASL.", "a name")] = None
    sasl_password: Annotated[SecretStr | None, About("Password for SASL.", "a password")] = None
    sasl_password_file: Annotated[
        ExistingFile | None,
        About("File with the password for SASL, instead of SEGMENTS_SASL_PASSWORD.", "a file that exists"),
    ] = None
    tls_ca_file: Annotated[
        ExistingFile | None,
        About(
            "Certificates (PEM) of the authorities trusted for the brokers. Unset: the system's.",
            "a file that exists",
        ),
    ] = None
    tls_cert_file: Annotated[
        ExistingFile | None,
        About("Client certificate (PEM) for mutual TLS with the brokers.", "a file that exists"),
    ] = None
    tls_key_file: Annotated[
        ExistingFile | None,
        About("Private key (PEM) of the client certificate, without a passphrase.", "a file that exists"),
    ] = None
    http_host: Annotated[
        str,
        Field(min_length=1),
        About("Address on which a worker serves metrics, health and `why`.", "a host name or address"),
    ] = "127.0.0.1"
    http_port: Annotated[
        int,
        Field(ge=0, le=LAST_PORT),
        About("Port on which a worker serves them. 0: any free port.", "a port, 0 to 65535"),
    ] = 6066
    http_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(split_hosts),
        About(
            "More names under which workers and the console are reached, such as that of a proxy. Requests to other "
            "hosts than these and the machine's own are refused.",
            "host names or addresses, separated by commas",
        ),
    ] = ()
    http_token: Annotated[
        SecretStr | None,
        About("Bearer token of requests about customers, and the login of the console.", "a secret"),
    ] = None
    http_token_file: Annotated[
        ExistingFile | None,
        About("File with the token, instead of SEGMENTS_HTTP_TOKEN.", "a file that exists"),
    ] = None
    worker_name: Annotated[
        Name | None,
        About(
            "Makes the worker a static member of the group; each needs a name of its own. "
            "Back within the session time-out, it gets the same partitions at once.",
            NAME_EXPECTED,
        ),
    ] = None
    partitions: Annotated[
        int,
        Field(ge=1, le=100_000),
        About("Partitions of each topic, for `segments topics create`.", "a whole number, 1 or more"),
    ] = 4
    replication: Annotated[
        int,
        Field(ge=1, le=32_767),
        About("Replicas of each partition, for `segments topics create`.", "a whole number, 1 or more"),
    ] = 1
    session_timeout: Annotated[
        int,
        Field(ge=1_000),
        About(
            "Time after which a silent worker counts as dead and its partitions move, in milliseconds.",
            "milliseconds, 1000 or more",
        ),
    ] = 10_000
    commit_interval: Annotated[
        int,
        Field(ge=0),
        About(
            "Longest time between two commits while records keep coming, in milliseconds. From 2,000 waiting records "
            "on it grows with the backlog, up to 20 times as long.",
            "milliseconds, 0 or more",
        ),
    ] = 100
    max_batch: Annotated[
        int,
        Field(ge=1),
        About("Most records applied in one transaction.", "a whole number, 1 or more"),
    ] = 20_000
    threads: Annotated[
        int,
        Field(ge=1),
        About(
            "Threads in which the partitions of this worker advance at once.",
            "a whole number, 1 or more",
            "as many as there are cores",
        ),
    ] = Field(default_factory=lambda: len(os.sched_getaffinity(0)))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if problems := list(contradictions(self)):
            raise ValueError("\n".join(problems))
        return self

    @property
    def why_token(self) -> str | None:
        """The token that opens `/why`, None if there is none."""
        return secret(self.http_token, self.http_token_file)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may hold."""
        pairs = (
            (self.sasl_password, self.sasl_password_file),
            (self.registry_password, self.registry_password_file),
            (self.http_token, self.http_token_file),
        )
        of_url = secrets_of(self.registry_url or "")
        return tuple(filter(None, (*(secret(*pair) for pair in pairs), *of_url)))

    @property
    def broker_dir(self) -> Path:
        """Where the local broker has its data."""
        return self.data_dir / "broker"


def read_settings(*, rules_may_be_missing: bool = False) -> Settings:
    """The settings of the environment; `rules_may_be_missing`: the folders of SEGMENTS_RULES need not exist.

    Raises SettingsError with one line for each variable that is wrong or unknown.
    """
    problems = list(_unknown_variables())
    try:
        settings = Settings()  # type: ignore[call-arg,unused-ignore]  # the fields come from the environment
    except ValidationError as error:
        problems += [line for each in error.errors() for line in _problem(dict(each))]
    else:
        # A folder that is not there is most often a typing error: no rules at all would be the silent result.
        if not rules_may_be_missing and not all(folder.is_dir() for folder in settings.rules):
            problems += _problem({"loc": ("rules",), "type": "missing_folder", "input": settings.rules})
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _unknown_variables() -> Iterator[str]:
    known = {variable(name) for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            yield f"{name}: unknown setting" + (f", did you mean {near[0]}?" if near else "; unset it")


def _problem(error: dict[str, Any]) -> list[str]:
    """What pydantic found wrong, in our words."""
    if not error["loc"]:
        return str(error["ctx"]["error"]).splitlines()
    if error["type"] == "default_factory_not_called":
        return []
    name = str(error["loc"][0])
    field = Settings.model_fields[name]
    value = os.environ.get(variable(name), error["input"])
    # A URL may carry a user and a password, or a key in its query.
    hidden = _is_secret(field) or "@" in str(value) or (name.endswith("_url") and "?" in str(value))
    came = MASK if hidden else repr(value)
    return [f"{variable(name)}: expected {about(field).expected}, came {came}"]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def about(field: FieldInfo) -> About:
    """What a setting means."""
    return next(each for each in field.metadata if isinstance(each, About))


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)
