"""The data sets, taken out of the packages that carry them.

The packages are downloaded by exact version and checksum into a cache folder and opened there as the zip
files that they are. Nothing of them is installed or run.
"""

import gzip
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.errors import SourceError
from streams.local.maven import cache

PACKAGES = Path(__file__).with_name("packages.txt")


@dataclass(frozen=True, slots=True)
class Source:
    """One data set: the wheel that carries it, where in the wheel it is, and the checksums of both."""

    package: str
    version: str
    wheel: str
    wheel_sha256: str
    member: str
    member_sha256: str


CDNOW = Source(
    package="lifetimes",
    version="0.11.3",
    wheel="Lifetimes-0.11.3-py3-none-any.whl",
    wheel_sha256="261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8",
    member="lifetimes/datasets/CDNOW_master.txt",
    member_sha256="eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef",
)
# An empty file of nearly the same name lies beside this one in the wheel.
ECOM = Source(
    package="retentioneering",
    version="5.2.4",
    wheel="retentioneering-5.2.4-py3-none-any.whl",
    wheel_sha256="f4ab91b67c6deed93728bfb6e503adfe304f101a53e9112ee0219b304b0f3b1a",
    member="retentioneering/datasets/ecom.csv.gz",
    member_sha256="110716838facbec8143c6c9af74500eb0252197da212fd75aa4c47bf3b692090",
)
SOURCES = (CDNOW, ECOM)


def cache_folder() -> Path:
    """Where the packages are kept between runs: `segments/demo` in the user's cache folder."""
    return cache() / "demo"


def lines_of(source: Source, folder: Path) -> list[str]:
    """The lines of a data set, fetched into `folder` if they are not there yet."""
    wheel = folder / source.wheel
    if not _is(wheel, source.wheel_sha256):
        fetch(folder)
    return read_lines(source, wheel)


def read_lines(source: Source, wheel: Path) -> list[str]:
    """The lines of a data set in a wheel that lies on disk, once both checksums are right."""
    if not _is(wheel, source.wheel_sha256):
        raise SourceError(
            f"{wheel} is not {source.package} {source.version} (its sha256 should be {source.wheel_sha256}): "
            "delete it and try again"
        )
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(source.member)
    found = hashlib.sha256(content).hexdigest()
    if found != source.member_sha256:
        raise SourceError(f"{source.member} in {wheel.name} has sha256 {found}, not {source.member_sha256}")
    if source.member.endswith(".gz"):
        content = gzip.decompress(content)
    return content.decode("utf-8").splitlines()


def fetch(folder: Path, packages: Path = PACKAGES) -> None:
    """Download the pinned packages into `folder` with pip; two demos at once don't disturb each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        _pip_download(Path(scratch), packages)
        for wheel in Path(scratch).glob("*.whl"):
            wheel.replace(folder / wheel.name)


def _pip_download(folder: Path, packages: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    # The wheels are only opened, so it doesn't matter which Python their authors meant them for.
    command += ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--require-hashes"]
    command += ["--dest", str(folder), "--requirement", str(packages)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise SourceError(_first_error(done.stderr))


def _first_error(stderr: str) -> str:
    said = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR")]
    names = " and ".join(f"{source.package} {source.version}" for source in SOURCES)
    reason = said[0] if said else (stderr.strip().splitlines() or ["pip said nothing"])[-1]
    return (
        f"the demo's data sets are in the packages {names}, which pip could not download: {reason}. "
        "Check that pip reaches a package index and try again"
    )


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
