"""The wheel for images and for machines that run workers: `make wheel`.

Making it needs Rust, installing it does not. One wheel is of one kind of machine and of every Python from 3.11 on.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("segments", "streams", "schemas", "deploy")
CRATE = ROOT / "segments" / "engine" / "native"
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
BUILT = shutil.ignore_patterns("__pycache__", "target", "*.so")


class NoWheelError(Exception):
    """The wheel can't be built on this machine; the message says what is missing."""


def make(target: Path) -> Path:
    """Make the wheel in a folder and return it; raises NoWheelError, with what the compiler said."""
    with tempfile.TemporaryDirectory(prefix="segments-wheel-") as folder:
        # Not in the checkout: setuptools would take up what an earlier build left there.
        source = _copy(Path(folder))
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(source)]
        environment = {"CARGO_TARGET_DIR": str(CRATE / "target")} | os.environ
        done = subprocess.run(  # noqa: S603 - pip
            [*pip, *options], env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise NoWheelError(f"the wheel could not be made:\n{(done.stdout + done.stderr)[-2000:]}")
    return max(target.glob("segments-*.whl"), key=lambda wheel: wheel.stat().st_mtime)


def _copy(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=BUILT)
    for file in FILES:
        shutil.copy(ROOT / file, folder / file)
    return folder


def main() -> None:
    """Make the wheel in dist."""
    try:
        click.echo(make(ROOT / "dist").relative_to(ROOT))
    except NoWheelError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
