"""Files of events: late, out of order and refused records are told; of one customer the rest is only timed."""

import json
import random

import pytest

import segments
from segments.engine import EngineSettings, RuleSet
from segments.insight.alone import Alone
from segments.insight.replay import Replay
from segments.insight.why import why
from segments.language import Segment, any_event, cart_add, hours, purchase, visit
from streams.history.files import latest, out_of_order, read_log, read_one
from streams.history.lines import LineError
from tests.unit.driving import DAY, HOUR, START

RULES = (
    Segment(id="cart", when=cart_add.since(purchase).within(days=30).idle >= hours(1)),
    Segment(id="three", when=visit.since(purchase).within(days=7).count() >= 3),
    Segment(
        id="spender",
        when=purchase.within(days=30).sum(purchase.amount) >= 100,
        until=any_event.within(days=30).count() == 0,
    ),
)
RULE = '''"""A rule."""
from segments.language import *

cart = Segment(when=cart_add.since(purchase).within(days=30).idle >= hours(1))
'''


def click(customer, at, kind="page_view", **more):
    """A click as a JSON line has it; `at` in milliseconds after the start."""
    head = {"topic": "clickstream", "event_id": f"{customer}{at}{kind}", "customer_id": customer}
    return head | {"occurred_at": at if isinstance(at, str) else START + at, "kind": kind} | more


def bought(customer, at, amount="60.00"):
    """A purchase."""
    head = {"topic": "transactions", "event_id": f"{customer}{at}", "customer_id": customer}
    return head | {
        "occurred_at": START + at, "kind": "purchase", "order_id": f"o{at}", "amount": amount, "currency": "EUR",
    }  # fmt: skip


def erased(customer, at):
    """An erasure."""
    return {"topic": "profiles", "customer_id": customer, "erase": True, "timestamp": START + at}


@pytest.fixture
def log(tmp_path):
    """Writes events to a file, and opens it anew each time."""

    def written(*events):
        file = tmp_path / "log.jsonl"
        file.write_text("".join(json.dumps(event) + "\n" for event in events))
        return file

    return written


def by_chance(seed, *, late):
    """Events of a few customers over a month, a part of them out of order."""
    chance = random.Random(seed)
    events = []
    for number in range(400):
        at = (
            number * 2 * HOUR
            + chance.randrange(HOUR)
            - (chance.randrange(5 * DAY) if late and number % 3 else 0)
        )
        customer = f"c{chance.randrange(8)}"
        kind = chance.choice(
            ("page_view", "page_view", "cart_add", "bought", "erased" if number % 40 == 0 else "login")
        )
        made = {"bought": bought, "erased": erased}.get(kind)
        events.append(made(customer, max(at, 0)) if made else click(customer, max(at, 0), kind))
    return events


@pytest.mark.parametrize("partitions", [None, 3])
@pytest.mark.parametrize("late", [False, True], ids=["in_order", "late"])
@pytest.mark.parametrize("seed", range(4))
def test_one_customer_alone_is_as_in_the_whole_log(log, seed, late, partitions):
    """Membership, evidence and instants: the lines of others only move the clock and keep the order."""
    file, rules, settings = log(*by_chance(seed, late=late)), RuleSet(RULES), EngineSettings()
    with file.open("rb") as lines:
        logs = read_log([lines], partitions)
    wholes = {number: Replay(number, len(logs), each, rules, settings) for number, each in logs.items()}
    for whole in wholes.values():
        assert list(whole.run(latest(logs)))
    inside = 0
    for customer in (f"c{number}" for number in range(8)):
        with file.open("rb") as lines:
            found = read_one([lines], customer, partitions)
        alone = Alone(found.number, len(logs), rules, settings)
        assert sum(len(each.segment_events) for each in alone.run(found.log, found.latest)) > 0
        told = why(alone.partition, customer, None, found.latest)
        assert told == why(wholes[found.number].partition, customer, None, latest(logs))
        inside += sum(each["inside"] for each in told["segments"])
    assert inside > 0
    assert (out_of_order(logs) > 50) is late


def test_of_other_customers_only_the_times_are_read(log):
    """Their fields are not checked and nothing is kept of them; what no clock takes is left out."""
    events = [click(f"c{number % 50}", number * 1_000) for number in range(500)]
    others = [
        click("bert", 600_000, pge="/"),
        click("bert", 900_000, timestamp=START),  # from the future
        click("bert", "never"),
        erased("bert", 950_000),
    ]
    with log(*events, *others).open("rb") as lines:
        found = read_one([lines], "c7")
    moments = found.log["clickstream"]
    assert [moment.record.key for moment in moments if moment.record is not None] == [b"c7"] * 10
    assert (len(moments), found.latest) == (501, START + 600_000)
    assert [moment.record for moment in found.log["profiles"]] == [None]


def test_a_log_grouped_by_customer_is_told_and_sorted(run, log, tmp_path):
    """How many lines are out of order and how many events were late; --sort gives the flips of the log in order."""
    (tmp_path / "cart.py").write_text(RULE)
    grouped = [
        *(click("anna", hour * HOUR, "cart_add") for hour in (0, 30, 31)),
        *(bought("anna", hour * HOUR) for hour in (29, 60)),
        *(click("bert", hour * HOUR, "cart_add") for hour in (2, 40)),
    ]
    arguments = ("--rules", str(tmp_path / "cart.py"), "--until", str(START + 70 * HOUR))
    told = run("replay", str(log(*grouped)), *arguments)
    assert "out of order: 1 line is earlier than one before in the same topic; --sort" in told.stderr
    in_order = run("replay", str(log(*sorted(grouped, key=lambda each: each["occurred_at"]))), *arguments)
    assert "out of order" not in in_order.stderr
    assert "late" not in in_order.stderr
    flips = sorted(in_order.stdout.splitlines())
    by_offset = [{**json.loads(flip), "cause": None} for flip in flips]
    again = run("replay", "--sort", str(log(*reversed(grouped))), *arguments)
    assert [{**json.loads(flip), "cause": None} for flip in sorted(again.stdout.splitlines())] == by_offset
    assert len(flips) == 7
    backwards = run("replay", str(log(*reversed(grouped))), *arguments)
    assert "late: 4 of 7 events came after a later one of their customer" in backwards.stderr


def test_refusals_are_told_once_for_each_reason(run, log, tmp_path):
    """With the first record and its error, in `replay`, `try` and `why --file` alike; Python gets one warning for each."""
    (tmp_path / "cart.py").write_text(RULE)
    bad = [click("anna", hour, "cart_add", pge="/") for hour in range(3)]
    wrong = [click("x" * 200, hour) for hour in range(2)]
    file = str(log(*bad, *wrong, click("anna", HOUR)))
    env = {"SEGMENTS_RULES": str(tmp_path)}
    for told in (
        run("replay", file, env=env).stderr,
        run("try", "cart", "--file", file, env=env).stdout,
    ):
        assert told.count("refused: clickstream offset 0: undecodable: ") == 1
        assert "(and 2 more undecodable)" in told
        assert told.count("refused: clickstream offset 3: invalid_id: ") == 1
    told = run("why", "anna", "cart", "--file", file, env=env).stderr
    assert "(and 2 more undecodable)" in told
    found = json.loads(run("try", "cart", "--file", file, "--json", env=env).stdout)["history"]
    assert found["refused"] == {"invalid_id": 2, "undecodable": 3}
    assert set(found["refused_examples"]) == {"invalid_id", "undecodable"}
    with pytest.warns(UserWarning, match="2 refused, invalid_id"):
        segments.replay(wrong, RULES[0])


def test_try_why_and_replay_agree_on_the_instant(run, log, tmp_path):
    """By default that of the last event; `replay` says how much earlier its clock is, and agrees when told the instant."""
    (tmp_path / "cart.py").write_text(RULE)
    file = str(log(click("anna", 0, "cart_add"), click("bert", HOUR)))
    env, end = {"SEGMENTS_RULES": str(tmp_path)}, "2026-01-01T01:00:00.000Z"
    found = json.loads(run("try", "cart", "--file", file, "--json", env=env).stdout)
    told = json.loads(run("why", "anna", "cart", "--file", file, "--json", env=env).stdout)
    assert found["now"] == told["clock"] == end
    assert (found["members"], told["segments"][0]["inside"]) == (1, True)
    early = run("replay", file, env=env)
    assert early.stdout == ""
    assert "as of 2026-01-01T00:59:58.000Z, 2000 ms before the last event (SEGMENTS_GRACE)" in early.stderr
    until = run("replay", file, "--until", end, env=env)
    assert f"as of {end}" in until.stderr
    assert [json.loads(line)["transition"] for line in until.stdout.splitlines()] == ["enter"]


def test_python_says_what_came_late(capsys):
    """On stderr, with the mend; sorted, nothing is late."""
    events = [click("anna", hour * HOUR, "cart_add") for hour in (3, 0)]
    segments.replay(events, RULES[0])
    assert "late: 1 of 2 events" in (said := capsys.readouterr().err)
    assert "sort=True" in said
    in_order = segments.replay(events, RULES[0], START + 5 * HOUR, sort=True)
    assert capsys.readouterr().err == ""
    assert [flip["occurred_at"][11:13] for flip in in_order] == ["01", "03", "04"]


def test_a_line_that_no_topic_has_ends_it(log):
    """Whosever it is: a file that can't be read is no answer."""
    file = log(click("bert", 0) | {"topic": "clicks"})
    with file.open("rb") as lines, pytest.raises(LineError, match="topic: expected"):
        read_one([lines], "anna")
