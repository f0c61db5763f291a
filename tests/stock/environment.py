"""The environment of stock Faust: made once, beside the project's own."""

import subprocess
import venv
from pathlib import Path

import click

from tests.chaos.workers import ROOT

PLACE = ROOT / "build" / "stock-faust"
WANTED = Path(__file__).with_name("requirements.txt")


def python() -> Path:
    """The interpreter that has stock Faust; it is installed if that did not happen yet, or other versions are wanted."""
    found, done = PLACE / "bin" / "python", PLACE / "installed.txt"
    if not done.exists() or done.read_text() != WANTED.read_text():
        click.echo(f"installing stock Faust into {PLACE.relative_to(ROOT)}", err=True)
        venv.create(PLACE, with_pip=True, clear=True)
        pip = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(WANTED)], check=True)
        done.write_text(WANTED.read_text())
    return found
