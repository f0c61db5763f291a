"""A test that does not run proves nothing."""

import shutil
import subprocess
import sys

import pytest

from tests.unit.repository import ROOT

pytestmark = pytest.mark.timeout(60)

EXCUSES = """
import pytest

@pytest.mark.skip(reason="not today")
def test_skipped(): ...

@pytest.mark.xfail
def test_expected_to_fail():
    assert False

@pytest.mark.xfail
def test_expected_to_fail_and_does_not(): ...

def test_skips_itself():
    pytest.skip("nor tomorrow")

def test_runs(): ...
"""


def test_a_skipped_test_is_a_failure(tmp_path):
    """Skipped or expected to fail, one test or a whole file: the run fails, and the reason is shown."""
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_excuses.py").write_text(EXCUSES)
    (tmp_path / "test_whole_file.py").write_text("import pytest\n\npytest.importorskip('no_such_module')\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
    ]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "3 failed, 1 passed" in done.stdout
    assert "2 errors" in done.stdout  # before the test, or before the file, began
    assert "not today" in done.stdout
