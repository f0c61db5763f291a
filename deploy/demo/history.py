"""The history that the demo begins with: both sources and what is invented, moved so that it ends now.

Each source is moved as a whole, by as much as brings its last event to `now`: the distances between its
events stay as they were. The clickstream's half year then lies beside the last six of CDNOW's eighteen
months.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from deploy.demo import cdnow, ecom
from deploy.demo.invent import Line, number
from deploy.demo.invented import invented
from deploy.demo.sources import CDNOW, ECOM, cache_folder, lines_of


@dataclass(frozen=True, slots=True)
class Slice:
    """How many of a hundred customers of each source take part."""

    cdnow: int = 100
    ecom: int = 100

    def holds(self, customer: str) -> bool:
        """True if this customer takes part; the same customers each time."""
        share = self.cdnow if customer.startswith("cdnow-") else self.ecom
        return number(100, "slice", customer) < share


EVERYBODY = Slice()
QUICK = Slice(cdnow=8, ecom=25)


def history(now: int, part: Slice = EVERYBODY, folder: Path | None = None) -> list[Line]:
    """The whole history as JSON lines, in order of time, its last events at `now` (milliseconds)."""
    folder = folder or cache_folder()
    return ordered(
        chain(
            moved(cdnow.purchases(lines_of(CDNOW, folder)), now, part),
            moved(ecom.events(lines_of(ECOM, folder)), now, part),
        )
    )


def moved(lines: Iterable[Line], now: int, part: Slice) -> Iterator[Line]:
    """One source's customers with what is invented for them, the last event at `now`."""
    chosen = [line for line in lines if part.holds(line["customer_id"])]
    chosen.extend(invented(chosen))
    shift = now - max((line["occurred_at"] for line in chosen), default=now)
    for line in chosen:
        yield line | {"occurred_at": line["occurred_at"] + shift}


def ordered(lines: Iterable[Line]) -> list[Line]:
    """By time; at one instant by topic and event id, so that the order never depends on the sources' own."""
    return sorted(lines, key=lambda line: (line["occurred_at"], line["topic"], line["event_id"]))
