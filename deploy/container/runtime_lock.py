"""The part of requirements.lock that an image needs: what these roots need, directly or through others.

`python deploy/container/runtime_lock.py` prints the part for the worker, and for what is named as arguments besides. It
reads the comments in which uv says why each package is there, and imports nothing of ours: the image has nothing yet.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = re.compile(r"[A-Za-z0-9._-]+")


def runtime_lock(roots: set[str], lock: str) -> str:
    """The blocks of a lock file that these roots need, hashes and all."""
    blocks = {name_of(block): block for block in re.split(r"\n(?=[a-z0-9])", lock) if block[0].isalnum()}
    if missing := sorted(roots - blocks.keys()):
        raise SystemExit(f"not in requirements.lock: {', '.join(missing)}")
    kept: set[str] = set()
    found = roots
    while found:
        kept |= found
        found = {name for name, block in blocks.items() if name not in kept and because_of(block) & kept}
    return "".join(f"{blocks[name].rstrip()}\n" for name in sorted(kept))


def name_of(requirement: str) -> str:
    """The package that a requirement names, as a lock file writes it."""
    found = NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else ""


def because_of(block: str) -> set[str]:
    """Who needs a package, by uv's comment."""
    comment = block.partition("# via")[2].replace("#", " ")
    return {name_of(line.strip()) for line in comment.splitlines() if line.strip()}


def main() -> None:
    """Print the part."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    roots = {name_of(each) for each in (*project["dependencies"], *sys.argv[1:])}
    sys.stdout.write(runtime_lock(roots, (ROOT / "requirements.lock").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
