"""A copy of the engine with one change, as a package of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import segments.engine
import segments.plan.planner
from tests.properties.drive import Engine

WRITERS = {"compile", "kernels", "keyed", "planner", "remember", "rules", "source", "takes", "tree"}
"""The modules that make a rule set: with one of them changed, rules must be compiled anew."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A plausible bug: `old` stands once in a module of the engine, and becomes `new`."""

    name: str
    module: str
    old: str
    new: str

    @property
    def writes_rules(self) -> bool:
        """Whether a rule set made by the engine as it is would hide the bug."""
        return self.module in WRITERS


def sources() -> dict[str, str]:
    """The modules of the engine, and the plan of what it keeps."""
    assert segments.engine.__file__ is not None
    folder = Path(segments.engine.__file__).parent
    found = {path.stem: path.read_text() for path in folder.glob("*.py")}
    return found | {"planner": Path(segments.plan.planner.__file__).read_text()}


@contextmanager
def mutated(mutant: Mutant, folder: Path, texts: dict[str, str]) -> Iterator[Engine]:
    """The engine with this bug."""
    times = texts[mutant.module].count(mutant.old)
    assert times == 1, (
        f"{mutant.name}: {mutant.old!r} stands {times} times in {mutant.module}.py: mend the mutant"
    )
    name = "mutant_" + "".join(letter if letter.isalnum() else "_" for letter in mutant.name)
    (folder / name).mkdir()
    for module, text in texts.items():
        changed = text.replace(mutant.old, mutant.new) if module == mutant.module else text
        named = changed.replace("segments.engine", name).replace("segments.plan.planner", f"{name}.planner")
        (folder / name / f"{module}.py").write_text(named)
    sys.path.insert(0, str(folder))
    try:
        yield import_module(name)
    finally:
        sys.path.remove(str(folder))
        for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            del sys.modules[module]
