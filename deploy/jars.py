"""What a pom names, fetched by Maven into the cache, once: for the registry and the Java subscriber."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from streams.distribution import locked


def fetched(pom: Path) -> Path:
    """The folder with the files that a pom depends on, all of them; safe if several ask at once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segments"
    folder = cache / f"{pom.parent.name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:8]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                _fetch(pom, folder)
    return folder


def _fetch(pom: Path, folder: Path) -> None:
    """Let Maven copy the files beside the place where they belong, and move them there in one step."""
    if (maven := shutil.which("mvn")) is None:
        raise RuntimeError("no Maven found: install it, e.g. `apt-get install maven`")
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as beside:
        target = Path(beside) / "files"
        arguments = ["--batch-mode", "--quiet", f"--file={pom}", "dependency:copy-dependencies"]
        done = subprocess.run(  # noqa: S603 - Maven
            [maven, *arguments, f"-DoutputDirectory={target}"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not target.is_dir():
            raise RuntimeError(f"Maven could not fetch what {pom} names: {done.stdout[-2000:]}{done.stderr}")
        target.rename(folder)
