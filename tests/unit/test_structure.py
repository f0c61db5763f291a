"""The shape of the code: who imports whom, who reads the clock, how large things are, what lies where."""

import ast
import re
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("segments", "schemas", "streams", "deploy", "tests")
OURS = set(PACKAGES)
FOLDERS = {*PACKAGES, ".ci"}
"""All that lies at the top; no other folder."""

KAFKA = {"faust", "mode", "kafka", "aiokafka"}
AVRO = {"avro", "fastavro"}

LONGEST_MODULE = 300
LONGEST_FUNCTION = 40
USUAL_FUNCTION = 30
LONG_MODULES: dict[str, str] = {}
"""Modules that are longer all the same, each with its reason."""
LONG_FUNCTIONS: dict[str, str] = {}
"""Functions that are longer all the same, each with its reason."""

EMPTY_NAMES = {"utils", "util", "helper", "helpers", "manager", "misc", "common", "data", "base", "core"}

CLOCKS = {
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
}  # fmt: skip
"""Readings of the wall clock. `monotonic` and `perf_counter` tell no time of day: they are free."""
READERS_OF_THE_CLOCK = {
    "streams/clock.py",
    "deploy/demo/screen.py",
}


@cache
def tracked():
    """The files of the repository: those that git has, and those that it would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


@cache
def modules(*folders):
    """The Python files of these folders."""
    return [file for file in tracked() if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in folders]


@cache
def tree(file):
    """A module, parsed."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def name(file):
    """A file by its place in the repository."""
    return file.relative_to(ROOT).as_posix()


def imports(file, *, late=True):
    """The dotted names that a module imports; without `late`, those inside functions are left out."""
    nodes = ast.walk(tree(file)) if late else tree(file).body
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(file)}:{node.lineno}: a relative import: write the whole name"
            yield from (f"{node.module}.{each.name}" for each in node.names)


def importers(files, wanted):
    """For each of these files what it imports of the wanted packages."""
    found = {name(file): sorted(of(imports(file), wanted)) for file in files}
    return {file: each for file, each in found.items() if each}


def of(dotted, wanted):
    """Those of these dotted names that lie in the wanted packages."""
    return {each for each in dotted if any(each == top or each.startswith(f"{top}.") for top in wanted)}


def tops(files):
    """The top-level packages that these files import, without the standard library."""
    found = chain.from_iterable(map(imports, files))
    return {each.partition(".")[0] for each in found} - sys.stdlib_module_names


def test_rules_know_the_language_and_each_other():
    """A rule imports `segments.language` and other rules, and nothing else."""
    rules = [file for file in modules("segments") if file.parent.name == "segments"]
    assert rules
    assert tops(rules) == {"segments"}
    assert importers(rules, {"segments.engine"}) == {}


def test_the_language_imports_nothing():
    """Only the standard library and itself."""
    assert tops(in_folder("segments/language")) == {"segments"}


def test_the_language_does_not_know_the_engine():
    """The engine is built on the language; stories alone are run through it, by a late import in one module."""
    language = in_folder("segments/language")
    known = importers(language, {"segments.engine"})
    assert set(known) <= {"segments/language/proving.py"}
    at_import = [file for file in language if of(imports(file, late=False), {"segments.engine"})]
    assert at_import == []


def test_the_engine_imports_msgspec_and_the_language():
    """It knows no Kafka, no Avro, no Faust, nothing of ours that does, and no other library."""
    assert tops(in_folder("segments/engine")) == {"segments", "msgspec"}


def in_folder(folder):
    """The modules of a folder."""
    found = [file for file in modules(*PACKAGES) if name(file).startswith(f"{folder}/")]
    assert found
    return found


def test_schemas_know_neither_segments_nor_streams():
    """Subscribers can take the folder as it is."""
    assert importers(modules("schemas"), OURS - {"schemas"}) == {}
    assert tops(modules("schemas")) <= {"schemas", *AVRO}


def test_kafka_and_faust_are_in_streams():
    """Nothing outside `streams` touches them, but tests and what deploys it."""
    assert importers(modules("segments", "schemas"), KAFKA) == {}


def test_avro_is_in_schemas():
    """Nothing else encodes or decodes Avro, but tests and the demo."""
    assert importers(modules("segments", "streams"), AVRO) == {}


def test_faust_is_touched_in_few_places():
    """Its private parts are overridden in `streams/transport`; of Faust as documented the table alone is used besides."""
    besides = importers(
        [file for file in modules("streams") if file.parent.name != "transport"], {"faust", "mode"}
    )
    assert besides == {"streams/table.py": ["faust"]}


def test_private_parts_of_libraries_are_touched_in_transport_alone():
    """`thing._private` of something that is not `self` or `cls` stays where the versions are asserted."""
    found = {
        name(file): sorted(set(foreign_privates(file))) for file in modules("segments", "schemas", "streams")
    }
    outside = {
        file: each for file, each in found.items() if each and not file.startswith("streams/transport/")
    }
    assert outside == {"segments/language/errors.py": ["sys._getframe"]}


def foreign_privates(file):
    """Private attributes of things that the module does not define itself."""
    own = {
        node.attr for node in ast.walk(tree(file)) if isinstance(node, ast.Attribute) and is_self(node.value)
    }
    own |= {node.name for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr) and node.attr not in own:
            yield ast.unparse(node)


def is_self(node):
    """Whether an expression is the object itself."""
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def test_one_place_reads_the_wall_clock():
    """Whoever needs *now* takes it; in a worker `streams/clock.py` alone asks the machine."""
    found = {name(file) for file in modules("segments", "schemas", "streams") if readings(file)}
    assert found == {"streams/clock.py"}


def readings(file):
    """Where a module reads the wall clock."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS
    ]


def test_the_domain_does_not_even_import_time():
    """Not even a clock that tells no time of day, nor chance: the engine's output is a function of its input."""
    assert importers(modules("segments"), {"time", "random", "secrets", "uuid", "asyncio", "threading"}) == {}


def test_modules_are_short():
    """A module over 300 lines is two modules."""
    long = {
        name(file): count
        for file in modules(*PACKAGES)
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert {file: count for file, count in long.items() if file not in LONG_MODULES} == {}
    assert long.keys() >= LONG_MODULES.keys(), "no exception is needed any more: remove it"


def functions(*folders):
    """Each function of these folders: its name and its lines, without decorators."""
    for file in modules(*folders):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name(file)}:{node.name}", node.end_lineno - node.lineno + 1


def test_functions_are_small():
    """Seven to ten lines in the middle, seldom over thirty, never over forty."""
    sizes = dict(functions("segments", "schemas", "streams", "deploy"))
    assert median(sizes.values()) <= 10
    over = [each for each, lines in sizes.items() if lines > USUAL_FUNCTION]
    assert len(over) <= len(sizes) / 50, over
    longest = {each: lines for each, lines in sizes.items() if lines > LONGEST_FUNCTION}
    assert longest.keys() == LONG_FUNCTIONS.keys(), longest


def test_names_say_something():
    """No module is named after nothing."""
    assert [name(file) for file in modules(*PACKAGES) if file.stem in EMPTY_NAMES] == []


def test_the_top_is_the_table_of_contents():
    """No folder but those of the house style."""
    assert {file.relative_to(ROOT).parts[0] for file in tracked() if file.parent != ROOT} == FOLDERS


def test_a_rule_is_a_file_named_after_its_segment():
    """`ls segments` lists the segments, and nothing else that is Python."""
    for file in modules("segments"):
        if file.parent.name == "segments" and file.stem != "__init__":
            assert re.search(rf"^{file.stem} = Segment\(", file.read_text(encoding="utf-8"), re.MULTILINE), (
                name(file)
            )


# The names of folders are put together here, so that this file does not find itself.
MACHINE = re.compile(
    "|".join(
        [
            rf"/(?:{'|'.join(('home', 'Users', 'root', 'work', 'workspace'))})/\w+",
            r"/(?:opt|mnt|srv)/\w+",
            r"https?://[\w.-]*(?:artifactory|nexus|registry|mirror|proxy)[\w.-]*\.\w+",
            r"--(?:extra-)?index-url[= ]\S+",
        ]
    )
)


@pytest.mark.parametrize("pattern", [MACHINE], ids=["paths and hosts"])
def test_no_file_knows_the_machine_it_was_written_on(pattern):
    """No path of a home, no host of a registry."""
    found = {}
    for file in tracked():
        text = file.read_text(encoding="utf-8", errors="replace")
        hits = {hit.group() for hit in pattern.finditer(text)} - ALLOWED.get(name(file), set())
        if hits and file != Path(__file__).resolve():
            found[name(file)] = sorted(hits)
    assert found == {}


ALLOWED = {"deploy/kafka/compose.yaml": {"/opt/kafka"}}
"""Paths inside a container."""


def test_every_test_has_a_sentence():
    """Each test says in its first line what is promised."""
    without = []
    for file in modules("tests"):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                text = (ast.get_docstring(node) or "").strip()
                if not re.match(r"\S.*[.?!:]$", text.splitlines()[0] if text else ""):
                    without.append(f"{name(file)}:{node.lineno}")
    assert without == []


def test_every_module_says_what_it_is():
    """Each module begins with a sentence, but those that are there for Python's sake."""
    empty = [
        name(file) for file in modules(*PACKAGES) if not ast.get_docstring(tree(file)) and file.stat().st_size
    ]
    assert empty == []
