"""The files of this repository, as git would take them: without what is built, cached or installed beside them."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("segments", "schemas", "streams", "deploy", "tests")
HIDDEN = {".ci", ".gitignore"}
"""Of the names that begin with a dot, those that belong to the repository."""
BUILT = {"__pycache__", "build", "target"}


@cache
def files() -> list[Path]:
    """Every file."""
    return sorted(_below(ROOT))


def _below(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir():
        built = path.name in BUILT or path.name.endswith((".egg-info", ".so"))
        if built or (path.name.startswith(".") and path.name not in HIDDEN):
            continue
        found += _below(path) if path.is_dir() else [path]
    return found


@cache
def modules(*folders: str) -> list[Path]:
    """The Python files of these top-level folders."""
    return [file for file in files() if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in folders]


def name(file: Path) -> str:
    """A file by its place in the repository."""
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """All nodes of a module: many tests look at them, and walking the tree anew takes seconds in all."""
    return tuple(ast.walk(tree(file)))
