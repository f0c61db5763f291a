"""Borders taken from the workers: what they answer, what becomes of it, and how it is drawn."""

import asyncio
import base64
from random import Random
from xml.etree import ElementTree as ET

import pytest
from aiohttp import test_utils, web

from segments.engine import Border, BorderKey
from segments.insight.histogram import GROUPS, Drawn, groups, lines_of, svg_of
from segments.insight.ranking import decimal_text, packed, unpacked
from segments.language import Segment, purchase, top
from streams.deployments.borders import CustomerValues, after, moves
from streams.deployments.knowledge import windows_of
from streams.http import worths
from streams.http.answers import Answers
from tests.unit.driving import DAY, START, Driver

SPENT = "purchase.within(days=30).sum(purchase.amount)"
BEST = Segment(id="best", when=purchase.within(days=30).sum(purchase.amount) >= top(percent=10))
KEY = BorderKey(SPENT, "10", "EUR", "UTC")


@pytest.mark.parametrize("token", [None, "secret"])
def test_the_page_tells_values_and_no_customer(token):
    """Of a partition served here; the token is needed, and an unknown partition or measure is refused in words."""
    driver = Driver(BEST)
    for number, amount in enumerate((300, 100, 200)):
        driver.purchase(number, f"c{number}", amount=amount)
    driver.click(4, customer="nobody")

    async def main():
        answers = Answers(lambda _: driver.partition, 1, "127.0.0.1", token)
        app = web.Application()
        owned = lambda number: driver.partition if number == 0 else None  # noqa: E731
        app.add_routes(worths.routes(owned, lambda _: list(driver.states), answers.refusal))
        async with test_utils.TestClient(test_utils.TestServer(app)) as client:
            asked = {"partition": 0, "measure": SPENT}
            if token is not None:
                assert (await client.get("/worths", params=asked)).status == 401
                client.session.headers["Authorization"] = f"Bearer {token}"
            answer = await (await client.get("/worths", params=asked)).json()
            assert unpacked(base64.b64decode(answer["values"][SPENT])) == [1_000_000, 2_000_000, 3_000_000]
            assert (answer["clock"], answer["known_since"]) == (START + 4, {})
            consenting = await (await client.get("/worths", params=asked | {"consent": "profiling"})).json()
            assert unpacked(base64.b64decode(consenting["values"][SPENT])) == []
            assert (await client.get("/worths", params=asked | {"partition": 1})).status == 404
            wrong = await client.get("/worths", params=asked | {"measure": "visit.count()"})
            assert (wrong.status, "do not measure" in (await wrong.json())["error"]) == (404, True)

    asyncio.run(main())


def test_values_are_packed_and_unpacked():
    """Negative ones, equal ones and large ones come back in order, in at most sixteen bytes each."""
    random = Random(1)
    for _ in range(50):
        values = [random.randrange(-(10**18), 10**24) for _ in range(random.randrange(30))] * 2
        assert unpacked(packed(values)) == sorted(values)
        assert len(packed(values)) <= 16 * len(values)


@pytest.mark.parametrize(
    ("millionths", "text"), [(0, "0"), (1, "0.000001"), (-1_500_000, "-1.5"), (640_000_000, "640")]
)
def test_values_are_told_as_decimals(millionths, text):
    """Without zeros at the end, and without an exponent."""
    assert decimal_text(millionths) == text


@pytest.mark.parametrize(
    ("values", "value", "why"),
    [
        ([3_000_000, 1_000_000], "3", ""),
        ([], None, "no customer has a value"),
        ([-2_000_000], None, "it would be -2, and only what is above 0 is published"),
    ],
)
def test_a_border_without_a_value_above_nought_stays(values, value, why):
    """What can't be published leaves the old border, and says why; borders of other rules stay, too."""
    old, other = Border(KEY, "5", 9, START), Border(BorderKey("x", "10", "EUR", "UTC"), "1", 1, START)
    found = moves([KEY], CustomerValues({SPENT: values}, at=START + DAY), [old, other])
    assert (found[0].new and found[0].new.value, found[0].why) == (value, why)
    borders = {each.key: each.value for each in after(found, [old, other])}
    assert borders == {KEY: value or "5", other.key: "1"}


def test_how_far_back_a_measure_looks():
    """Its window decides when it is known."""
    assert windows_of(Driver(BEST).partition.rules.data) == {SPENT: 30 * DAY}


def test_values_are_drawn_with_both_cuts():
    """In the terminal each cut stands at its group; the SVG is well formed and escapes what it is given."""
    values = [number * 1_000_000 for number in range(1, 101)]
    old, new = Border(KEY, "20", 100, START), Border(KEY, "91", 100, START)
    lines = list(lines_of(Drawn(KEY, values, old, new)))
    assert [line.split()[-1] for line in lines if line.endswith(("old", "new"))] == ["old", "new"]
    odd = BorderKey('event("<&>").within(days=1).count()', "10", "EUR", "UTC")
    tree = ET.fromstring(svg_of([Drawn(KEY, values, old, new), Drawn(odd, [], None, None)]))
    texts = [each.text for each in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"old 20", "new 91"} <= set(texts)
    assert any("<&>" in text for text in texts)


@pytest.mark.parametrize(
    ("values", "is_duration", "low", "width"),
    [
        ([64_500_001, 90_000_000, 310_000_000], False, "60", "20"),
        ([1_000_000, 2_000_000, 3_000_000], False, "1", "1"),
        ([-12_340_000, 5_000_000, 7_250_000], False, "-14", "2"),
        ([40_000, 60_000, 90_000], False, "0.04", "0.005"),
        ([1_000 * 1_000_000, 45_000 * 1_000_000], True, "0s", "5s"),
        ([DAY * 1_000_000, 90 * DAY * 1_000_000], True, "0s", "5d"),
        ([0, 0], False, "0", "1"),
    ],
)
def test_groups_begin_at_round_numbers(values, is_duration, low, width):
    """Bounds are multiples of a width with one digit, or of a round duration; counts have no halves."""
    drawn = Drawn(KEY, values, None, None, is_duration)
    counts, first, wide = groups(values, is_duration=is_duration)
    assert (drawn.text(first), drawn.text(wide)) == (low, width)
    assert (sum(counts), len(counts) <= GROUPS) == (len(values), True)
    assert next(lines_of(drawn)).split()[0] == low.split()[0]


def test_a_border_that_is_a_duration_is_told_in_units():
    """Milliseconds are for programs."""
    border = Border(KEY, str(36 * 3_600_000), 9, START)
    drawn = Drawn(KEY, [36 * 3_600_000 * 1_000_000], None, border, is_duration=True)
    assert drawn.border_text(border) == "1d 12h"
    assert "new 1d 12h" in svg_of([drawn])
    assert Drawn(KEY, [], None, border).border_text(border) == "129600000"
