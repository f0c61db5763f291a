"""Borders of a file for `segments replay`, and files that are none."""

import json

import pytest
from click.testing import CliRunner

from streams.cli.border_file import NoBorders, read_borders
from streams.cli.replay import command

RULE = """
from segments.language import Segment, purchase, top
best = Segment(when=purchase.within(days=30).sum(purchase.amount) >= top(percent=10))
"""
BORDER = {
    "measure": "purchase.within(days=30).sum(purchase.amount)", "percent": "10", "currency": "EUR", "zone": "UTC",
    "value": "50", "customers": 20, "taken_at": "2026-01-01T00:00:00.000Z",
}  # fmt: skip
PURCHASE = {
    "topic": "transactions", "event_id": "e", "customer_id": "ada", "occurred_at": "2026-01-01T00:00:00Z",
    "kind": "purchase", "order_id": "o", "amount": "60.00", "currency": "EUR",
}  # fmt: skip


@pytest.mark.parametrize(("given", "flips"), [(True, 1), (False, 0)])
def test_a_replay_takes_borders_of_a_file(tmp_path, given, flips):
    """With them the customer above the border enters; without them nobody does."""
    (tmp_path / "best.py").write_text(RULE)
    (tmp_path / "events.jsonl").write_text(json.dumps(PURCHASE) + "\n")
    (tmp_path / "borders.json").write_text(json.dumps({"deployment_id": "d", "borders": [BORDER]}))
    borders = ["--borders", str(tmp_path / "borders.json")] if given else []
    asked = [str(tmp_path / "events.jsonl"), "--rules", str(tmp_path / "best.py"), *borders]
    answer = CliRunner().invoke(command, asked, catch_exceptions=False)
    assert len(answer.stdout.splitlines()) == flips, answer.output


@pytest.mark.parametrize("wrong", ["", "[]", "{}", '{"borders": [{}]}', '{"borders": 3}'])
def test_a_file_without_borders_is_refused(tmp_path, wrong):
    """The message says which file, and what was expected."""
    file = tmp_path / "borders.json"
    file.write_text(wrong)
    with pytest.raises(NoBorders, match=r"borders show --json"):
        read_borders(file)
