"""Rule files as modules that see one another, and that nobody else sees.

Each file is executed on each load, with an import of its own: `from high_value import high_value` and `from
segments.high_value import high_value` both give the file of that name among the rules being loaded, executed
once. Python's own import would look into the package `segments` first, keep the module, and write a `.pyc`.
"""

import builtins
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from segments.language.errors import Origin, RuleError
from segments.language.loading.mends import explained, nearest
from segments.language.nodes.segment import Segment

PACKAGE = "segments"
ROOMS = ("engine", "insight", "language", "learned", "plan")
"""The folders of the package: no rule has one of these names, and what a rule imports of them is the program's."""


class RuleModules:
    """The rule files being loaded, by name, and the segments that they have defined so far."""

    def __init__(self, beside: Mapping[Path, Path], identified: Callable[[Path], Path]) -> None:
        self.rules: dict[str, Path] = {}
        self.segments: list[Segment] = []
        self._defined: set[int] = set()
        """Their identities as objects."""
        self._beside = beside
        """The folders of files named one by one: what those import is found there."""
        self._identified = identified
        self._modules: dict[Path, ModuleType] = {}
        self._running: list[Path] = []

    def execute(self, file: Path) -> ModuleType:
        """The file as a module, executed the first time that it is asked for."""
        place = file.resolve()
        known = self._modules.get(place)
        if known is not None:
            return known
        if file in self._running:
            cycle = " → ".join(each.stem for each in [*self._running[self._running.index(file) :], file])
            raise RuleError(f"A cycle is refused: {cycle}.", "Let one of them do without the other.")
        module = self._module(file)
        self._running.append(file)
        try:
            exec(_compiled(file), vars(module))  # noqa: S102 - a rule file is Python, and that is what it is for
        except RuleError:
            raise
        except (Exception, SystemExit) as error:
            raise explained(error, file) from error
        finally:
            self._running.pop()
        if not file.name.startswith("_"):
            segment = self._own(file, module)
            self.segments.append(segment)
            self._defined.add(id(segment))
        self._modules[place] = module
        return module

    def _module(self, file: Path) -> ModuleType:
        module = ModuleType(f"{PACKAGE}.{file.stem}")
        module.__file__ = str(file)
        module.__package__ = PACKAGE
        module.__dict__["__builtins__"] = vars(builtins) | {"__import__": self._import}
        return module

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the names of builtins.__import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> Any:
        """What an import statement in a rule file gives."""
        if level:
            name, level = f"{PACKAGE}.{name}".rstrip("."), 0
        package, _, rest = name.rpartition(".")
        if name == PACKAGE and fromlist:
            return self._package({each: self._rule(each) for each in fromlist if each not in ROOMS})
        if package == PACKAGE and rest not in ROOMS:
            module = self._rule(rest)
            return module if fromlist else self._package({rest: module})
        file = None if package else self._find(name)
        return (
            builtins.__import__(name, globals, locals, fromlist or (), 0)
            if file is None
            else self.execute(file)
        )

    def _package(self, rules: dict[str, ModuleType]) -> ModuleType:
        package = ModuleType(PACKAGE)
        real = builtins.__import__(f"{PACKAGE}.language")
        vars(package).update(vars(real) | rules)
        return package

    def _rule(self, name: str) -> ModuleType:
        file = self._find(name)
        if file is not None:
            return self.execute(file)
        problem = f"There is no rule named {name} among those being loaded."
        if Path(__file__).parents[2].joinpath(f"{name}.py").exists():
            raise RuleError(problem, f"Name the folder of {name}.py in SEGMENTS_RULES too.")
        raise RuleError(problem, nearest(name, self.rules) or "Name its folder in SEGMENTS_RULES too.")

    def _find(self, name: str) -> Path | None:
        """The rule file of this name; a file `_name.py` beside the rule that imports it is a part of it."""
        if name in self.rules:
            return self.rules[name]
        beside = self._running[-1].parent
        file = beside / f"{name}.py"
        if not file.is_file() or not (name.startswith("_") or beside.resolve() in self._beside):
            return None
        if not name.startswith("_"):
            self.rules[name] = self._identified(file)
        return file

    def _own(self, file: Path, module: ModuleType) -> Segment:
        """The one segment that the file defines, which no file that it imports had defined before."""
        own = {
            name: each
            for name, each in vars(module).items()
            if isinstance(each, Segment) and id(each) not in self._defined
        }
        segment = own.get(file.stem)
        if segment is None or len({id(each) for each in own.values()}) > 1:
            raise _not_one(file, own)
        if segment.id not in (file.stem, Path(segment.origin.file).stem):
            mend = "Leave id= out: the file's name is the segment's id."
            raise RuleError(f"id={segment.id!r} stands in a file named {file.name}.", mend, segment.origin)
        segment.id = file.stem
        return segment


def _not_one(file: Path, own: dict[str, Segment]) -> RuleError:
    if not own:
        mend = f"Write {file.stem} = Segment(...)."
        return RuleError(f"{file.name} defines no segment of its own.", mend, Origin(str(file), 1))
    name, segment = max(own.items(), key=lambda each: (each[0] != file.stem, each[1].origin.line))
    if len({id(each) for each in own.values()}) == 1:
        problem = f"The segment of {file.name} stands in a variable named {name}."
        return RuleError(
            problem, f"Name the variable after the file: {file.stem} = Segment(...).", segment.origin
        )
    problem = f"{file.name} defines {len(own)} segments ({', '.join(own)}); a file defines one."
    return RuleError(problem, f"Move {name} to a file named {name}.py.", segment.origin)


def _compiled(file: Path) -> CodeType:
    return compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
