"""What was measured, as it is kept: one JSON file, a part in it for each part of the benchmark.

A run of one part replaces that part only; each tells with which command, on which commit and under which load of the
machine it was measured.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from streams.local.maven import java
from streams.local.maven import version as kafka_version

FOLDER = Path(__file__).resolve().parent / "results"
LIBRARIES = ("faust-streaming", "aiokafka", "rocksdict", "fastavro", "uvloop")


def read(folder: Path) -> dict[str, Any]:
    """All parts that were ever measured."""
    file = folder / "results.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def add(folder: Path, part: str, measured: dict[str, Any], circumstances: dict[str, Any]) -> dict[str, Any]:
    """Replace one part."""
    folder.mkdir(parents=True, exist_ok=True)
    found = read(folder) | {part: measured | {"circumstances": circumstances}}
    (folder / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


def circumstances(command: str, at: str) -> dict[str, Any]:
    """Versions, machine and commit; `at` is when the run began."""
    return {
        "command": command,
        "at": at,
        "commit": _commit(),
        "machine": f"{os.cpu_count()} cores, {_processor()}, {_memory()} GiB, {_system()}",
        "versions": {
            "segments": version("segments"),
            "Python": platform.python_version(),
            "Kafka": kafka_version(),
            "Java": _java(),
            **{each: version(each) for each in LIBRARIES},
        },
    }


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def said(*arguments: str) -> str:
        command = [git, "-C", str(FOLDER.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = said(
        "status", "--porcelain", "--untracked-files=no", "--", ":/segments", ":/streams", ":/schemas"
    )
    return (said("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def _system() -> str:
    return f"{platform.system()} {platform.release().partition('-')[0]}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _java() -> str:
    said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False)
    return (said.stderr or said.stdout).splitlines()[0].split('"')[1]


def command() -> str:
    """As it was typed."""
    program = Path(sys.argv[0]).stem
    module = "tests.benchmarks" if program == "__main__" else f"tests.benchmarks.{program}"
    return " ".join([f"python -m {module}", *sys.argv[1:]])
