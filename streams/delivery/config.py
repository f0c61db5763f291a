"""The file of destinations: TOML, one section for each.

A wrong file stops the command before anything is sent: one line for each mistake, with section and key.
"""

import base64
import binascii
import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streams.delivery.members import CONTROL
from streams.errors import StreamsError

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

SCHEDULE = (
    *(0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE),
    *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
"""Milliseconds before each attempt, counted from the one before: Standard Webhooks' schedule, three days in all."""

FORMATS = ("webhook", "segment")
LANGUAGES = ("en", "nl")
PASSED_OVER = ("merged", "rule_added", "rule_changed", "rule_removed")
"""Reasons of enters that nothing happened for: nobody is told, unless a destination asks for it with `also`."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
SEGMENT_URL = "https://api.segment.io/v1/batch"
MOST_IN_BATCH = {"webhook": 500, "segment": 100}
SECRET_BYTES = range(24, 65)
"""Bytes of a secret that Standard Webhooks allows."""
PREFIX = "whsec_"


class ConfigError(StreamsError):
    """The file of destinations is wrong: one line for each mistake."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where flips are sent, and which."""

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    """What each message is signed with: several, so that one can follow the other. For `segment` the write key."""
    format: str = "webhook"
    segments: frozenset[str] | None = None
    """None: all."""
    language: str | None = None
    """The language of the segment's title in the message; None: no title."""
    consents: tuple[str, ...] = ()
    """What a customer must have agreed to when an enter is sent: all of them."""
    arms: frozenset[str] | None = None
    """Of experiments; None: all but the control group, and those in no experiment."""
    also: frozenset[str] = frozenset()
    """Reasons of PASSED_OVER whose enters are sent all the same."""
    rate: float = 50.0
    """Requests a second."""
    burst: int = 10
    """Requests that may come at once after a silence."""
    concurrency: int = 4
    """Requests under way at a time, never two for one customer."""
    batch: int = 1
    """Flips in one request at most."""
    timeout: float = 20.0
    """Seconds that a request may take."""
    window: int = 10_000
    """Flips held in memory at most: those that wait for another attempt, and those behind them."""
    allow_private: bool = False
    """Whether the URL may lead to an address of a private network."""
    start: str = "beginning"
    """Where a destination without a position begins: `beginning` (who is in now hears of it) or `now`."""

    def wants(self, segment: str) -> bool:
        """Whether flips of a segment are sent here at all."""
        return self.segments is None or segment in self.segments


def read_config(file: Path) -> tuple[Destination, ...]:
    """The destinations of a file; ConfigError with one line for each mistake."""
    try:
        sections = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: no TOML: {error}") from None
    problems: list[str] = []
    found = []
    for name, section in sections.items():
        made, wrong = _destination(name, section, file.parent)
        problems += [f"{file}: [{name}] {each}" for each in wrong]
        found += [made] if made is not None else []
    if not sections:
        problems.append(
            f"{file}: no destination: write a section for each, such as [crm], with url and secret_file"
        )
    if problems:
        raise ConfigError("\n".join(problems))
    return tuple(found)


def _destination(name: str, section: Any, folder: Path) -> tuple[Destination | None, list[str]]:
    if not NAME.fullmatch(name):
        return None, ["expected a name of 1 to 60 letters, digits, - and _"]
    if not isinstance(section, dict):
        return None, ["expected a section, such as [crm], with url and secret_file below it"]
    wrong = list(_unknown(section))
    values: dict[str, Any] = {"name": name}
    for key, (attribute, read) in KEYS.items():
        if key in section:
            try:
                values[attribute] = read(section[key], folder)
            except ValueError as error:
                wrong.append(f"{key}: {error}")
    if not wrong:
        wrong = list(_contradictions(values, section))
    return (None, wrong) if wrong else (Destination(**values), [])


def _unknown(section: Mapping[str, Any]) -> Iterator[str]:
    for key in section:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            yield f"{key}: unknown key; " + (
                f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}"
            )


def _contradictions(values: dict[str, Any], section: Mapping[str, Any]) -> Iterator[str]:
    """What is right by itself and wrong together; the URL of Segment is known."""
    form = values.get("format", "webhook")
    if form == "segment":
        values.setdefault("url", SEGMENT_URL)
    if "url" not in values:
        yield "url: expected https://…, came nothing"
    if "secret_file" not in section:
        what = (
            "the write key of Segment" if form == "segment" else "the secret of Standard Webhooks (whsec_…)"
        )
        yield f"secret_file: expected a file with {what}, came nothing"
    elif form == "webhook":
        yield from _wrong_keys(values["secrets"])
    if values.get("batch", 1) > MOST_IN_BATCH[form]:
        yield f"batch: expected at most {MOST_IN_BATCH[form]} for {form}, came {values['batch']}"
    if (
        "url" in values
        and not values.get("allow_private")
        and _is_private(urlsplit(values["url"]).hostname or "")
    ):
        yield "url: leads to a private network; if that is meant, say allow_private = true"


def _wrong_keys(secrets: tuple[str, ...]) -> Iterator[str]:
    for secret in secrets:
        try:
            length = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
        except binascii.Error:
            length = 0
        if length not in SECRET_BYTES:
            yield (
                "secret_file: expected whsec_ and 24 to 64 bytes in base64 on each line "
                "(`openssl rand -base64 32` makes one)"
            )


def _is_private(host: str) -> bool:
    """Whether a host is written as an address that is neither public nor the loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return is_refused(address)


def is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether nothing is sent to an address unless private networks are allowed; the loopback is nobody else's."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    return not mapped.is_loopback and (not mapped.is_global or mapped.is_multicast)


def _url(value: Any, _folder: Path) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"expected https://…, came {value!r}")
    if parts.username or parts.password:
        raise ValueError("a URL holds no secret: name a file with secret_file")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("expected https:// (plain http goes to the loopback alone)")
    return str(value)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secrets(value: Any, folder: Path) -> tuple[str, ...]:
    file = folder / _text(value, folder)
    try:
        lines = tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} can't be read: {getattr(error, 'strerror', error)}") from None
    if not lines:
        raise ValueError(f"{file} is empty")
    return lines


def _text(value: Any, _folder: Path) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected a text, came {value!r}")
    return value


def _texts(value: Any, folder: Path) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(_text(each, folder) for each in values))


def _set(value: Any, folder: Path) -> frozenset[str]:
    return frozenset(_texts(value, folder))


def _arms(value: Any, folder: Path) -> frozenset[str]:
    arms = _set(value, folder)
    if CONTROL in arms:
        raise ValueError("the control group is never sent: that is what it is for")
    return arms


def _one_of(choices: tuple[str, ...]) -> Callable[[Any, Path], str]:
    def read(value: Any, _folder: Path) -> str:
        if value not in choices:
            raise ValueError(f"expected {' or '.join(choices)}, came {value!r}")
        return str(value)

    return read


def _also(value: Any, folder: Path) -> frozenset[str]:
    reasons = _set(value, folder)
    if unknown := sorted(reasons - set(PASSED_OVER)):
        raise ValueError(f"expected some of {', '.join(PASSED_OVER)}, came {unknown[0]!r}")
    return reasons


def _flag(value: Any, _folder: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, came {value!r}")  # noqa: TRY004 - the message is for the file
    return value


def _whole(least: int, most: int) -> Callable[[Any, Path], int]:
    def read(value: Any, _folder: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"expected a whole number from {least} to {most}, came {value!r}")
        return value

    return read


def _number(value: Any, _folder: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.001 <= value <= 100_000:
        raise ValueError(f"expected a number from 0.001 to 100000, came {value!r}")
    return float(value)


KEYS: dict[str, tuple[str, Callable[[Any, Path], Any]]] = {
    "url": ("url", _url),
    "secret_file": ("secrets", _secrets),
    "format": ("format", _one_of(FORMATS)),
    "segments": ("segments", _set),
    "language": ("language", _one_of(LANGUAGES)),
    "consent": ("consents", _texts),
    "arms": ("arms", _arms),
    "also": ("also", _also),
    "rate": ("rate", _number),
    "burst": ("burst", _whole(1, 10_000)),
    "concurrency": ("concurrency", _whole(1, 100)),
    "batch": ("batch", _whole(1, 500)),
    "timeout": ("timeout", _number),
    "window": ("window", _whole(1, 1_000_000)),
    "allow_private": ("allow_private", _flag),
    "start": ("start", _one_of(("beginning", "now"))),
}
"""The keys of a section: the field of `Destination` that each is, and how it is read."""
