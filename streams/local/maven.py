"""What a pom names, fetched by Maven into a cache, once: the local broker's Kafka, and more of Java's world."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from streams.errors import BrokerError

Report = Callable[[str], None]

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kafka"
POM = FOLDER / "pom.xml"
JAVA_VERSION = 17
MEGABYTES = 54
REPORT_SECONDS = 3.0
"""Between two reports while files are fetched: a log of a build gets a few lines, not one for each file."""
SCALA_JAR = "kafka_2.13-*.jar"


def version() -> str:
    """The version of Kafka that the pom names."""
    if not POM.exists():
        raise BrokerError(
            f"{POM} is missing: the local broker needs a checkout of the project; "
            "elsewhere set SEGMENTS_BROKERS to a cluster of your own"
        )
    # The project's own version is the first one, and it is Kafka's.
    found = re.search(r"<version>(.+?)</version>", POM.read_text())
    return found.group(1) if found else "unknown"


def cache() -> Path:
    """Where everything is kept that is fetched, for all data directories."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segments"


def cache_folder(pom: Path = POM, name: str = "") -> Path:
    """Where the files that a pom names are kept: a changed pom gets a folder of its own."""
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:8]
    return cache() / f"{name or f'kafka-{version()}'}-{digest}"


def jars(report: Report) -> Path:
    """The folder of Kafka's jars, fetched if they are not there yet; safe if several ask at once."""
    what = f"Apache Kafka {version()}"
    return filled(cache_folder(), lambda target: _fetch_kafka(target, what, report))


def fetched(pom: Path, report: Report = lambda _line: None) -> Path:
    """The folder with the files that a pom depends on, all of them; safe if several ask at once."""
    folder = cache_folder(pom, pom.parent.name)
    return filled(folder, lambda target: _fetch_all(pom, target, report))


def filled(folder: Path, fetch: Callable[[Path], None]) -> Path:
    """A folder of the cache that is filled once: beside the place where it belongs, then moved there in one step."""
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BrokerError(
            f"cannot make {folder.parent}: {error.strerror}; set XDG_CACHE_HOME elsewhere"
        ) from error
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as beside:
                target = Path(beside) / "files"
                fetch(target)
                target.rename(folder)
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock between processes for as long as the block runs; a process that dies lets go of it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def java() -> str:
    """The Java that runs the broker: JAVA_HOME's, else the one on the PATH."""
    home = os.environ.get("JAVA_HOME")
    at_home = Path(home, "bin", "java") if home else None
    found = str(at_home) if at_home and at_home.exists() else shutil.which("java")
    mend = (
        f"install a Java {JAVA_VERSION} or newer, e.g. `apt-get install openjdk-{JAVA_VERSION}-jre-headless`"
    )
    if found is None:
        raise BrokerError(f"no Java found: {mend}")
    if (came := _java_version(found)) < JAVA_VERSION:
        raise BrokerError(f"{found} is version {came}, Kafka needs {JAVA_VERSION}: {mend}, or set JAVA_HOME")
    return found


def _java_version(program: str) -> int:
    """The major version a Java says that it is, 0 if it does not say."""
    command = [program, "-version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - Java
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(found.group(1)) if found else 0


def _fetch_kafka(target: Path, what: str, report: Report) -> None:
    maven = _maven()
    java()
    doing = f"fetching {what} with Maven ({MEGABYTES} MB, only once)"
    _run_maven([maven, *_copying(POM, target), "-DincludeScope=runtime"], what, doing, report)
    if not any(target.glob(SCALA_JAR)):
        raise BrokerError(f"Maven ended well, but brought no Kafka to {target}: see {POM}")


def _fetch_all(pom: Path, target: Path, report: Report) -> None:
    what = f"what {pom} names"
    _run_maven([_maven(), *_copying(pom, target)], what, f"fetching {what} with Maven", report)
    if not target.is_dir():
        raise BrokerError(f"Maven ended well, but brought nothing to {target}: see {pom}")


def _maven() -> str:
    if (found := shutil.which("mvn")) is None:
        raise BrokerError("no Maven found: install it, e.g. `apt-get install maven`")
    return found


def _copying(pom: Path, target: Path) -> list[str]:
    return ["--batch-mode", f"--file={pom}", "dependency:copy-dependencies", f"-DoutputDirectory={target}"]


def _run_maven(command: list[str], what: str, doing: str, report: Report) -> None:
    """Runs Maven, reporting how many files have come; its first own error is the message if it fails."""
    report(f"{doing} ...")
    count, errors, reported = 0, [], time.monotonic()
    with subprocess.Popen(  # noqa: S603 - Maven
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as maven:
        for line in cast("IO[str]", maven.stdout):
            if "Downloaded from" in line and ".jar" in line:
                count += 1
                if time.monotonic() - reported >= REPORT_SECONDS:
                    report(f"{doing}: {count} files")
                    reported = time.monotonic()
            elif "[ERROR]" in line or "ERROR" in line.partition(" ")[0]:
                errors.append(line.partition("]")[2].strip())
    if maven.returncode != 0:
        first = next(filter(None, errors), f"exit code {maven.returncode}")
        raise BrokerError(f"Maven could not fetch {what}: {first}")
