"""Where the local broker's Kafka comes from: the jars that `deploy/kafka/pom.xml` names, by Maven, once."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from streams.errors import BrokerError

Report = Callable[[str], None]

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "kafka"
POM = FOLDER / "pom.xml"
JAVA_VERSION = 17
MEGABYTES = 54
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


def cache_folder() -> Path:
    """Where the jars are kept, for all data directories: a changed pom gets a folder of its own."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return cache / "segments" / f"kafka-{version()}-{digest}"


def jars(report: Report) -> Path:
    """The folder of Kafka's jars, fetched if they are not there yet; safe if several ask at once."""
    version()
    folder = cache_folder()
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
            _fetch(folder, report)
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


def _fetch(folder: Path, report: Report) -> None:
    """Lets Maven copy the jars beside the place where they belong, then moves them there in one step."""
    if (maven := shutil.which("mvn")) is None:
        raise BrokerError("no Maven found: install it, e.g. `apt-get install maven`")
    java()
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as beside:
        target = Path(beside) / "jars"
        _run_maven([maven, *_maven_arguments(target)], report)
        if not any(target.glob(SCALA_JAR)):
            raise BrokerError(f"Maven ended well, but brought no Kafka to {target}: see {POM}")
        target.rename(folder)


def _maven_arguments(target: Path) -> list[str]:
    return [
        "--batch-mode",
        f"--file={POM}",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={target}",
    ]


def _run_maven(command: list[str], report: Report) -> None:
    """Runs Maven, reporting how many files have come; its first own error is the message if it fails."""
    what = f"fetching Apache Kafka {version()} with Maven ({MEGABYTES} MB, only once)"
    report(f"{what} ...")
    fetched, errors = 0, []
    with subprocess.Popen(  # noqa: S603 - Maven
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as maven:
        for line in cast("IO[str]", maven.stdout):
            if "Downloaded from" in line and ".jar" in line:
                fetched += 1
                report(f"{what}: {fetched} files")
            elif "[ERROR]" in line or "ERROR" in line.partition(" ")[0]:
                errors.append(line.partition("]")[2].strip())
    if maven.returncode != 0:
        first = next(filter(None, errors), f"exit code {maven.returncode}")
        raise BrokerError(f"Maven could not fetch Apache Kafka {version()}: {first}")
