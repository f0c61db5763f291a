"""The systems that are compared: how a worker of each is started, and how its flips are read."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import schemas
from streams.local.broker import free_port
from tests.chaos.reading import Raw
from tests.chaos.workers import ROOT
from tests.stock.traffic import Flip

HERE = Path(__file__).parent
PARTITIONS = 4
SESSION = 10.0
"""Seconds after which a silent worker counts as dead: our default."""
RULE = '''"""Three visits in a week without buying."""

from segments.language import Segment, event, purchase, visit

three_visits = Segment(en="Undecided", nl="Twijfelt", when=visit.since({bought}).within(days=7).count() >= 3)
'''


@dataclass(frozen=True, slots=True)
class System:
    """One stream processor with one guarantee."""

    name: str
    python: Path
    guarantee: str = ""
    """That of stock Faust; nothing for ours."""

    def command(
        self, folder: Path, group: str, brokers: str, *, one_topic: bool
    ) -> tuple[list[str], dict[str, str]]:
        """The command of a worker and its environment."""
        if not self.guarantee:
            return self._ours(folder, group, brokers, 'event("bought")' if one_topic else "purchase")
        own = {
            "STOCK_GROUP": group, "STOCK_BROKERS": brokers, "STOCK_DATA_DIR": str(folder), "STOCK_GUARANTEE": self.guarantee,
            "STOCK_SESSION": str(SESSION), "STOCK_PARTITIONS": str(PARTITIONS), "STOCK_SCHEMAS": str(ROOT / "schemas"),
            "STOCK_TOPICS": "clickstream" if one_topic else "clickstream transactions",
        }  # fmt: skip
        port = str(free_port())
        return [
            str(self.python),
            str(HERE / "application.py"),
            "worker",
            "-l",
            "info",
            "--web-port",
            port,
        ], own

    def _ours(self, folder: Path, group: str, brokers: str, bought: str) -> tuple[list[str], dict[str, str]]:
        rules = folder / "rules"
        rules.mkdir()
        (rules / "three_visits.py").write_text(RULE.format(bought=bought))
        own = {
            "SEGMENTS_GROUP": group, "SEGMENTS_BROKERS": brokers, "SEGMENTS_DATA_DIR": str(folder), "SEGMENTS_CLOCK": "event",
            "SEGMENTS_SESSION_TIMEOUT": str(int(SESSION * 1000)), "SEGMENTS_RULES": str(rules), "SEGMENTS_STORE": "memory",
            "SEGMENTS_HTTP_PORT": str(free_port()),
        }  # fmt: skip
        return [str(Path(sys.executable).with_name("segments")), "worker"], own

    def flip(self, raw: Raw) -> Flip:
        """A record of `segment-events`."""
        value = raw.value or b""
        event = json.loads(value) if self.guarantee else schemas.decode(schemas.SEGMENT_EVENT, value)
        return event["customer_id"], event["transition"], event["occurred_at"]


@dataclass
class Fleet:
    """The workers of a run. One that ends by itself is started again, as an orchestrator would."""

    system: System
    folder: Path
    group: str
    brokers: str
    one_topic: bool
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    started: int = 0
    crashes: int = 0

    def start(self) -> None:
        """Start one more."""
        self.started += 1
        folder = self.folder / f"{self.started}"
        folder.mkdir(parents=True)
        command, own = self.system.command(folder, self.group, self.brokers, one_topic=self.one_topic)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTS_")}
        with (folder / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=clean | own, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        (folder / "worker.pid").write_text(f"{process.pid}\n")
        self.running.append(process)

    def kill(self, number: int) -> None:
        """`kill -9` of one."""
        victim = self.running.pop(number)
        victim.kill()
        victim.wait()

    def leave(self, number: int, seconds: float = 25) -> None:
        """Have one stop gently; it is killed if it does not."""
        victim = self.running.pop(number)
        victim.terminate()
        try:
            victim.wait(seconds)
        except subprocess.TimeoutExpired:
            victim.kill()
            victim.wait()

    def revive(self) -> None:
        """Start anew whoever ended without being told."""
        for dead in [each for each in self.running if each.poll() is not None]:
            self.running.remove(dead)
            self.crashes += 1
            self.start()

    def end(self) -> None:
        """End all."""
        while self.running:
            self.kill(0)
