"""Time zones, by the package tzdata, whose version is locked; the machine's own files are not looked at."""

from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo


@lru_cache(maxsize=16)
def zone_of(name: str) -> ZoneInfo:
    """A zone by its IANA name; raises an OSError or a ValueError if there is none of this name."""
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)
