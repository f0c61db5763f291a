"""The Monday page, followed as a new user would: every command as it stands there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import COMMAND
from tests.unit.repository import ROOT

IGNORED = shutil.ignore_patterns("__pycache__", "native", "*.so")
"""Of the rules' folder what a shop has no use for: the crate with all that was built in it, and the engine."""
PAGE = (ROOT / "segments" / "monday.md").read_text(encoding="utf-8")


@pytest.mark.timeout(120)
def test_the_page_ends_with_the_list_that_it_shows(environment, tmp_path):
    """From the CSV to the list of the mailing tool, in a copy of the repository's rules, without a broker."""
    shutil.copytree(ROOT / "segments", tmp_path / "segments", ignore=IGNORED)
    install, *blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert install == "make install\n. .venv/bin/activate\n"
    path = f"{Path(COMMAND).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", "".join(blocks)],
        cwd=tmp_path, env=environment | {"PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (shown,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert done.stdout.endswith(shown)
    assert done.stdout.count("in it now    1 of 3 customers known") == 3
