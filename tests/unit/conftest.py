"""What unit tests may ask for: the command `segments` without a process of its own, which takes half a second to start."""

import gc
import os
import subprocess
import traceback
from collections.abc import Mapping

import pytest
from click.testing import CliRunner

from streams.cli import main
from tests.conftest import Run

# The collector looks through all that was imported and collected again and again: with the usual 700 it took 7 of 104 s of CPU.
gc.set_threshold(50_000, 20, 100)


@pytest.fixture
def run(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `segments` to its end, as the fixture of the same name in `tests/conftest.py` does, in this process."""

    def finish(
        *arguments: str, env: Mapping[str, str | None] = {}, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            for name in set(os.environ) - environment.keys():
                patch.delenv(name)
            result = CliRunner().invoke(
                main, arguments, input=stdin, env={**environment, **env}, prog_name="segments"
            )
        stderr = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            # What nobody foresaw ends a process with its traceback.
            stderr += "".join(traceback.format_exception(result.exception))
        return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, stderr)

    return finish
