"""Rules tried in the console with other numbers, on a past that is given in place of the topics."""

import asyncio
import io
import json
from contextlib import contextmanager

import pytest

from segments.engine import Border
from segments.insight.varying import borders_read
from streams.clock import wall_clock
from streams.console import trying
from streams.console.rules import of_files
from streams.console.try_page import result_of
from streams.history.files import read_log
from streams.history.reader import FileHistory
from streams.settings.settings import Settings

RULE = '''"""Those who spend the most."""
from segments.language import Segment, purchase, top

best = Segment(
    en="Best",
    nl="Beste",
    when=purchase.within(days=30).sum(purchase.amount) >= top(percent=25),
    examples="""
    0d border "purchase.within(days=30).sum(purchase.amount) top(percent=25)" 50
    1d purchase amount=60 enters
    """,
)
'''


@pytest.fixture
def settings(tmp_path):
    """Of a console with the rule."""
    (tmp_path / "best.py").write_text(RULE)
    return Settings(rules=[tmp_path], data_dir=tmp_path)


@pytest.fixture(autouse=True)
def past(monkeypatch):
    """Eight customers who spent 10, 20, ... 80 yesterday."""
    now = wall_clock()
    lines = [
        {
            "topic": "transactions",
            "event_id": f"o{number}",
            "customer_id": f"c{number}",
            "kind": "purchase",
            "occurred_at": now - 86_400_000,
            "order_id": f"o{number}",
            "amount": f"{number}0.00",
            "currency": "EUR",
            "items": [],
        }
        for number in range(1, 9)
    ]
    read = io.BytesIO("\n".join(map(json.dumps, lines)).encode())
    logs = read_log((read,), 2, None)

    @contextmanager
    def given(*_):
        yield FileHistory(logs)

    monkeypatch.setattr(trying, "linked_history", given)


def tried(settings, rules, numbers):
    """What a trial found, and how much of it there was to read."""

    async def main():
        found = trying.Trials(settings).of(rules, "best", numbers)
        await found.finished.wait()
        assert found.problem is None
        return result_of(found), found.done, found.total

    return asyncio.run(main())


@pytest.mark.parametrize("published", [None, "70", "100"])
def test_another_percentage_is_tried_by_a_border_of_the_past(settings, published):
    """The border of half of the customers is taken from the past; the published one stays as it is, if there is one."""
    rules = of_files(settings)
    (key,) = borders_read(rules.runnable, "best")
    if published is not None:
        rules.runnable.borders = (Border(key, published, 8, 1),)
    result, done, total = tried(settings, rules, {0: "50"})
    values = {each["percent"]: (each["value"], each["by_history"]) for each in result["borders"]}
    assert values == {"25": (published or "70", published is None), "50": ("50", True)}
    before = 0 if published == "100" else 2
    assert (result["members_now"], result["members"]) == (before, 4)
    assert (result["stay"], result["enter"], result["leave"]) == (before, 4 - before, 0)
    assert (done, total) == (16, 16)


def test_what_is_published_for_all_is_read_once(settings):
    """Without a border to be taken the past is read once; whoever has no value is out."""
    rules = of_files(settings)
    (key,) = borders_read(rules.runnable, "best")
    rules.runnable.borders = (
        Border(key, "60", 8, 1),
        Border(type(key)(key.measure, "10", "EUR", "UTC"), "80", 8, 1),
    )
    result, done, total = tried(settings, rules, {0: "10"})
    assert (result["stay"], result["enter"], result["leave"], total, done) == (1, 0, 2, 8, 8)
    assert not any(each["by_history"] for each in result["borders"])
