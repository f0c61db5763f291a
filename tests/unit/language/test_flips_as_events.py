"""`entered` and `left`: the flips of a segment as events for the rules that read them."""

import pytest

from segments.insight.proving import engine, failures
from segments.language import RuleError, Segment, any_event, days, entered, left, not_, page_view, purchase
from segments.language.checking.lint import lint
from segments.language.loading.load import load, rules_of
from segments.language.nodes.order import in_order
from segments.language.nodes.text import leaf_text
from segments.plan.planner import plan
from segments.plan.version import version
from tests.properties.comparing import differences
from tests.properties.drive import whole
from tests.properties.model import World
from tests.properties.records import DAY, HOUR, click, transaction
from tests.properties.stories import Example, Phase

SEEN = page_view.within(days=1).count() >= 1
READ = Segment(id="seen", when=SEEN)


def agreed(rules, *arrivals, changes=None, limit=10_000):
    """Segment, transition and instant of each flip, as engine and oracle both say."""
    example = Example(
        tuple(rules), 0, tuple(Phase((each,), None) for each in arrivals), changes or {}, limit=limit
    )
    world = World(example)
    expected, worker = world.run(), whole(example)
    if limit == 10_000:
        assert differences(example, expected, worker, world.unsaid) == []
    start = click(0, "login").time
    flips = [
        (flip["segment"], flip["transition"], flip["occurred_at"] - start)
        for flip in worker.output.flips["ann"]
    ]
    return flips, worker


@pytest.mark.parametrize(
    ("when", "examples"),
    [
        (
            entered(READ).within(days=3).count() >= 2,
            """
            0d   page_view
            1d   page_view                # within the stay: no enter
            3d   page_view
            4d   page_view                # still in it
            5d
            5d 1h  page_view   enters     # the one of 3d and this one
            6d   leaves
            """,
        ),
        (
            left(READ).within(days=2).count() >= 1,
            """
            0d   page_view
            1d   enters                   # with the exit, in the same evaluation
            3d   leaves
            """,
        ),
        (
            [purchase.since(left(READ)).within(days=9).count() >= 1, not_(SEEN)],
            """
            0d   page_view
            1h   purchase
            2d   purchase    enters
            3d   page_view   leaves
            """,
        ),
        (
            purchase.after(entered(READ), days=1).within(days=2).count() >= 1,
            """
            0d   page_view
            0d   purchase
            1h   purchase    enters
            2d 1h   leaves
            3d   purchase
            """,
        ),
        (
            entered(READ).where(entered(READ).day == "2026-01-02").within(days=2).count() >= 1,
            """
            0d   page_view
            1d 1h   page_view   enters
            3d 1h   leaves
            """,
        ),
    ],
    ids=["entered", "left", "since", "after", "where"],
)
def test_stories_of_rules_that_read_flips(when, examples):
    """Seen in the same evaluation, at its instant, as any other event after it."""
    assert failures(Segment(id="rule", when=when, examples=examples), engine) == []


def test_a_change_of_rules_is_no_event():
    """What flips since a rule is new or another one entered nobody."""
    reader = Segment(id="reader", when=entered(READ).within(days=3).count() >= 1)
    wide = Segment(id="wide", when=any_event.within(days=9).count() >= 1)
    flips, _ = agreed(
        [wide],
        click(0, "page_view"),
        click(HOUR, "login", "zoe"),
        click(2 * DAY, "page_view"),
        click(9 * DAY, "login", "zoe"),
        changes={2: (wide, READ, reader)},
    )
    assert [each for each in flips if each[0] == "reader"] == [
        ("reader", "enter", 2 * DAY),
        ("reader", "exit", 5 * DAY),
    ]
    views = page_view.within(days=3).count()
    few, many = (Segment(id="seen", when=views >= least) for least in (1, 2))
    readers = [Segment(id="reader", when=entered(each).within(days=3).count() >= 1) for each in (many, few)]
    flips, _ = agreed(
        [many, readers[0]],
        click(0, "page_view"),
        click(HOUR, "login", "zoe"),
        click(9 * DAY, "login", "zoe"),
        changes={2: (few, readers[1])},
    )
    assert flips == [("seen", "enter", HOUR), ("seen", "exit", 3 * DAY)]


def test_late_events_leave_what_flipped():
    """The exit by a late purchase is an event; the enter before it stays one."""
    read = Segment(id="seen", when=page_view.since(purchase).within(days=1).count() >= 1)
    reader = Segment(id="reader", when=entered(read).within(days=3).count() >= 1)
    flips, _ = agreed(
        [read, reader], click(HOUR, "page_view"), transaction(2 * HOUR), click(9 * DAY, "login", "zoe")
    )
    assert ("reader", "exit", 3 * DAY + HOUR) in flips
    assert ("seen", "exit", 2 * HOUR) in flips


def test_flips_are_entries_of_the_limit_and_never_refused():
    """Two that are remembered leave no room for a record; they themselves come in all the same."""
    reader = Segment(id="reader", when=entered(READ).within(days=30).age >= days(20))
    arrivals = [click(0, "page_view"), click(3 * DAY, "page_view"), click(6 * DAY, "page_view")]
    _, worker = agreed([READ, reader], *arrivals, limit=2)
    assert [letter[2] for letter in worker.letters] == ["customer_limit"]
    _, worker = agreed([READ], *arrivals, limit=2)
    assert worker.letters == []


def test_cycles_are_refused(tmp_path):
    """Reading one's own flips, over others too."""
    first = Segment(id="first", when=SEEN)
    second = Segment(id="second", when=entered(first).within(days=1).count() >= 1)
    first.when = left(second).within(days=1).count() >= 1
    with pytest.raises(RuleError, match="A cycle is refused: first → second → first"):
        in_order([first, second])
    (tmp_path / "one.py").write_text(
        "from segments.language import Segment, entered\nfrom segments.two import two\n"
        "one = Segment(when=entered(two).within(days=1).count() >= 1)\n"
    )
    (tmp_path / "two.py").write_text(
        "from segments.language import Segment, entered\nfrom segments.one import one\n"
        "two = Segment(when=entered(one).within(days=1).count() >= 1)\n"
    )
    with pytest.raises(RuleError):
        load([tmp_path])


def test_what_is_read_is_part_of_a_rule():
    """It is loaded with it, its meaning is in the version, and its span in what must be remembered."""
    reader = Segment(id="reader", when=entered(READ).within(days=3).count() >= 1)
    assert in_order([reader]) == [READ, reader]
    with pytest.raises(RuleError, match="not among the rules loaded"):
        rules_of([reader])
    other = Segment(id="seen", when=page_view.within(days=2).count() >= 1)
    assert version(reader) != version(Segment(id="reader", when=entered(other).within(days=3).count() >= 1))
    assert plan([reader, READ]).retention == 4 * DAY
    assert leaf_text(reader.when) == "entered(seen).within(days=3).count()"
    assert not [each for each in lint([reader]) if each.blocking]


@pytest.mark.parametrize("flips", [entered, left])
def test_flips_are_of_a_segment(flips):
    """Anything else is told what to write; their fields are few."""
    with pytest.raises(RuleError, match="a segment was expected"):
        flips("high_value")
    with pytest.raises(RuleError, match="no field or measure named 'channel'"):
        _ = flips(READ).channel
    assert str(flips(READ).value) == f"{flips.__name__}(seen).value"
