"""What a rule file says beside its segment: the docstring, and the line that its stories begin at."""

import ast
from functools import lru_cache
from pathlib import Path

from segments.language.errors import Origin
from segments.language.nodes.segment import Segment


@lru_cache(maxsize=256)
def _tree(file: str, modified: int) -> ast.Module | None:  # noqa: ARG001 - an edited file is parsed again
    try:
        return ast.parse(Path(file).read_bytes(), file)
    except (SyntaxError, ValueError):
        return None


def _parsed(segment: Segment) -> ast.Module | None:
    try:
        return _tree(segment.origin.file, Path(segment.origin.file).stat().st_mtime_ns)
    except OSError:
        return None


def docstring(segment: Segment) -> str:
    """What the rule is for and what a marketer does with it; empty if its file does not say."""
    tree = _parsed(segment)
    return (ast.get_docstring(tree) or "") if tree else ""


def title(segment: Segment) -> str:
    """The first line of the docstring, without the full stop; the segment's id if there is none."""
    return docstring(segment).partition("\n")[0].rstrip(".") or segment.id


def examples_origin(segment: Segment) -> Origin:
    """The line on which the text of the stories begins: line n of the text stands n lines below it."""
    for node in ast.walk(_parsed(segment) or ast.Module([], [])):
        if isinstance(node, ast.Call) and node.lineno == segment.origin.line:
            for keyword in node.keywords:
                if keyword.arg == "examples":
                    return Origin(segment.origin.file, keyword.value.lineno)
    return segment.origin
