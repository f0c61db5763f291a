"""The wheel with the hot path compiled to C: `make wheel`, for images, machines that run workers, and benchmarks.

mypyc makes it of the very sources that run without it. Making it needs a C compiler, installing it none; a wheel is of
one Python version and one kind of machine.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import click

from streams.local.maven import cache, filled

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("segments", "streams", "schemas", "deploy")
CRATE = ROOT / "segments" / "engine" / "native"
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
BUILT = shutil.ignore_patterns("__pycache__", "target", "*.so")


class NoWheelError(Exception):
    """It can't be made here; the message says what is missing."""


def make(target: Path) -> Path:
    """Make the wheel in a folder and return it; raises NoWheelError, with what the compiler said."""
    if shutil.which(os.environ.get("CC", "cc")) is None:
        raise NoWheelError(
            "no C compiler found: `apt-get install gcc libc6-dev`, or use the code without compiling it"
        )
    with tempfile.TemporaryDirectory(prefix="segments-wheel-") as folder:
        # Not in the checkout: setuptools would take up what an earlier build left there.
        source = _copy(Path(folder))
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(source)]
        environment = {"CARGO_TARGET_DIR": str(CRATE / "target")} | os.environ | {"SEGMENTS_COMPILE": "1"}
        done = subprocess.run(  # noqa: S603 - pip
            [*pip, *options], env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise NoWheelError(f"the wheel could not be made:\n{(done.stdout + done.stderr)[-2000:]}")
    return max(target.glob("segments-*.whl"), key=lambda wheel: wheel.stat().st_mtime)


def unpacked() -> Path:
    """The contents of the wheel of this checkout, made if they are not in the cache: a folder for PYTHONPATH."""
    return filled(cache() / "wheels" / _digest(), _unpack)


def _unpack(target: Path) -> None:
    with zipfile.ZipFile(make(target.parent)) as wheel:
        wheel.extractall(target)


def _copy(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=BUILT)
    for file in FILES:
        shutil.copy(ROOT / file, folder / file)
    return folder


def _digest() -> str:
    """Of all in the wheel that is no text for people, and of the Python that it is for."""
    files = [ROOT / file for file in FILES]
    files += [each for package in PACKAGES for each in sorted((ROOT / package).rglob("*.*"))]
    files = [each for each in files if each.suffix != ".so" and not each.is_relative_to(CRATE / "target")]
    found = hashlib.sha256(sys.version.encode())
    for file in files:
        if file.is_file() and file.suffix not in (".md", ".pyc"):
            found.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return found.hexdigest()[:12]


def main() -> None:
    """Make the wheel in dist."""
    try:
        click.echo(make(ROOT / "dist").relative_to(ROOT))
    except NoWheelError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
