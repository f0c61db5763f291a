"""Rule sets that go live amid faults: written as `segments deploy` writes them, and with a filling of new measures."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka.errors import KafkaError

from segments.engine import DEPLOYMENTS, FILLED, Chain, Deployment, listening
from segments.language.errors import SegmentsError
from streams.clock import wall_clock
from streams.deployments.planning import filling, plan, record
from streams.deployments.records import Chains, read_chains
from streams.deployments.writing import write
from streams.errors import StreamsError
from streams.settings.settings import Settings
from streams.worker.deployments import decode
from tests.chaos.reading import Reader

NEW = "searched"
"""The rule that a filling is for: the only one of those of `tests/chaos/rules` that counts searches."""
RULE = '''"""Searched: a rule that is deployed amid faults, of a measure that is filled from the history."""

from segments.language import Segment, search

searched = Segment(en="Searched", nl="Zocht", when=search.within(days=1).count() >= 1)
'''
PATIENCE = 30.0
"""Seconds in which a broker that was just started takes a deployment."""


@dataclass
class Deployer:
    """Deploys to a group, one rule set after the other; each of them keeps the settings that are deployed."""

    address: str
    group: str
    rules: Path
    """Those that the group begins with."""
    folder: Path
    """Where changed rules are put."""
    done: list[str] = field(default_factory=list)
    """The records that were written, by id."""
    _turns: int = 0

    def next(self) -> str:
        """Write one more: changed rules first, then a rule more that is filled, then those of the beginning again."""
        kinds = (self._change, self._fill, self._again)
        self._turns += 1
        return kinds[(self._turns - 1) % len(kinds)]()

    def _change(self) -> str:
        """One rule goes, one comes, one changes; all read what is kept already."""
        folder = self._copied("changed")
        views = (folder / "views_4.py").read_text()
        (folder / "views_4.py").unlink()
        (folder / "views_5.py").write_text(views.replace("views_4", "views_5").replace(">= 4", ">= 5"))
        recent = (folder / "recent.py").read_text()
        (folder / "recent.py").write_text(recent.replace(">= 1", ">= 3"))
        return self._write(folder, fill=False)

    def _fill(self) -> str:
        """A rule of a new measure; what its partition has seen before is filled in, and it waits for that."""
        folder = self._copied("filled")
        (folder / f"{NEW}.py").write_text(RULE)
        return self._write(folder, fill=True)

    def _again(self) -> str:
        return self._write(self.rules, fill=False)

    def _copied(self, name: str) -> Path:
        return Path(shutil.copytree(self.rules, self.folder / f"{name}-{len(self.done)}"))

    def _write(self, folder: Path, *, fill: bool) -> str:
        settings = Settings(brokers=self.address, group=self.group, rules=(folder,))
        number, deadline = len(self.done) + 1, time.monotonic() + PATIENCE
        for name, kind in ((f"amid-{number}{FILLED}", "fill"), (f"amid-{number}", "rules")):
            if kind == "fill" and not fill:
                continue
            while not self._is_written(settings, name, kind, deadline):
                time.sleep(0.5)
            self.done.append(name)
        return self.done[-1]

    def _is_written(self, settings: Settings, name: str, kind: str, deadline: float) -> bool:
        """Write the deployment, unless an earlier attempt whose answer was lost has written it already."""
        try:
            seen = read_chains(settings)
            if name not in {each for held in seen.held.values() for each in held}:
                write(settings, _record(settings, seen, kind) | {"deployment_id": name}, seen)
        except (StreamsError, SegmentsError, KafkaError, OSError):
            if time.monotonic() > deadline:
                raise
            return False
        return True


def _record(settings: Settings, seen: Chains, kind: str) -> dict[str, Any]:
    planned = plan(settings, settings.rules, seen.running, stories=False)
    made = record(settings, planned, seen, wall_clock(), "", at_once=False)
    if kind == "rules":
        return made
    running = seen.running
    assert running is not None
    known = {*running.planned.data.measures}
    asked = listening(planned.ruleset, {*planned.ruleset.data.measures} - known)
    assert asked is not None
    return filling(made, asked.data.to_bytes())


def followed(reader: Reader, group: str, partitions: int) -> dict[int, list[Deployment]]:
    """What each partition of a group follows."""
    found: dict[int, list[Deployment]] = {number: [] for number in range(partitions)}
    for raw in reader.all(DEPLOYMENTS):
        made = decode(group, (raw.offset, raw.timestamp, raw.key, raw.value))
        if made is not None:
            found[raw.partition].append(made)
    return {number: Chain().add_all(each) for number, each in found.items()}
