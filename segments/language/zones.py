"""Time zones, by the package tzdata, whose version is locked; the machine's own files are not looked at.

From 1900 to 2100 a zone is what the package says. Before and after, the offset at the beginning and at the end of that
span goes on, since a plan carries no more.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

FIRST, LAST = -2_208_988_800, 4_133_980_800
"""Seconds since 1970: the beginning of 1900, and of 2101, between which the changes of a zone are known."""
DAY = 86_400_000
"""Milliseconds of a day of 24 hours."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=16)
def zone_of(name: str) -> ZoneInfo:
    """A zone by its IANA name; raises an OSError or a ValueError if there is none of this name."""
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


def seconds_ahead(name: str, second: int) -> int:
    """How far a zone's clock is ahead of UTC at an instant, both in seconds."""
    moment = (EPOCH + timedelta(seconds=min(max(second, FIRST), LAST))).astimezone(zone_of(name))
    return (moment.utcoffset() or timedelta()) // timedelta(seconds=1)


def instants_of(name: str, shown: int) -> list[int]:
    """The instants at which a zone's clock shows this, ascending: none if it skips it, two if it shows it twice.

    Both in milliseconds since 1970; `shown` is the instant at which a clock of UTC shows the same.
    """
    around = {seconds_ahead(name, (shown + step) // 1000) for step in (-DAY, DAY)}
    found = [shown - 1000 * ahead for ahead in around]
    return sorted(at for at in found if at + 1000 * seconds_ahead(name, at // 1000) == shown)


def midnight(day: date) -> int:
    """The milliseconds since 1970 at which a clock of UTC shows the beginning of a date."""
    return (day.toordinal() - EPOCH.toordinal()) * DAY
