"""Deployments in a file of events: `replay`, `why --file` and the Python API follow them as a partition does."""

import base64
import json
import sys
from random import Random

import cramjam
import pytest

import segments
from segments.engine import Deployment, EngineSettings, Record, RuleSet, load
from segments.insight.plain import EventError
from segments.language import Segment, days, page_view
from segments.language.errors import SegmentsError
from streams.cli import main
from tests.kit.alone import assert_alone_as_whole, without_offset
from tests.kit.lives import by_customer
from tests.unit.driving import CLICK, DAY, HOUR, START

RULE = '''"""Who looked."""

from segments.language import Segment, page_view

{name} = Segment(
    en="Looked", nl="Keek", when=page_view.within(days={days}).count() >= {count},
    examples="""
    0d x{count} every 1m  page_view   {enters}
    """,
)
'''


@pytest.fixture
def folders(tmp_path):
    """Three folders of rules: one rule, the same with another number and a second one, and the second alone."""
    for place, rules in enumerate(({"seen": 1}, {"seen": 2, "once": 1}, {"once": 3})):
        folder = tmp_path / f"v{place}"
        folder.mkdir()
        for name, count in rules.items():
            text = RULE.format(name=name, days=7, count=count, enters="enters")
            (folder / f"{name}.py").write_text(text)
    return tmp_path


def line(at, customer=None, **fields):
    """A click, or a deployment if there is no customer."""
    time = segments.insight.plain.iso(START + at)
    if customer is None:
        return {"topic": "segment-deployments", "occurred_at": time} | fields
    click = {"topic": "clickstream", "event_id": f"{customer}{at}", "customer_id": customer}
    return click | {"occurred_at": time, "kind": "page_view"} | fields


def log(folders):
    """Clicks of two customers and three deployments among them."""
    return [
        line(0, deployment_id="d0", rules_from=str(folders / "v0")),
        line(HOUR, "anna"),
        line(2 * HOUR, deployment_id="d1", rules_from=str(folders / "v1")),
        line(3 * HOUR, "ben"),
        line(4 * HOUR, "anna"),
        line(4 * HOUR, deployment_id="d1", rules_from=str(folders / "v0")),
        line(5 * HOUR, deployment_id="x", group="others", rules_from="nowhere"),
        line(6 * HOUR, deployment_id="d2", rules_from=str(folders / "v2")),
        line(7 * HOUR, "anna"),
    ]


TOLD = [
    ("anna", "enter", "seen", "event", None),
    ("anna", "enter", "once", "rule_added", "d1"),
    ("anna", "exit", "seen", "rule_changed", "d1"),
    ("ben", "enter", "once", "event", None),
    ("anna", "enter", "seen", "event", None),
    ("anna", "exit", "once", "rule_changed", "d2"),
    ("anna", "exit", "seen", "rule_removed", "d2"),
    ("ben", "exit", "once", "rule_changed", "d2"),
    ("anna", "enter", "once", "event", None),
]
"""What comes of the log, with the deployment that is the cause of a flip."""


def command(monkeypatch, capsys, *arguments):
    """What a command prints on stdout and stderr, and its exit code."""
    monkeypatch.setattr(sys, "argv", ["segments", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    return shown.out, shown.err, ended.value.code


def written(path, lines):
    """A file of lines."""
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


def short(flips):
    """What matters of flips here."""
    return [
        (
            flip["customer_id"],
            flip["transition"],
            flip["segment"],
            flip["reason"],
            flip["cause"]["event_id"] if flip["reason"].startswith("rule_") else None,
        )
        for flip in flips
    ]


def test_a_file_begins_with_its_first_deployment(folders, monkeypatch, capsys):
    """Each takes over at its place and is the cause of its flips; a second of one id and other groups are passed over."""
    path = written(folders / "log", log(folders))
    out, err, code = command(monkeypatch, capsys, "replay", path)
    assert code == 0, err
    flips = [json.loads(each) for each in out.splitlines()]
    assert short(flips) == TOLD
    assert flips == [json.loads(json.dumps(each)) for each in segments.replay(log(folders))]
    out, err, code = command(monkeypatch, capsys, "replay", path, "--rules", folders / "v0")
    assert (code, "leave out --rules" in err) == (2, True)


def test_a_line_that_was_consumed_has_the_plan(folders, monkeypatch, capsys):
    """The plan as `consume` prints it, with its settings and `follows`, does what the folder does; in every partition."""
    lines, follows = [], None
    for each in log(folders):
        if each["topic"] == "clickstream" or "group" in each:
            lines.append(each)
            continue
        plan = load([each.pop("rules_from")]).data.to_bytes()
        packed = base64.b64encode(bytes(cramjam.zstd.compress(plan))).decode()
        more = {"group": "segments", "follows": follows, "kind": "rules", "plan": packed, "plan_format": 1}
        lines.append(each | more | {"settings": {"grace": 0, "currency": "EUR"}})
        follows = each["deployment_id"] if each["deployment_id"] != follows else follows
    path = written(folders / "log", lines)
    for options in ((), ("--partitions", 3)):
        out, err, code = command(monkeypatch, capsys, "replay", path, *options)
        assert code == 0, err
        assert sorted(short(map(json.loads, out.splitlines())), key=str) == sorted(TOLD, key=str)
    assert sorted(short(segments.replay(lines, partitions=3)), key=str) == sorted(TOLD, key=str)


IDLE_RULE = '''"""Who stays away."""

from segments.language import Segment, days, page_view

idle = Segment(
    en="Away", nl="Weg", when=page_view.within(days=30).idle >= days(2),
    examples="""
    0d   page_view
    2d   enters
    """,
)
'''


def busy(folders):
    """Three weeks of some customers who click often and many who seldom do, with three deployments among their clicks."""
    random = Random(19)
    (folders / "v1" / "idle.py").write_text(IDLE_RULE)
    places = {0: "v0", 7 * DAY: "v1", 14 * DAY: "v2"}
    lines = [
        (at, line(at, deployment_id=name, rules_from=str(folders / name))) for at, name in places.items()
    ]
    for _ in range(400):
        at = random.randrange(1, 21 * DAY)
        lines.append((at, line(at, f"c{int(40 * random.random() ** 3)}")))
    return [each for _, each in sorted(lines, key=lambda pair: pair[0])]


@pytest.mark.parametrize("partitions", [2, 3, 5])
def test_a_file_of_three_deployments_is_the_same_in_any_partitions(folders, monkeypatch, capsys, partitions):
    """Each customer flips alike, whoever shares the partition: by events, by time, by rules that come, change and go."""
    path, told = written(folders / "log", busy(folders)), []
    for count in (1, partitions):
        asked = (
            "replay",
            path,
            "--partitions",
            count,
            "--until",
            segments.insight.plain.iso(START + 25 * DAY),
        )
        out, err, code = command(monkeypatch, capsys, *asked)
        assert code == 0, err
        flips = [json.loads(each) for each in out.splitlines()]
        told.append({name: list(map(without_offset, own)) for name, own in by_customer(flips).items()})
    assert told[0] == told[1]
    reasons = {flip["reason"] for own in told[0].values() for flip in own}
    assert reasons == {"event", "timer", "rule_added", "rule_changed", "rule_removed"}


def test_why_of_a_file_follows_its_deployments(folders, monkeypatch, capsys):
    """The rules are those deployed at the instant asked about; a rule of files alone is no segment there."""
    path = written(folders / "log", log(folders))
    asked = ("why", "anna", "--json", "--file", path)
    found = json.loads(command(monkeypatch, capsys, *asked)[0])
    assert [(each["segment"], each["inside"]) for each in found["segments"]] == [("once", True)]
    until = segments.insight.plain.iso(START + 4 * HOUR)
    found = json.loads(command(monkeypatch, capsys, *asked, "--until", until)[0])
    assert [(each["segment"], each["inside"]) for each in found["segments"]] == [
        ("once", True),
        ("seen", True),
    ]
    assert command(monkeypatch, capsys, "why", "anna", "cart_abandoned", "--file", path)[2] == 1
    assert command(monkeypatch, capsys, *asked, "--rules", folders / "v0")[2] == 2
    assert segments.why(log(folders), None, "anna")["segments"][0]["inside"]


def seen(count, name="seen"):
    """Who looked so often in a week."""
    return Segment(id=name, when=page_view.within(days=7).count() >= count)


IDLE = Segment(id="idle", when=page_view.within(days=30).idle >= days(2))
SETS = [
    RuleSet([seen(1), IDLE]),
    RuleSet([seen(2), IDLE, seen(1, "once")]),
    RuleSet([seen(2), seen(3, "once")]),
]


def deployment(place, at, rules, settings):
    """The deployment at a place of the chain."""
    follows = f"d{place - 1}" if place else None
    return Deployment(place, START + at, f"d{place}", follows, START + at, "rules", rules, settings)


def clicked(offset, at, customer):
    """A click as a partition takes it in."""
    event = CLICK | {"event_id": f"e{offset}", "customer_id": customer, "occurred_at": START + at}
    return Record("clickstream", offset, START + at, customer.encode(), None, event | {"kind": "page_view"})


@pytest.mark.parametrize("seed", range(30))
def test_one_customer_alone_is_as_in_the_whole_log(seed):
    """Late clicks, another grace in each deployment, any instants: the flips and the answer of a customer are the same."""
    random = Random(seed)
    clicks, at = [], 0
    for offset in range(60):
        at += random.randrange(6 * HOUR)
        clicks.append(
            clicked(offset, max(0, at - random.randrange(2) * random.randrange(DAY)), random.choice("abc"))
        )
    places = [random.randrange(at) for _ in range(2)]
    graces = [EngineSettings(grace=random.choice([0, HOUR, DAY])) for _ in range(3)]
    deployments = [
        deployment(place, each, SETS[place - (place == seed % 2)], graces[place])
        for place, each in enumerate([0, *places])
    ]
    until = START + at + random.randrange(9 * DAY)
    assert_alone_as_whole({"clickstream": clicks}, graces[0], deployments, "abc", until)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "deployment_id: is missing"),
        ({"deployment_id": "a"}, "rules_from: is missing"),
        ({"deployment_id": "a", "rules_from": "nowhere"}, "there is no folder nowhere"),
        ({"deployment_id": "a", "rulesfrom": "x"}, "did you mean rules_from"),
        ({"deployment_id": "a", "rules_from": "x", "plan": "x"}, "not both"),
        ({"deployment_id": "a", "rules_from": "x", "settings": {"grace": "1s"}}, "settings.grace: expected"),
    ],
)
def test_a_wrong_line_is_told(fields, said):
    """What is missing, unknown, or of another type is named with what was expected."""
    with pytest.raises(EventError, match=said):
        segments.replay([line(0, **fields)])


def test_a_plan_that_cannot_be_read_stops_the_replay(folders):
    """As it stops a worker: what comes before it is applied, nothing after it."""
    lines = [*log(folders)[:2], line(2 * HOUR, deployment_id="bad", plan="AAAA"), line(3 * HOUR, "ben")]
    with pytest.raises(SegmentsError, match=r"deployment bad can't be read: its plan"):
        segments.replay(lines)
    with pytest.raises(SegmentsError, match="give a folder of rules"):
        segments.replay([line(HOUR, "anna")])
    with pytest.raises(SegmentsError, match="leave rules out"):
        segments.replay(log(folders), str(folders / "v0"))
