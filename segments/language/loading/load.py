"""Rule files become segments."""

import keyword
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from segments.language.errors import Origin, RefusedRules, RuleError
from segments.language.loading.modules import ROOMS, RuleModules
from segments.language.nodes.models import looked_up_in
from segments.language.nodes.order import in_order, reads
from segments.language.nodes.segment import Segment

LONGEST_ID = 128
"""Bytes that an id may have (SEMANTICS.md, section 6)."""


def load(folders: Sequence[Path | str]) -> tuple[Segment, ...]:
    """The segments of these folders, or single files, by id; what a single file imports is among them."""
    given = [Path(each) for each in folders]
    modules = RuleModules(
        {path.parent.resolve(): path.parent for path in given if path.is_file()}, _identified
    )
    for file in (file for path in given for file in _files(path)):
        first = modules.rules.setdefault(_identified(file).stem, file)
        if first is not file and first.resolve() != file.resolve():
            _twice(file.stem, Origin(str(first), 1), Origin(str(file), 1))
    errors: dict[str, RuleError] = {}
    with looked_up_in([path if path.is_dir() else path.parent for path in given]):
        for name in sorted(modules.rules):
            try:
                modules.execute(modules.rules[name])
            except RuleError as error:
                errors.setdefault(
                    str(error), error
                )  # a file that imports a wrong one fails with the same words
    if errors:
        raise RefusedRules(list(errors.values())) if len(errors) > 1 else next(iter(errors.values()))
    return rules_of(modules.segments)


def rules_of(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Segments as a rule set, by id: no id twice, each segment that a rule reads is among them, no cycle."""
    rules: dict[str, Segment] = {}
    for segment in segments:
        if rules.setdefault(segment.id, segment) is not segment:
            _twice(segment.id, rules[segment.id].origin, segment.origin)
    for segment in rules.values():
        for read in reads(segment):
            if rules.get(read.id) is not read:
                raise RuleError(
                    f"{segment.id} reads a segment that is not among the rules loaded ({read.origin}).",
                    "Give that segment a file of its own in a folder of SEGMENTS_RULES, and import it.",
                    segment.origin,
                )
    in_order(rules.values())
    return tuple(rules[name] for name in sorted(rules))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in sorted(path.glob("*.py")) if not file.name.startswith("_")]
    if path.is_file() and path.suffix == ".py":
        return [path]
    came = "is no rule file" if path.exists() else "does not exist"
    raise RuleError(f"{path} {came}.", "Name folders of rules, or files ending in .py.", Origin(str(path), 1))


def _identified(file: Path) -> Path:
    """The file, if its name can be a segment's id."""
    stem, origin = file.stem, Origin(str(file), 1)
    if not stem.isidentifier() or keyword.iskeyword(stem):
        raise RuleError(
            f"{stem!r} cannot be the id of a segment: it is no name in Python.",
            "Rename the file: letters, digits and underscores, beginning with a letter.",
            origin,
        )
    if len(stem.encode()) > LONGEST_ID:
        problem = (
            f"The id of a segment has at most {LONGEST_ID} bytes; this file's name has {len(stem.encode())}."
        )
        raise RuleError(problem, "Give the file a shorter name.", origin)
    if stem in ROOMS:
        raise RuleError(f"segments.{stem} is a part of the program.", "Give the file another name.", origin)
    return file


def _twice(name: str, first: Origin, second: Origin) -> NoReturn:
    raise RuleError(f"There are two rules named {name}; the other is {first}.", "Rename one of them.", second)
