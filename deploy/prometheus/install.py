"""Fetch Prometheus and promtool for tests, without root: Debian's package, unpacked into the cache of this user.

`python -m deploy.prometheus.install` prints the folder that has both. What is installed already is used as it is.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from streams.errors import StreamsError
from streams.local.maven import Report, cache, locked

PACKAGE = "prometheus"
PROGRAMS = ("prometheus", "promtool")
MEND = "install Prometheus by hand: `apt-get install prometheus`, or have `prometheus` and `promtool` on the PATH"


class NoPrometheus(StreamsError):
    """Prometheus is not installed, and could not be fetched."""


def programs(report: Report = lambda _line: None) -> Path:
    """The folder with `prometheus` and `promtool`: of the system if it has both, else of the cache."""
    found = [shutil.which(program) for program in PROGRAMS]
    if all(found):
        return Path(str(found[0])).parent
    target = cache() / PACKAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_name(f"{PACKAGE}.lock")):
        if not (target / "usr" / "bin" / "promtool").exists():
            report(f"fetching Debian's package {PACKAGE} (20 MB, only once) ...")
            _fetch(target)
    return target / "usr" / "bin"


def _fetch(target: Path) -> None:
    """Unpack the package beside the place where it belongs, then move it there in one step."""
    with tempfile.TemporaryDirectory(prefix=f"{PACKAGE}-", dir=target.parent) as name:
        folder = Path(name)
        if not _download(folder, ()):
            # No lists of packages, or old ones: fresh ones of our own, since the system's are root's.
            options = _own_lists(folder)
            _run(["apt-get", "-oAcquire::Retries=3", *options, "update"], folder)
            if not _download(folder, options):
                raise NoPrometheus(f"apt-get could not download {PACKAGE}: {MEND}")
        (archive,) = folder.glob("*.deb")
        if _run(["dpkg", "-x", str(archive), str(folder / "unpacked")], folder) != 0:
            raise NoPrometheus(f"dpkg could not unpack {archive.name}: {MEND}")
        (folder / "unpacked").rename(target)


def _own_lists(folder: Path) -> tuple[str, ...]:
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True)
    return (f"-oDir::State::Lists={folder / 'lists'}", f"-oDir::Cache={folder / 'cache'}")


def _download(folder: Path, options: tuple[str, ...]) -> bool:
    _run(["apt-get", "-oAcquire::Retries=3", *options, "download", PACKAGE], folder)
    return any(folder.glob("*.deb"))


def _run(command: list[str], folder: Path) -> int:
    program = shutil.which(command[0])
    if program is None:
        raise NoPrometheus(f"there is no {command[0]} here: {MEND}")
    done = subprocess.run(  # noqa: S603 - apt-get or dpkg
        [program, *command[1:]], cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return done.returncode


if __name__ == "__main__":
    sys.stdout.write(f"{programs()}\n")
