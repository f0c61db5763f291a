"""`segments.replay`: plain values in, plain values out, and the same as the command."""

import doctest
import json
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import schemas
import segments
from schemas import records, tables
from segments.engine import load
from segments.insight.plain import FIELDS, EventError, event_of
from segments.language import Segment, any_of, consent, event, profile, purchase, visit
from segments.language.catalogue import IDENTITIES, TOPICS, Type
from segments.language.errors import RuleError, SegmentsError
from segments.language.nodes.text import rule_text

pytestmark = pytest.mark.timeout(120)

RULES = Path(segments.__file__).parent
EXAMPLES = tables.examples()
SPENDER = Segment(id="spender", when=purchase.within(days=30).sum(purchase.amount) >= 100)
BASE = {"customer_id": "anna", "event_id": "e1", "occurred_at": "2026-11-20T09:00:00Z"}
CLICK = BASE | {"topic": "clickstream", "kind": "page_view"}
BUY = BASE | {
    "topic": "transactions",
    "kind": "purchase",
    "order_id": "o",
    "amount": "150",
    "currency": "EUR",
}
PROFILE = BASE | {"topic": "profiles"}
MAY_BE_LEFT_OUT = (Type.TEXTS, Type.VALUES, Type.TRUTHS, Type.LISTS, Type.LINES)
"""Maps and lists."""


def test_the_docstring_is_true():
    """Its example gives what it shows."""
    outcome = doctest.testmod(segments)
    assert (outcome.attempted > 3, outcome.failed) == (True, 0)


def test_the_engine_is_loaded_when_it_is_asked_for():
    """Whoever imports the package for the language, or for nothing, does not wait for the engine; nor for Kafka."""
    code = "import sys, segments; print('segments.engine' in sys.modules); segments.replay([], []); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, after = done.stdout.splitlines()
    assert first == "False"
    assert {"segments.engine"} <= set(after.split())
    assert not {"faust", "kafka", "schemas", "streams", "fastavro"} & set(after.split())


def story():
    """Lines of a log: a few customers of every kind, late and duplicate events, an erasure."""
    kinds = ("page_view", "product_view", "cart_add", "checkout", "email_open")
    lines = []
    for number in range(300):
        day, customer = number * 3_600_000, f"c{number % 7}"
        at = 1_767_225_600_000 + day * 5 - (day if number % 11 == 0 else 0)
        if number % 5 == 0:
            item = {"product_id": f"p{number % 3}", "quantity": 1, "price": "80.00"}
            line = BUY | {"amount": "160.50", "items": [item, item]}
        elif number % 31 == 0:
            line = PROFILE | {"attributes": {"country": "NL", "age": 31}, "consents": {"marketing": True}}
        else:
            line = CLICK | {"kind": kinds[number % 5], "product_id": f"p{number % 3}", "category": "shoes"}
        lines.append(
            line | {"customer_id": customer, "event_id": f"e{number - number % 2}", "occurred_at": at}
        )
    erased = {
        "topic": "profiles",
        "customer_id": "c3",
        "erase": True,
        "occurred_at": lines[-1]["occurred_at"],
    }
    return [*lines, erased]


@pytest.mark.parametrize("partitions", [None, 3])
def test_it_gives_what_the_command_prints(run, tmp_path, partitions):
    """The same log through `segments replay` and through `segments.replay`: line by line the same."""
    file, until = tmp_path / "log.jsonl", "2027-06-01T00:00:00.000Z"
    file.write_text("".join(json.dumps(line) + "\n" for line in story()))
    more = () if partitions is None else ("--partitions", str(partitions))
    done = run("replay", str(file), "--until", until, *more)
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(printed) > 50
    assert {"timer", "event", "erasure"} <= {flip["reason"] for flip in printed}
    assert segments.replay(story(), RULES, until, partitions=partitions) == printed


def test_the_fields_are_those_of_the_schemas():
    """Each topic has the fields of its Avro record, and an event comes out as `schemas` reads it."""
    for topic in (*TOPICS, IDENTITIES):
        name, fields = topic.record, FIELDS[topic.name]
        assert list(fields) == [each["name"] for each in records.schema(name)["fields"]]
        example = EXAMPLES[name]
        assert event_of(topic.name, example) == schemas.from_json(name, example)
        needed = {
            each.name for each in topic.fields if not each.optional and each.type not in MAY_BE_LEFT_OUT
        }
        least = {key: value for key, value in example.items() if key in needed}
        assert event_of(topic.name, least) == schemas.from_json(name, least)


@pytest.mark.parametrize("amount", ["150", "150.00", 150, 150.0, Decimal(150)])
@pytest.mark.parametrize(
    "at",
    [
        "2026-11-20T09:00:00Z",
        "2026-11-20T10:00:00.000+01:00",
        1_795_165_200_000,
        datetime(2026, 11, 20, 9, tzinfo=UTC),
    ],
)
def test_values_as_python_has_them(at, amount):
    """Instants are texts, datetimes or milliseconds; amounts texts, Decimals or numbers."""
    [flip] = segments.replay([BUY | {"occurred_at": at, "amount": amount}], SPENDER)
    assert (flip["occurred_at"], flip["transition"]) == ("2026-11-20T09:00:00.000Z", "enter")
    assert flip["evidence"][0]["value"] == "150.00"
    assert flip["emitted_at"] == flip["occurred_at"]
    assert flip["valid_until"] == "2026-12-20T09:00:00.000Z"


def test_rules_may_be_files_folders_segments_or_loaded():
    """Whatever names rules will do; segments made here bring those that they read."""
    events = [BUY | {"event_id": f"e{n}"} for n in range(4)]
    file = RULES / "high_value.py"
    for rules in (file, str(file), [file], load([file])):
        assert [flip["segment"] for flip in segments.replay(events, rules)] == ["high_value"]
    reader = Segment(id="reader", when=[SPENDER, visit.within(days=1).count() == 0])
    for rules in (reader, [reader, SPENDER], (SPENDER, reader)):
        assert [flip["segment"] for flip in segments.replay(events, rules)] == ["reader", "spender"]


def test_settings_matter():
    """The currency that counts as money, and what a customer may occupy."""
    assert segments.replay([BUY], SPENDER, currency="USD") == []
    many = [CLICK | {"event_id": f"e{n}"} for n in range(5)]
    with pytest.warns(UserWarning, match="3 refused, customer_limit"):
        segments.replay(many, SPENDER, customer_limit=2)


def test_until():
    """Later events are not read, and what is due up to and including it fires."""
    assert segments.replay([BUY], SPENDER, until="2026-11-20T08:59:59.999Z") == []
    flips = segments.replay([BUY], SPENDER, until=datetime(2026, 12, 20, 9, tzinfo=UTC))
    assert [flip["transition"] for flip in flips] == ["enter", "exit"]
    assert len(segments.replay([BUY], SPENDER, until="2026-12-20T08:59:59.999Z")) == 1


def test_rows_of_a_table():
    """Where a row of a table has nothing (None, NaN), a field that may be missing is missing."""
    rule = Segment(id="r", when=any_of(event("own").within(days=1).count() >= 1, profile("age") > 30))
    row = CLICK | {"kind": "own", "page": float("nan"), "category": None}
    assert len(segments.replay([row], rule)) == 1


def test_a_record_that_a_worker_refuses_is_warned_of():
    """It would be a dead letter; the others go on."""
    wrong = CLICK | {"timestamp": "2026-11-20T08:00:00Z", "event_id": "future"}
    with pytest.warns(UserWarning, match="1 refused, from_the_future"):
        flips = segments.replay([wrong, BUY], SPENDER)
    assert len(flips) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segments.replay([BUY], SPENDER)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"topic": "clicks"}, "event 1: topic: expected clickstream"),
        ({"pge": "/"}, "event 1: pge: clickstream has no such field; did you mean page?"),
        ({"occurred_at": "yesterday"}, "event 1: occurred_at: expected a text such as"),
        ({"occurred_at": datetime(2026, 11, 20)}, "a datetime with its time zone"),  # noqa: DTZ001
        ({"occurred_at": "2026-11-20T09:00:00.0001Z"}, "expected whole milliseconds"),
        ({"page": 7}, "event 1: page: expected a text, got 7"),
        ({"attributes": {"a": 1}}, "event 1: attributes.a: expected a text"),
        ({"partition": 0}, "partitions="),
        ({"offset": -1}, "event 1: offset: expected 1 or more"),
    ],
)
def test_a_wrong_event(change, words):
    """Which event, which field, what was expected and what came."""
    with pytest.raises(EventError) as caught:
        segments.replay([CLICK, CLICK | change], SPENDER)
    assert words in str(caught.value)


@pytest.mark.parametrize("amount", ["1,50", "1.505", True, None, float("inf"), "NaN"])
def test_a_wrong_amount(amount):
    """Money has two decimals at most."""
    with pytest.raises(EventError, match="event 0: amount: expected an amount"):
        segments.replay([BUY | {"amount": amount}], SPENDER)


def test_a_field_that_is_missing():
    """It is named, inside items too."""
    with pytest.raises(EventError, match=r"event 0: items\[0\]\.product_id: is missing"):
        segments.replay([BUY | {"items": [{"quantity": 1, "price": 1}]}], SPENDER)
    with pytest.raises(EventError, match="an erasure has no time of its own"):
        segments.replay([{"topic": "profiles", "customer_id": "anna", "erase": True}], SPENDER)


def test_wrong_rules():
    """A rule that a worker would refuse is refused here too."""
    with pytest.raises(RuleError, match="has no within"):
        segments.replay([], Segment(id="endless", when=purchase.count() >= 1))
    with pytest.raises(SegmentsError, match="came both"):
        segments.replay([], [SPENDER, RULES / "high_value.py"])
    with pytest.raises(RuleError, match="does not exist"):
        segments.replay([], "nowhere")


STRANGE = "x\"y'\\n{0}\\\n\r\u2028é"


@pytest.mark.parametrize(
    "when",
    [
        event(STRANGE).within(days=1).count() >= 1,
        event("own").where(event("own").attributes[STRANGE] == STRANGE).within(days=1).count() >= 1,
        event("own").by(event("own").attributes[STRANGE]).within(days=1).count() >= 1,
        profile(STRANGE) == STRANGE,
        consent(STRANGE),
    ],
)
def test_names_may_be_of_any_characters(when):
    """Quotes, line breaks and braces in a kind, an attribute or a bound are what they are, in the text of the rule too."""
    own = {"topic": "clickstream", "attributes": {STRANGE: STRANGE}} | BASE
    lines = [own | {"event_id": kind, "kind": kind} for kind in ("own", STRANGE)]
    lines.append(PROFILE | {"attributes": {STRANGE: STRANGE}, "consents": {STRANGE: True}})
    rule = Segment(id="strange", when=when)
    assert [flip["transition"] for flip in segments.replay(lines, rule)] == ["enter"]
    text = rule_text(rule.when)
    assert "\n" not in text
    names = {"event": event, "profile": profile, "consent": consent}
    assert rule_text(Segment(id="again", when=eval(text, names)).when) == text


def test_an_id_is_on_one_line():
    """It is shown on terminals, and is a header of the records."""
    with pytest.raises(RuleError, match="without control characters"):
        Segment(id="a\nb", when=profile("country") == "NL")


def test_two_segments_of_one_id_are_an_error():
    """Neither is dropped in silence, whether both are given or one is read by another."""
    other = Segment(id="spender", when=visit.within(days=1).count() >= 1)
    reader = Segment(id="reader", when=other)
    for given in ([SPENDER, other], [other, SPENDER], [SPENDER, reader], [reader, SPENDER]):
        with pytest.raises(RuleError, match="two rules named spender") as refused:
            segments.replay([], given)
        assert "id=" in refused.value.mend
    assert segments.replay([], [SPENDER, SPENDER]) == []


def test_the_notebook_of_the_readme(tmp_path, monkeypatch, capsys):
    """What segments/README.md shows runs as it stands, where there is a log."""
    [shown] = [
        each
        for each in (RULES / "README.md").read_text().split("```")
        if each.startswith("python\nimport json")
    ]
    (tmp_path / "segments").symlink_to(RULES)
    (tmp_path / "log.jsonl").write_text(
        "".join(json.dumps(BUY | {"event_id": f"e{n}"}) + "\n" for n in range(4))
    )
    monkeypatch.chdir(tmp_path)
    exec(shown.removeprefix("python"), {})
    assert capsys.readouterr().out == "Counter({('2026-11-20', 'enter'): 1})\n"


def test_why_gives_what_the_command_prints(tmp_path, run):
    """The same answer, times as texts, as of the last event or of an instant."""
    (tmp_path / "spender.py").write_text(
        "from segments.language import *\n"
        "spender = Segment(when=purchase.within(days=30).sum(purchase.amount) >= 100)\n"
    )
    lines = [BUY, CLICK | {"event_id": "e2", "occurred_at": "2026-11-21T09:00:00Z", "customer_id": "bert"}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for until in (None, "2026-12-25T00:00:00.000Z"):
        when = ("--until", until) if until else ()
        done = run(
            "why", "anna", "--json", "--file", str(tmp_path / "log.jsonl"), "--rules", str(tmp_path), *when
        )
        found = segments.why(lines, tmp_path, "anna", until=until)
        assert found == json.loads(done.stdout)
        assert found["clock"] == (until or "2026-11-21T09:00:00.000Z")
    assert segments.why(lines, SPENDER, "anna", "spender")["segments"][0]["inside"]
    with pytest.raises(SegmentsError, match="There is no segment spenders: there are spender"):
        segments.why(lines, SPENDER, "anna", "spenders")


def test_lint_gives_findings_as_plain_values(tmp_path):
    """Of segments and of files; a file that can't be read is a finding too, and a good rule has none."""
    endless = Segment(id="endless", en="x", nl="x", when=purchase.count() >= 1)
    [found] = [each for each in segments.lint(endless) if each["refused"]]
    assert (found["rule"], found["file"]) == ("endless", __file__)
    assert "has no within" in found["problem"]
    assert found["mend"].startswith("Say how far back it looks")
    (tmp_path / "broken.py").write_text("from segments.language import *\nbroken = Segment(when=visit >= )\n")
    [found] = segments.lint(tmp_path)
    assert (found["rule"], found["line"], found["refused"]) == ("", 2, True)
    assert segments.lint(RULES / "high_value.py") == []


def test_a_segment_has_no_measures_and_says_what_has():
    """Its enters are events; Python still takes the error for a missing name."""
    assert not hasattr(SPENDER, "within")
    with pytest.raises(RuleError, match=r"A segment has no 'within'\. .*entered\(high_value\)\.within"):
        _ = SPENDER.within
