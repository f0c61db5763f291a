"""Rule files become segments: which files, under which names, seen by whom, and what is refused."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from segments.language.errors import RefusedRules, RuleError
from segments.language.loading.load import load, rules_of
from segments.language.nodes.segment import Segment
from tests.unit.repository import ROOT

SHIPPED = ROOT / "segments"
RULE = "from segments.language import Segment, purchase, visit\n{before}\n{name} = Segment(when={when})\n"
COUNT = "visit.within(days=7).count() >= 3"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path) -> Write:
    """Writes a rule file: `write("frequent", when=..., before=...)`, or `write("frequent", text=...)`."""

    def rule(
        name: str, *, when: str = COUNT, before: str = "", text: str | None = None, folder: str = "rules"
    ) -> Path:
        file = tmp_path / folder / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(RULE.format(name=name, when=when, before=before) if text is None else text)
        return file

    return rule


def refused(*paths: Path) -> RuleError:
    """The error that loading ends in."""
    with pytest.raises(RuleError) as caught:
        load(paths)
    return caught.value


def test_every_file_of_a_folder_is_a_rule_named_after_the_file(write):
    """Segments come by id; files that begin with _ are no rules."""
    write("zebra")
    write("ant")
    write("_shared", text="orders = 3\n")
    assert [segment.id for segment in load([write("mouse").parent])] == ["ant", "mouse", "zebra"]


def test_the_shipped_rules_load():
    """The rules of the repository, beside which the folders of the program are no rules."""
    ids = [segment.id for segment in load([SHIPPED])]
    assert {"cart_abandoned", "high_value", "inactive_90_days", "three_visits_without_conversion"} <= set(ids)
    assert "language" not in ids


@pytest.mark.parametrize(
    "how", ["from high_value import high_value", "from segments.high_value import high_value"]
)
def test_rules_import_each_other_by_either_name(write, how):
    """Both names give the file of this folder, not the shipped rule of that name, and the same segment."""
    own = write("high_value", when="purchase.within(days=1).count() >= 1")
    write("lapsed", before=how, when="[high_value, visit.within(days=7).count() >= 1]")
    high_value, lapsed = load([own.parent])
    assert high_value.origin.file == str(own)
    assert lapsed.when.conditions[0] is high_value


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ("import high_value", "high_value.high_value"),
        ("import segments.high_value", "segments.high_value.high_value"),
        ("import segments.high_value as other", "other.high_value"),
        ("from segments import high_value as other", "other.high_value"),
        ("from .high_value import high_value as other", "other"),
        ("from . import high_value as other", "other.high_value"),
    ],
)
def test_every_way_of_importing_leads_to_the_rule(write, how, name):
    """Python has many ways to say it."""
    folder = write("high_value").parent
    write("lapsed", before=how, when=f"[{name}, visit.within(days=7).count() >= 1]")
    high_value, lapsed = load([folder])
    assert lapsed.when.conditions[0] is high_value


def test_two_rules_read_one_and_the_same_segment(write):
    """A file is executed once, however many import it and by whichever name."""
    folder = write("base").parent
    write("first", before="from base import base", when="[base]")
    write("second", before="from segments.base import base", when="[base]")
    base, first, second = load([folder])
    assert first.when is base
    assert second.when is base


def test_a_rule_is_executed_anew_for_each_load(write):
    """What was changed in a file counts the next time that rules are loaded in the same process."""
    file = write("rule")
    before = load([file])[0]
    write("rule", when="visit.within(days=7).count() >= 9")
    after = load([file])[0]
    assert before is not after
    assert after.when.bound == 9


def test_loading_leaves_no_trace(write, monkeypatch):
    """Python's modules stay as they were, and no .pyc lies beside the rules."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = write("high_value").parent
    write("lapsed", before="from segments.high_value import high_value", when="[high_value]")
    modules, path = dict(sys.modules), list(sys.path)
    load([folder])
    assert dict(sys.modules) == modules
    assert sys.path == path
    assert {file.name for file in folder.iterdir()} == {"high_value.py", "lapsed.py"}


def test_a_single_file_brings_the_rules_that_it_imports(write):
    """Named alone, a rule is loaded with what it reads, and with nothing else of its folder."""
    write("unrelated")
    write("base")
    file = write("reader", before="from base import base", when="[base]")
    assert [segment.id for segment in load([file])] == ["base", "reader"]


def test_a_folder_and_one_of_its_files_are_no_two_rules(write):
    """Paths may overlap."""
    file = write("rule")
    assert len(load([file.parent, file, file.parent / "." / "rule.py"])) == 1


def test_companions_are_found_beside_the_rule(write):
    """What rules share stands in a file that begins with _; a segment made there is of whoever asks."""
    body = "return Segment(when=visit.within(days=7).count() >= n)"
    write("_shared", text=f"from segments.language import *\ndef often(n): {body}\n")
    folder = write("often", text="from _shared import often as make\noften = make(3)\n").parent
    assert [segment.id for segment in load([folder])] == ["often"]


def test_a_rule_outside_the_set_is_no_condition(write):
    """A shipped rule that is not loaded is asked for with its folder, rather than used in silence."""
    error = refused(write("lapsed", before="from segments.high_value import high_value", when="[high_value]"))
    assert error.origin.line == 2
    assert "no rule named high_value" in error.problem
    assert "SEGMENTS_RULES" in error.mend


def test_several_folders_make_one_set(write):
    """A rule may read one of another folder."""
    base = write("base", folder="one")
    write("reader", folder="two", before="from segments.base import base", when="[base]")
    assert [segment.id for segment in load([base.parent, base.parent.parent / "two"])] == ["base", "reader"]


def test_two_rules_with_one_name_are_refused(write):
    """The error names both files."""
    first, second = write("rule", folder="one"), write("rule", folder="two")
    error = refused(first.parent, second.parent)
    assert error.origin.file == str(second)
    assert str(first) in error.problem


def test_a_cycle_is_refused_by_name(write):
    """Rules that read each other have no order in which they could be told."""
    write("a", before="from b import b", when="[b]")
    write("b", before="from c import c", when="[c]")
    folder = write("c", before="from a import a", when="[a]").parent
    error = refused(folder)
    assert "A cycle is refused: a → b → c → a." in str(error)
    assert error.origin.file == str(folder / "c.py")


def test_a_cycle_made_by_hand_is_refused_too():
    """Segments are objects: who changes them can make one read itself."""
    namespace: dict[str, Segment] = {}
    exec(
        "from segments.language import *\na = Segment(when=consent('x'))\nb = Segment(when=[a], id='b')",
        namespace,
    )
    namespace["a"].when = namespace["b"]
    namespace["a"].id = "a"
    with pytest.raises(RuleError, match="A cycle is refused: a → b → a"):
        rules_of([namespace["a"], namespace["b"]])


@pytest.mark.parametrize("name", ["9lives", "two words", "class", "with-dash", "é" * 65, "language"])
def test_a_file_name_that_is_no_id_is_refused(write, name):
    """An id is a name in Python, of at most 128 bytes, and none of the program's own."""
    error = refused(write(name, text="").parent)
    assert error.origin.file.endswith(f"{name}.py")
    assert error.mend


def test_an_id_may_have_128_bytes(write):
    """The longest that is allowed."""
    name = "é" * 64
    assert load([write(name)])[0].id == name


@pytest.mark.parametrize(
    ("text", "line", "problem", "mend"),
    [
        ("x = 1\n", 1, "defines no segment of its own", "Write rule = Segment(...)."),
        (
            "from segments.language import *\n\nother = Segment(when=consent('x'))\n",
            3,
            "variable named other",
            "rule =",
        ),
        (
            "from segments.language import *\nrule = Segment(when=consent('x'))\nb = Segment(when=rule)\n",
            3,
            "defines 2 segments (rule, b)",
            "Move b to a file named b.py.",
        ),
        (
            "from segments.language import *\nrule = Segment(when=consent('x'), id='x')\n",
            2,
            "id='x'",
            "Leave id= out",
        ),
        (
            "from segments.language import *\n\nrule = Segment(when=\n",
            3,
            "Syntax error",
            "Python cannot read it",
        ),
        ("x = 1\nx.y.z\n", 2, "AttributeError", "up to this line"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit", "up to this line"),
        (
            "from segments.language import purchas\n",
            1,
            "cannot import name 'purchas'",
            "Did you mean purchase?",
        ),
        ("import no_such_module\n", 1, "No module named 'no_such_module'", "up to this line"),
        ("x = 1 / 0\n", 1, "ZeroDivisionError: division by zero.", "up to this line"),
    ],
)
def test_a_wrong_file_ends_in_file_line_and_mend(write, text, line, problem, mend):
    """Whatever is wrong with a rule file, its author is told where, what, and what to write."""
    file = write("rule", text=text)
    error = refused(file.parent)
    assert (error.origin.file, error.origin.line) == (str(file), line)
    assert problem in error.problem
    assert mend in error.mend


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x = 1\0\n"])
def test_a_file_that_is_no_text_is_refused(write, content):
    """Bytes that Python cannot read are an error of that file."""
    file = write("rule")
    file.write_bytes(content)
    assert refused(file).origin.file == str(file)


def test_all_that_is_wrong_is_told_at_once(write):
    """One error for each wrong file, once, though another file imports it."""
    write("first", text="x = 1\n")
    write("second", text="from segments.first import first\n")
    error = refused(write("third", text="(\n").parent)
    assert isinstance(error, RefusedRules)
    assert len(str(error).splitlines()) == 2


def test_a_path_that_is_no_rule_is_refused(tmp_path):
    """A folder that does not exist is not an empty rule set."""
    assert "does not exist" in refused(tmp_path / "nowhere").problem
    (tmp_path / "notes.txt").write_text("")
    assert "is no rule file" in refused(tmp_path / "notes.txt").problem
    assert load([tmp_path]) == ()


def test_a_segment_without_a_file_is_no_condition(write):
    """A segment within a rule would have no id of its own, and nobody could see who is in it."""
    error = refused(write("rule", when="[Segment(when=visit.within(days=1).count() >= 1)]"))
    assert "not among the rules loaded" in error.problem
