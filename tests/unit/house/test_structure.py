"""The shape of the code: who imports whom, who reads the clock, how large things are, what lies where."""

import ast
import re
import sys
from functools import cache
from graphlib import TopologicalSorter
from itertools import chain

from segments.language.loading.modules import ROOMS
from tests.unit.repository import PACKAGES, ROOT, files, modules, name, nodes, tree

FOLDERS = {*PACKAGES, ".ci"}
"""All that lies at the top; no other folder."""

KAFKA = {"faust", "mode", "kafka", "aiokafka"}
AVRO = {"avro", "fastavro"}

USUAL_MODULE, USUAL_TESTS, USUAL_FUNCTION = 300, 500, 40
"""Lines. What is longer stands in the lists below with its reason: a length is a question, not a fault."""
LONG_MODULES: dict[str, str] = {
    "deploy/grafana/panels.py": "the list of panels",
    "segments/engine/door.py": "a property for each question that a partition answers, and its type",
    "segments/language/truth/life.py": "one life, told in the order of SEMANTICS.md",
    "segments/plan/ir.py": "the plan as data: one structure after another, each with its meaning",
    "segments/plan/lowering.py": "one walk over a rule set, whose parts share the numbers of streams and leaves",
    "streams/kafka/topics.py": "a topic is made by the very settings that it is compared with",
    "streams/settings/settings.py": "a table: one field after another, each with its meaning",
}
"""Modules that are better as one piece, each with its reason."""
LONG_FUNCTIONS: dict[str, str] = {
    "segments/language/nodes/segment.py:__init__": "a line for each word of a rule",
}
"""Functions that are better as one piece, each with its reason."""

EMPTY_NAMES = {"utils", "util", "helper", "helpers", "manager", "misc", "common", "data", "base", "core"}

CLOCKS = {
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
}  # fmt: skip
"""Readings of the wall clock. `monotonic` and `perf_counter` tell no time of day: they are free."""


@cache
def imports(file, *, late=True):
    """The dotted names that a module imports; without `late`, those inside functions are left out."""
    return tuple(_imports(file, nodes(file) if late else tree(file).body))


def _imports(file, among):
    for node in among:
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


def rules():
    """The rules that are shipped."""
    return [
        file for file in modules("segments") if file.parent.name == "segments" and file.stem != "__init__"
    ]


def test_rules_know_the_language_and_each_other():
    """A rule imports `segments.language` and other rules, and nothing else."""
    assert rules()
    assert tops(rules()) == {"segments"}
    assert importers(rules(), {"segments.engine"}) == {}


def test_whoever_imports_a_rule_needs_no_engine():
    """The package itself imports nothing; what it offers for notebooks is imported when it is called."""
    at_import = imports(ROOT / "segments" / "__init__.py", late=False)
    assert {each.partition(".")[0] for each in at_import} <= sys.stdlib_module_names


def test_the_language_imports_nothing():
    """Only the standard library and itself."""
    assert tops(in_folder("segments/language")) == {"segments"}


MAY_IMPORT = {
    # segments: what a rule says, what a rule set is, what decides, what explains
    "language/nodes": set(),
    "language/__init__.py": {"language/nodes"},
    "language/words": {"language/nodes"},
    "language/truth": {"language/nodes"},
    "language/loading": {"language/__init__.py", "language/nodes"},
    "language/stories": {"language/loading", "language/nodes"},
    "language/checking": {"language/loading", "language/nodes", "language/stories"},
    "plan": {"language/nodes"},
    "engine": {"language/checking", "language/loading", "language/nodes", "plan"},
    "insight": {"engine", "language", "plan"},
    "learned": {"language/__init__.py"},
    # streams, from the bottom up
    "streams/errors.py": set(),
    "streams/clock.py": set(),
    "streams/settings": {"streams/errors.py"},
    "streams/local": {"streams/errors.py", "streams/settings"},
    "streams/kafka": {"schemas", "streams/errors.py", "streams/settings"},
    "streams/transport": {"engine", "streams/errors.py", "streams/kafka"},
    "streams/registry": {
        *("engine", "schemas", "streams/errors.py", "streams/kafka", "streams/settings"),
        "streams/transport",
    },
    "streams/store": {
        *("engine", "streams/clock.py", "streams/errors.py", "streams/settings", "streams/transport"),
    },
    "streams/telemetry": {"engine", "language/nodes", "streams/errors.py", "streams/settings"},
    "streams/http": {
        *("engine", "insight", "streams/errors.py", "streams/kafka", "streams/settings", "streams/telemetry"),
    },
    "streams/worker": {
        *("engine", "schemas", "streams/clock.py", "streams/errors.py", "streams/http"),
        *("streams/kafka", "streams/registry", "streams/settings", "streams/store", "streams/telemetry"),
        "streams/transport",
    },
    "streams/history": {
        *("engine", "insight", "schemas", "streams/errors.py", "streams/kafka", "streams/registry"),
        *("streams/settings", "streams/worker"),
    },
    "streams/conversion": {"schemas", "streams/errors.py", "streams/kafka"},
    "streams/delivery": {
        *("engine", "insight", "schemas", "streams/clock.py", "streams/errors.py", "streams/kafka"),
        *("streams/registry", "streams/settings", "streams/telemetry"),
    },
    "streams/console": {
        *("engine", "insight", "language", "plan", "schemas", "streams/clock.py", "streams/errors.py"),
        *("streams/deployments", "streams/history", "streams/http", "streams/kafka", "streams/registry"),
        *("streams/report", "streams/settings", "streams/telemetry"),
    },
    "streams/report": {
        *("engine", "insight", "language", "schemas", "streams/errors.py", "streams/history"),
        *("streams/kafka", "streams/registry", "streams/settings", "streams/transport"),
    },
    "streams/jobs": {
        *("engine", "insight", "language/nodes", "plan", "schemas", "streams/clock.py", "streams/errors.py"),
        *("streams/history", "streams/kafka", "streams/registry", "streams/settings", "streams/store"),
        *("streams/transport", "streams/worker"),
    },
    "streams/deployments": {
        *("engine", "insight", "language", "plan", "schemas", "streams/clock.py", "streams/errors.py"),
        *("streams/http", "streams/kafka", "streams/registry", "streams/settings", "streams/store"),
    },
    "streams/cli": {
        *("engine", "insight", "language", "plan", "schemas"),
        *(
            f"streams/{room}"
            for room in (
                "clock.py",
                "console",
                "conversion",
                "delivery",
                "deployments",
                "errors.py",
                "history",
                "http",
                "jobs",
                "kafka",
                "local",
            )
        ),
        *(f"streams/{room}" for room in ("registry", "report", "settings", "telemetry", "worker")),
    },
}
"""Which room may import which; `language` stands for all its rooms. Production code does not see `streams/local`."""
FOUNDATIONS = {"language/catalogue.py", "language/errors.py", "language/measures", "language/zones.py"}
"""What every room may import: they import nothing of ours."""
MAY_IMPORT = {room: may | FOUNDATIONS for room, may in MAY_IMPORT.items()} | {
    each: set[str]() for each in FOUNDATIONS
}


def room(file):
    """The room of a module of `segments` or `streams`, as MAY_IMPORT names it; None: a rule, or the top of a package."""
    parts = name(file).removeprefix("segments/").split("/")
    if parts[0] in ("language", "streams"):
        return "/".join(parts[:2]) if parts[1:] != ["__init__.py"] or parts[0] == "language" else None
    return parts[0] if len(parts) > 1 else None


def doors():
    """Each arrow between two rooms: both, and the modules that make it."""
    places = {dotted(file): file for file in modules("segments", "streams", "schemas")}
    for file in modules("segments", "streams"):
        for each in imports(file):
            target = places.get(each) or places.get(each.rpartition(".")[0])
            if target is not None and room(file) and room(target) not in (None, room(file)):
                yield room(file), room(target), f"{name(file)} imports {name(target)}"


def dotted(file):
    """The name by which a module is imported."""
    return name(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_rooms_import_what_they_may():
    """An arrow that is not in MAY_IMPORT is a mistake, or a decision: then it is written there, and the test below judges it."""
    allowed = {key: {of for each in may for of in expanded(each)} for key, may in MAY_IMPORT.items()}
    found = list(doors())
    assert len(found) > 200
    assert {source for source, _, _ in found} <= MAY_IMPORT.keys()
    assert [why for source, target, why in found if target not in allowed[source]] == []


def expanded(each):
    """The rooms that a name in MAY_IMPORT stands for."""
    return [key for key in MAY_IMPORT if key.startswith("language/")] if each == "language" else [each]


def test_no_arrow_between_rooms_leads_back():
    """The rooms stand on floors: whatever a room imports lies below it."""
    TopologicalSorter(
        {key: {of for each in may for of in expanded(each)} for key, may in MAY_IMPORT.items()}
    ).prepare()


def test_no_modules_import_each_other():
    """Imports at the top of modules form no cycle, but one: events, their measures and conditions make one another."""
    places = {dotted(file): file for file in modules("segments", "streams", "schemas")}
    graph = {}
    for key, file in places.items():
        at_import = imports(file, late=False)
        graph[key] = {
            each if each in places else each.rpartition(".")[0] for each in at_import
        } & places.keys()
    made_together = {f"segments.language.nodes.{each}" for each in ("conditions", "events", "measures")}
    for each in made_together:
        graph[each] -= made_together
    TopologicalSorter(graph).prepare()


def test_the_local_broker_is_reached_from_the_outside():
    """A worker in production needs no checkout, so nothing but the command `segments broker` imports `streams.local`."""
    assert set(importers(modules("streams"), {"streams.local"})) == {
        *("streams/cli/broker.py", "streams/local/broker.py"),
    }


def test_the_rooms_of_segments_are_no_names_of_rules():
    """A rule named like a folder of the package would hide it: `ROOMS` names them all."""
    folders = {file.relative_to(ROOT / "segments").parts[0] for file in modules("segments")}
    assert set(ROOMS) == {each for each in folders if not each.endswith(".py")}


def test_every_folder_says_what_is_in_it():
    """The docstring of each `__init__.py` of `segments` and `streams` names its modules, or describes the room as a whole."""
    folders = {file.parent for file in modules("segments", "streams")} - {ROOT / "segments"}
    missing = {}
    for folder in folders - UNLISTED:
        said = ast.get_docstring(tree(folder / "__init__.py")) or ""
        here = {file.stem for file in folder.glob("*.py")} | {
            file.parent.name for file in folder.glob("*/*.py")
        }
        absent = [each for each in here - {"__init__"} if not re.search(rf"^ *{each} ", said, re.MULTILINE)]
        if absent:
            missing[name(folder)] = absent
    assert missing == {}


UNLISTED = {
    ROOT / "segments" / "engine",  # replaced by the native engine, module by module
    ROOT / "segments" / "language" / "measures",  # found by looking; each says its meaning
    ROOT / "streams" / "cli",  # `segments --help` lists them
    ROOT / "streams" / "transport",
}
"""Folders whose modules are listed elsewhere, or not yet."""


def test_the_engine_is_imported_by_its_door_alone():
    """What `segments.engine` offers is in its `__all__`; nothing deeper is imported from outside."""
    outside = [
        file for file in modules("segments", "streams", "deploy") if "segments/engine/" not in name(file)
    ]
    deeper = {
        name(file): sorted(each for each in imports(file) if re.match(r"segments\.engine\.[a-z]\w*\.", each))
        for file in outside
    }
    assert {file: each for file, each in deeper.items() if each} == {}


def test_the_engine_imports_msgspec_and_the_language():
    """It knows no Kafka, no Avro, no Faust, nothing of ours that does, and no other library."""
    assert tops(in_folder("segments/engine")) == {"segments"}


def in_folder(folder):
    """The modules of a folder."""
    found = [file for file in modules(*PACKAGES) if name(file).startswith(f"{folder}/")]
    assert found
    return found


def test_schemas_know_neither_segments_nor_streams():
    """Subscribers can take the folder as it is."""
    assert importers(modules("schemas"), set(PACKAGES) - {"schemas"}) == {}
    assert tops(modules("schemas")) <= {"schemas", *AVRO}


def test_kafka_and_faust_are_in_streams():
    """Nothing outside `streams` touches them, but tests and what deploys it."""
    assert importers(modules("segments", "schemas"), KAFKA) == {}


def test_avro_is_in_schemas():
    """Nothing else encodes or decodes Avro, but tests and the demo."""
    assert importers(modules("segments", "streams"), AVRO) == {}


def test_faust_is_touched_in_few_places():
    """Its private parts are overridden in `streams/transport`; besides, only the table is one of Faust's."""
    besides = [file for file in modules("streams") if file.parent.name != "transport"]
    assert importers(besides, {"faust", "mode"}) == {"streams/store/table.py": ["faust"]}


def test_private_parts_of_libraries_are_touched_in_transport_alone():
    """`thing._private` of something that is not `self` or `cls` stays where the versions are asserted."""
    found = {
        name(file): sorted(set(foreign_privates(file))) for file in modules("segments", "schemas", "streams")
    }
    outside = {
        file: each for file, each in found.items() if each and not file.startswith("streams/transport/")
    }
    # Both are documented.
    assert outside == {
        "segments/language/errors.py": ["sys._getframe"],
        "streams/cli/worker.py": ["os._exit"],
    }


PUBLIC = {"_replace", "_asdict", "_fields"}
"""Of a named tuple these are documented."""


def foreign_privates(file):
    """Private attributes of things that the module does not define itself."""
    own = {node.attr for node in nodes(file) if isinstance(node, ast.Attribute) and is_self(node.value)}
    own |= {node.name for node in nodes(file) if isinstance(node, ast.FunctionDef)}
    for node in nodes(file):
        if (
            isinstance(node, ast.Attribute)
            and re.match(r"_[a-z]", node.attr)
            and node.attr not in own | PUBLIC
        ):
            yield ast.unparse(node)


def is_self(node):
    """Whether an expression is the object itself."""
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def test_one_place_reads_the_wall_clock():
    """Whoever needs *now* takes it; in a worker `streams/clock.py` alone asks the machine."""
    found = {name(file) for file in modules("segments", "schemas", "streams") if readings(file)}
    assert found == {"streams/clock.py"}


def readings(file):
    """Where a module reads the wall clock, or takes what reads it out of its module."""
    return [
        *of(imports(file), CLOCKS),
        *(
            ast.unparse(node)
            for node in nodes(file)
            if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS
        ),
    ]


def test_the_domain_does_not_even_import_time():
    """Not even a clock that tells no time of day, nor chance: the engine's output is a function of its input."""
    assert importers(modules("segments"), {"time", "random", "secrets", "uuid", "asyncio", "threading"}) == {}


def test_a_long_module_has_its_reason():
    """Who finds a module of more lines than usual finds why it was not divided; a reason that is not needed goes."""
    counts = {name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in modules(*PACKAGES)}
    usual = {file: USUAL_TESTS if file.startswith("tests/") else USUAL_MODULE for file in counts}
    long = {file: count for file, count in counts.items() if count > usual[file]}
    assert long.keys() == LONG_MODULES.keys(), f"divide it, or write in LONG_MODULES why not: {long}"


def functions(*folders):
    """Each function of these folders: its name and its lines, without decorators and docstring."""
    for file in modules(*folders):
        for node in nodes(file):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                said = node.body[0] if ast.get_docstring(node) else None
                lines = 0 if said is None else said.end_lineno - said.lineno + 1
                yield f"{name(file)}:{node.name}", node.end_lineno - node.lineno + 1 - lines


def test_a_long_function_has_its_reason():
    """Who finds a function of more lines than usual finds why it was not divided; a reason that is not needed goes."""
    sizes = dict(functions("segments", "schemas", "streams", "deploy"))
    long = {each: lines for each, lines in sizes.items() if lines > USUAL_FUNCTION}
    assert long.keys() == LONG_FUNCTIONS.keys(), f"divide it, or write in LONG_FUNCTIONS why not: {long}"


def test_names_say_something():
    """No module is named after nothing."""
    assert [name(file) for file in modules(*PACKAGES) if file.stem in EMPTY_NAMES] == []


def test_the_top_is_the_table_of_contents():
    """No folder but those of the house style."""
    assert {file.relative_to(ROOT).parts[0] for file in files() if file.parent != ROOT} == FOLDERS


def test_a_rule_is_a_file_named_after_its_segment():
    """`ls segments` lists the segments, and nothing else that is Python."""
    for file in rules():
        assert re.search(
            rf"^{file.stem} = (Segment|Stages)\(", file.read_text(encoding="utf-8"), re.MULTILINE
        ), name(file)


MACHINE = re.compile(
    r"/(?:home|Users|root|work|workspace|opt|mnt|srv)/\w+"
    r"|https?://[\w.-]*(?:artifactory|nexus|registry|mirror|proxy)[\w.-]*\.\w+"
    r"|--(?:extra-)?index-url[= ]\S+"
)
NO_MACHINE = {
    "deploy/compose/compose.yaml": {"/opt/kafka"},  # inside a container
    "deploy/container/Dockerfile": {"/opt/build", "/opt/segments"},
    "deploy/kafka/compose.yaml": {"/opt/kafka"},
    "deploy/operations.md": {"/opt/segments"},
    "tests/unit/house/test_structure.py": {"/opt/build", "/opt/kafka", "/opt/segments"},
} | {name(file): {"/opt/segments"} for file in (ROOT / "deploy" / "systemd").glob("*.service")}


def test_no_file_knows_the_machine_it_was_written_on():
    """No path of somebody's folder, no host of a registry."""
    found = {}
    for file in files():
        text = file.read_text(encoding="utf-8", errors="replace")
        hits = {hit.group() for hit in MACHINE.finditer(text)} - NO_MACHINE.get(name(file), set())
        if hits:
            found[name(file)] = sorted(hits)
    assert found == {}


def test_every_test_has_a_sentence():
    """Each test says in its first line what is promised."""
    without = []
    for file in modules("tests"):
        for node in nodes(file):
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


def test_tests_have_one_style_of_imports():
    """The whole name from the root of the repository; what several tests need stands in a module that is no test."""
    wrong = []
    for file in modules("tests"):
        if file.parent in (ROOT / "tests" / "benchmarks" / "jobs", ROOT / "tests" / "stories" / "wishes"):
            continue  # scripts for environments that have nothing of ours, and rules, which import each other
        beside = {each.stem for each in file.parent.glob("*.py")} if file.parent.name != "tests" else set()
        for node in nodes(file):
            if isinstance(node, ast.ImportFrom):
                test = (node.module or "").rpartition(".")[2].startswith("test_")
                if node.level or node.module in beside or test:
                    wrong.append(f"{name(file)}:{node.lineno}")
    assert wrong == []
