"""Rule sets of any size: nothing that is done with each rule looks at all others."""

import sys

from segments.engine import load
from segments.engine.rules import planned
from segments.plan.filling import beside
from segments.plan.keeping import keeping
from tests.benchmarks.many_rules import write

FEW, FACTOR = 40, 4
"""Rules of the smaller set, and how many times as many the larger one has."""
SLACK = 1.25
"""Rules are drawn at random, and those of the larger set may have more conditions."""


def calls(act):
    """How many functions of Python were called, generators resumed included, and what came of it."""
    count = 0

    def counted(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        found = act()
    finally:
        sys.setprofile(None)
    return count, found


def test_work_grows_with_the_number_of_rules_and_not_with_its_square(tmp_path):
    """Four times as many rules take about four times as many calls to be loaded, planned, kept and filled beside."""
    taken = {}
    for number in (FEW, FACTOR * FEW):
        folder, other = (
            write(tmp_path / f"{name}-{number}", number, seed) for name, seed in (("a", 1), ("b", 2))
        )
        loading, rules = calls(lambda folder=folder: load([folder]))
        planning, plan = calls(lambda rules=rules: rules.data)
        earlier = load([other]).data
        joining, _ = calls(
            lambda plan=plan, earlier=earlier: (keeping(plan, earlier), beside(plan, earlier, 0))
        )
        taken[number] = loading, planning, joining
    for few, many in zip(*taken.values(), strict=True):
        assert many <= SLACK * FACTOR * few


def test_partitions_share_the_rule_set_of_a_plan(tmp_path):
    """A plan that was read once in a process is not read again, as long as somebody has it; other borders are others."""
    data = load([write(tmp_path / "rules", 3, 1)]).data.to_bytes()
    first = planned(data)
    assert planned(bytes(bytearray(data))) is first
    assert planned(data[:-1] + b" }") is not first
