"""What comes of an enter into a segment with a goal, as `segments replay --outcomes` prints it."""

import json

from click.testing import CliRunner

from streams.cli import main

RULE = """
from segments.language import Segment, cart_add, hours, purchase
carts = Segment(
    id="carts", en="Carts", nl="Karren", when=cart_add.within(days=2).count() >= 1,
    goal=purchase.within(days=3), revenue=purchase.amount, control=10, experiment="winter",
    examples=\"\"\"
        0d  cart_add
        0d  enters
        2d  leaves
    \"\"\",
)
"""


def line(topic, at, **fields):
    """An event of anna."""
    head = {"topic": topic, "customer_id": "anna", "event_id": f"{topic}{at}", "occurred_at": at}
    return json.dumps(head | fields)


EVENTS = (
    line("clickstream", "2026-01-01T00:00:00Z", kind="cart_add"),
    line(
        "transactions", "2026-01-01T00:00:00Z", kind="purchase", order_id="1", amount="7.00", currency="EUR"
    ),
    line(
        "transactions", "2026-01-02T00:00:00Z", kind="purchase", order_id="2", amount="49.95", currency="EUR"
    ),
    line(
        "transactions", "2026-01-03T00:00:00Z", kind="purchase", order_id="3", amount="10.00", currency="USD"
    ),
)


def test_replay_prints_outcomes_with_their_topic(tmp_path):
    """The first purchase after the enter converts, the window matures with its revenue; without --outcomes flips alone."""
    (tmp_path / "carts.py").write_text(RULE)
    (tmp_path / "log.jsonl").write_text("\n".join(EVENTS))
    call = [
        "replay",
        str(tmp_path / "log.jsonl"),
        "--rules",
        str(tmp_path / "carts.py"),
        "--until",
        "2026-02-01T00:00:00Z",
    ]
    plain = CliRunner().invoke(main, call, catch_exceptions=False)
    told = CliRunner().invoke(main, [*call, "--outcomes"], catch_exceptions=False)
    lines = [json.loads(each) for each in told.stdout.splitlines()]
    outcomes = [each for each in lines if each.get("topic") == "segment-outcomes"]
    flips = [each for each in lines if "topic" not in each]
    assert [json.loads(each) for each in plain.stdout.splitlines()] == flips
    found = [(each["kind"], each["occurred_at"], each["goals"], each["revenue"]) for each in outcomes]
    assert found == [
        ("converted", "2026-01-02T00:00:00.000Z", 1, "49.95"),
        ("matured", "2026-01-04T00:00:00.000Z", 2, "49.95"),
    ]
    assert {each["arm"] for each in (*outcomes, *flips)} == {"treated"}
    assert {(each["experiment"], each["control"], each["entered_as"]) for each in outcomes} == {
        ("winter", "10", "anna")
    }
