"""Fitting a model: where it is written."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segments.insight.fitting.purchases import FitError
from segments.language.nodes.models import SUFFIX


def place(name: str, folders: Sequence[Path]) -> Path:
    """The file of a model: where it is already, else in the first folder of rules."""
    if not name.isidentifier():
        raise FitError(f"{name!r} can't be the name of a model: use letters, digits and underscores")
    found = [file for folder in folders if (file := folder / f"{name}{SUFFIX}").exists()]
    if len(found) > 1:
        raise FitError(f"there are two models named {name}: {found[0]} and {found[1]}; remove one of them")
    return found[0] if found else folders[0] / f"{name}{SUFFIX}"


def write(file: Path, content: Mapping[str, Any]) -> None:
    """Write a model; who reads the file meanwhile finds the old one or the new one."""
    made = file.with_name(f".{file.name}.new")
    made.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    made.replace(file)
