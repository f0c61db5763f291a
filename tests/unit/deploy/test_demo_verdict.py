"""The demo's verdict: what it takes for a failure, and how it says so."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import schemas
from deploy.demo.cluster import RULES
from deploy.demo.compare import Comparison, by_customer, compare
from deploy.demo.figures import Figures, percentile
from deploy.demo.live import ANNOUNCED, Announced, script, sent
from deploy.demo.log import Flip
from deploy.demo.performance import Live
from deploy.demo.screen import Screen, duration
from streams.cli.replay import command as replay

EQUAL = Comparison(workers=2, replay=2, difference=None)


def flip(customer: str, sequence: int, **changes: Any) -> dict[str, Any]:
    """A segment event in engine form."""
    return {
        "event_id": f"{customer}-{sequence}",
        "customer_id": customer,
        "segment": "high_value",
        "segment_version": "1",
        "transition": "enter" if sequence % 2 else "exit",
        "occurred_at": 1_000 * sequence,
        "emitted_at": 5_000,
        "sequence": sequence,
        "episode": 1,
        "reason": "timer",
        "cause": None,
        "evidence": [],
        "valid_until": None,
        "value": None,
        "details": {},
        "arm": None,
        **changes,
    }


def figures(**changes: Any) -> Figures:
    """Figures of a demo in which one rule did its work and nothing failed."""
    good: dict[str, Any] = {
        "rules": ("high_value",),
        "customers": 1,
        "events": 2,
        "history": Counter({("high_value", "enter"): 1}),
        "live": Counter({("high_value", "exit"): 1}),
        "comparison": EQUAL,
        "missing": (),
        "event_latencies": [],
        "timer_latencies": [],
    }
    return Figures(**good | changes)


def test_the_same_flips_are_equal_whenever_they_were_emitted() -> None:
    """`emitted_at` and the order of customers among each other don't count."""
    workers = by_customer([flip("b", 1), flip("a", 1), flip("a", 2)])
    replay = by_customer([flip("a", 1, emitted_at=7), flip("a", 2), flip("b", 1)])
    assert compare(workers, replay) == Comparison(workers=3, replay=3, difference=None)


def test_a_flip_that_differs_is_told() -> None:
    """One field of one flip is enough, and the message has customer, place and both sides."""
    told = compare(by_customer([flip("a", 1)]), by_customer([flip("a", 1, occurred_at=1_001)]))
    assert not told.equal
    assert told.difference is not None
    assert told.difference.startswith("a, flip 1: the workers say {")
    assert "00:00:01.000Z" in told.difference
    assert "00:00:01.001Z" in told.difference


def test_a_flip_that_is_lost_doubled_or_out_of_order_is_told() -> None:
    """Each customer's flips must be the same, as often, in the same order."""
    replay = by_customer([flip("a", 1), flip("a", 2)])
    for wrong in (
        [flip("a", 1)],
        [flip("a", 1), flip("a", 2), flip("a", 2)],
        [flip("a", 2), flip("a", 1)],
        [],
    ):
        assert not compare(by_customer(wrong), replay).equal


def test_nothing_failed() -> None:
    """A rule entered in the history and left live has done its work."""
    assert figures().failures() == []


def test_a_rule_that_nobody_left_is_a_failure() -> None:
    """As is one that nobody entered; the message names it."""
    assert figures(live=Counter()).failures() == ["nobody ever left high_value"]
    assert figures(rules=("high_value", "returner")).failures() == [
        "nobody ever entered returner",
        "nobody ever left returner",
    ]


def test_flips_unlike_those_of_replay_are_a_failure() -> None:
    """So is a promised flip that did not come."""
    assert figures(comparison=Comparison(1, 2, "a differs")).failures() == ["a differs"]
    missing = (Announced("live-anna", "high_value", "enter"),)
    assert figures(missing=missing).failures() == ["live-anna was to enter high_value, and did not"]


def test_what_the_script_promises_is_missed_until_it_came() -> None:
    """Each flip that is read strikes one promise out, and only that one."""
    act = Live(Screen(), started_at=0)
    assert tuple(act.missing()) == ANNOUNCED
    first = ANNOUNCED[0]
    record = flip(first.customer, 1, segment=first.segment, transition=first.transition)
    act.told(Flip(record, seen_at=2_000))
    assert tuple(act.missing()) == ANNOUNCED[1:]


def test_every_customer_who_is_promised_something_is_in_the_script() -> None:
    """And each step lies within the act."""
    steps = script(60_000)
    devices = {step.customer for step in steps if step.line["topic"] == "identities"}
    assert {promise.customer for promise in ANNOUNCED} | devices == {step.customer for step in steps}
    assert all(0 <= step.at < 0.9 for step in steps)
    assert [step.at for step in steps] == sorted(step.at for step in steps)


def test_visits_without_a_name_count_once_somebody_has_logged_in(tmp_path: Path) -> None:
    """By replay of the script: two visits of a device, a login, and the third visit enters the account."""
    start = 1_790_000_000_000
    steps = [step for step in script(60_000) if step.customer in ("live-device-6", "live-fleur")]
    lines = [sent(step, number, start + number * 1_000) for number, step in enumerate(steps)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = CliRunner().invoke(replay, [str(tmp_path / "log.jsonl")], catch_exceptions=False)
    flips = [json.loads(line) for line in done.stdout.splitlines()]
    rule = "three_visits_without_conversion"
    told = [(each["customer_id"], each["transition"]) for each in flips if each["segment"] == rule]
    assert told == [("live-fleur", "enter"), ("live-fleur", "exit")]


def test_silence_alone_lets_a_customer_enter_when_the_script_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By replay of the script with the model that is shipped: two purchases, and the flip two fifths into the act."""
    monkeypatch.setenv("SEGMENTS_RULES", os.pathsep.join(map(str, RULES)))
    start, length = 1_790_000_000_000, 60_000
    steps = [step for step in script(length) if step.customer == "live-greta"]
    lines = [sent(step, number, start + int(step.at * length)) for number, step in enumerate(steps)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = CliRunner().invoke(replay, ["--sort", str(tmp_path / "log.jsonl")], catch_exceptions=False)
    flips = [json.loads(line) for line in done.stdout.splitlines()]
    told = [
        (each["transition"], each["reason"], schemas.from_iso(each["occurred_at"]))
        for each in flips
        if each["segment"] == "at_risk_of_churn"
    ]
    assert told == [
        ("enter", "timer", start + int(0.42 * length)),
        ("exit", "event", start + int(0.72 * length)),
    ]


def test_percentiles() -> None:
    """The smallest value that so many percent do not exceed; none of nothing."""
    assert percentile([], 50) is None
    assert percentile([7], 99) == 7
    assert percentile(range(1, 101), 50) == 50
    assert percentile(range(1, 101), 99) == 99


def test_durations_read_as_people_write_them() -> None:
    """Milliseconds become days, hours, minutes, seconds, without those that are nought."""
    assert duration("7776000000") == "90d"
    assert duration("5400000") == "1h 30m"
    assert duration("1001") == "1.001s"
    assert duration("0") == "0s"


def test_flips_of_the_test_are_records() -> None:
    """The flips made up here are accepted by the schema, so that the comparison compares what it would."""
    record = flip("a", 1)
    assert schemas.decode(schemas.SEGMENT_EVENT, schemas.encode(schemas.SEGMENT_EVENT, record)) == record
