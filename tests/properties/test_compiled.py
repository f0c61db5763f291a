"""The compiled engine, as the wheel has it, passes the tests of the engine."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.dev import wheel

ROOT = Path(__file__).resolve().parents[2]
PYTEST = Path(sys.executable).with_name("pytest")
SAME = (
    "tests/properties/test_engine.py",
    "tests/properties/test_refusals.py",
    "tests/unit/test_bad_time.py",
    "tests/unit/test_broken_bytes.py",
    "tests/unit/test_inputs.py",
    "tests/unit/test_partition.py",
    "tests/unit/test_resolution.py",
    "tests/unit/test_rule_change.py",
    "tests/unit/test_schemas.py",
)


def compiled(*command: object) -> str:
    """Run a command on the contents of the wheel; what it says if it ends well."""
    environment = os.environ | {"PYTHONPATH": str(wheel.unpacked())}
    done = subprocess.run(
        [*map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


@pytest.mark.timeout(900)
def test_the_compiled_engine_passes_the_tests_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What setup.py names is compiled and is what runs, and the tests find no difference."""
    if shutil.which(os.environ.get("CC", "cc")) is None:
        # It is an option: who has no compiler is told so, and goes on without.
        with pytest.raises(wheel.NoWheelError, match="no C compiler"):
            wheel.make(ROOT / "dist")
        return
    monkeypatch.chdir(ROOT)
    for module in runpy.run_path(str(ROOT / "setup.py"))["HOT"]:
        assert list(wheel.unpacked().glob(f"{module.removesuffix('.py')}.*.so")), module
    told = "import segments.engine.machine as m, segments.engine as e; print(e.COMPILED, m.__file__)"
    # Not the checkout, which -c would put first.
    assert compiled(sys.executable, "-P", "-c", told).startswith(f"True {wheel.unpacked()}")
    # The released schemas are looked up in the checkout, by a path that the wheel does not have.
    chosen = ("-k", "not released_schemas")
    said = compiled(PYTEST, "--import-mode=append", "-q", "-p", "no:cacheprovider", *chosen, *SAME)
    assert " passed" in said
    assert "failed" not in said


def test_without_a_compiler_one_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names what to install."""
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(wheel.NoWheelError, match="apt-get install gcc"):
        wheel.make(tmp_path)
