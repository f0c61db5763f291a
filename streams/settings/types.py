"""What the values of settings may look like. A check that fails is mute: `About` has the words for it."""

import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr

LAST_PORT = 65_535
MASK = "********"
"""What stands for a secret wherever settings are shown."""

TOKEN = re.compile(r"[!-~]+")
"""What a header carries unchanged: visible ASCII, without spaces."""


@dataclass(frozen=True, slots=True)
class About:
    """What a setting means, what its value must look like, and in words a default that is computed."""

    meaning: str
    expected: str
    default: str = ""


def split_folders(value: object) -> object:
    """Several folders in one variable, separated as in PATH, or by commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in re.split(rf"[,{re.escape(os.pathsep)}]", value) if part.strip()]


def absolute_folders(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """At least one folder. Whether they exist is for `read_settings`: a worker may run without them."""
    if not folders:
        raise ValueError
    return tuple(folder.resolve() for folder in folders)


def existing_file(file: Path) -> Path:
    """Found missing now, not at the first connection."""
    if not file.is_file():
        raise ValueError
    return file.resolve()


def addresses(value: str) -> str:
    """host:port, several of them separated by commas."""
    parts = [part.strip() for part in value.split(",")]
    if not all(re.fullmatch(r"(\[[^\]\s]+\]|[^\s:/]+):\d{1,5}", part) for part in parts):
        raise ValueError
    if not all(0 < int(part.rpartition(":")[2]) <= LAST_PORT for part in parts):
        raise ValueError
    return ",".join(parts)


def split_hosts(value: object) -> object:
    """Names of hosts, separated by commas."""
    if not isinstance(value, str):
        return value
    found = tuple(each.strip() for each in value.split(",") if each.strip())
    if any("/" in each or " " in each for each in found):
        raise ValueError
    return found


def split_names(value: object) -> object:
    """Names, separated by commas, ascending."""
    if not isinstance(value, str):
        return value
    return tuple(sorted({each.strip() for each in value.split(",") if each.strip()}))


def http_url(value: str) -> str:
    """A URL of http or https, with a host."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    return value.rstrip("/")


def zone_of(name: str) -> ZoneInfo:
    """A time zone of the package tzdata, whose version is locked; the machine's own files are not looked at."""
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


def zone_name(value: str) -> str:
    """The IANA name of a time zone."""
    try:
        zone_of(value)
    except (OSError, ValueError):
        raise ValueError from None
    return value


def masked_url(url: str) -> str:
    """A URL for people: its user, password, query and fragment, in any of which a secret may stand, are masked."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(
            netloc=host if host == parts.netloc else f"{MASK}@{host}",
            query=parts.query and MASK,
            fragment=parts.fragment and MASK,
        )
    )


def secrets_of(url: str) -> tuple[str, ...]:
    """What of a URL no log may hold: its password and its query."""
    parts = urlsplit(url)
    return tuple(filter(None, (parts.password, parts.query)))


class FileSecret(str):
    """A secret as its file had it at that moment; a rotation rewrites the file."""

    __slots__ = ("file",)
    file: Path

    @classmethod
    def of(cls, file: Path) -> "FileSecret":
        """Read it; the last line end of the file is none of it."""
        made = cls(file.read_text(encoding="utf-8").rstrip("\r\n"))
        made.file = file
        return made

    def again(self) -> "FileSecret":
        """The secret as the file has it now; as it was if the file can't be read at this moment."""
        try:
            return self.of(self.file)
        except (OSError, UnicodeDecodeError):
            return self


def current(secret: str) -> str:
    """A secret as it is now: that of a file is read again."""
    return secret.again() if isinstance(secret, FileSecret) else secret


def secret(given: SecretStr | None, file: Path | None) -> str | None:
    """A secret that is in the environment or in a file."""
    if file is not None:
        return FileSecret.of(file)
    return None if given is None else given.get_secret_value()


# What Kafka allows in the names of topics, of which group and worker name become a part.
NAME = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
NAME_EXPECTED = "1 to 100 letters, digits, dots, dashes or underscores"
Name = Annotated[str, NAME]
ExistingFile = Annotated[Path, AfterValidator(existing_file)]
AT_LEAST_ONE = "a whole number, 1 or more"
AtLeastOne = Annotated[int, Field(ge=1)]
