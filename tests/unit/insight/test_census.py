"""All customers counted: funnel, groups of values with the bound among them, flips ahead; by page, and added up."""

import asyncio

import pytest
from aiohttp import test_utils, web

from segments.insight.census import Census, added
from segments.language import Segment, any_event, days, purchase
from streams.http.answers import Answers
from streams.http.census import Censuses
from tests.unit.driving import DAY, HOUR, START, Driver

BIG = Segment(
    id="big",
    when=[purchase.within(days=30).count() >= 3, purchase.within(days=30).sum(purchase.amount) >= 500],
)
IDLE = Segment(id="idle", when=any_event.within(days=30).idle >= days(2))
BOUGHT = {"ann": (60_000, 1, 1), "bob": (100, 100), "cat": (60_000,), "dan": ()}
"""Cents of each purchase; dan has clicked once."""


def shop():
    """A partition with these customers."""
    driver = Driver(BIG, IDLE)
    driver.click(0, customer="dan")
    for customer, amounts in BOUGHT.items():
        for amount in amounts:
            driver.purchase(HOUR, customer=customer, amount=amount)
    return driver


def counted(driver, customers):
    """A count of some customers."""
    partition = driver.partition
    census = Census(partition.rules, partition.why(b"")["rules"])
    for customer in customers:
        census.note(partition.why(customer.encode()))
    return census.told()


def test_a_census_tells_how_far_customers_get_and_what_they_measure():
    """Of each condition who holds it, and who all before it too; each value is in the group that it lies in."""
    found = counted(shop(), [*BOUGHT, "nobody"])
    assert (found["customers"], found["at"]) == (4, START + HOUR)
    count, total = found["segments"]["big"]["leaves"]
    assert found["segments"]["big"]["inside"] == 1
    assert [(leaf["holds"], leaf["reached"]) for leaf in (count, total)] == [(1, 1), (2, 1)]
    groups = {each["from"]: each["customers"] for each in count["groups"] if each["customers"]}
    assert groups == {"0": 1, "1": 1, "2": 1, "3": 1}
    assert count["groups"][3]["from"] == count["bound"]
    groups = {each["from"]: each["customers"] for each in total["groups"] if each["customers"]}
    assert groups == {"0": 2, "600": 2}
    assert "500" in {each["from"] for each in total["groups"]}


def test_a_census_tells_whom_time_alone_will_change():
    """By the hour of the flip, of whoever flips within a week."""
    driver = shop()
    ahead = counted(driver, BOUGHT)["segments"]["idle"]["ahead"]
    assert ahead == [
        {"hour": START + 2 * DAY, "transition": "enter", "customers": 1},
        {"hour": START + 2 * DAY + HOUR, "transition": "enter", "customers": 3},
    ]
    assert counted(driver, BOUGHT)["segments"]["big"]["ahead"] == []


def test_counts_of_partitions_are_added_up():
    """Two halves together are the whole."""
    driver = shop()
    halves = added([counted(driver, ["ann", "bob"]), counted(driver, ["cat", "dan"])])
    assert halves == counted(driver, BOUGHT)


@pytest.mark.parametrize("token", [None, "secret"])
def test_the_page_counts_once_in_ten_minutes(token):
    """Who asks first begins; who asks later is told the same count. It shows no customer, and still needs the token."""
    driver = shop()

    async def main():
        answers = Answers(lambda _: driver.partition, 1, "127.0.0.1", token)
        app = web.Application()
        app.add_routes(
            Censuses(lambda _: driver.partition, lambda _: list(driver.states), 1, answers.refusal).routes()
        )
        async with test_utils.TestClient(test_utils.TestServer(app)) as client:
            if token is not None:
                assert (await client.get("/census?begin=1")).status == 401
                client.session.headers["Authorization"] = f"Bearer {token}"
            assert (await client.get("/census")).status == 404
            while (body := await (await client.get("/census?begin=1")).json())["found"] is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert (body["done"], body["total"], body["partitions"]) == (4, 4, [0])
            assert body["found"]["segments"]["big"]["inside"] == 1
            driver.purchase(2 * HOUR, customer="eve", amount=1)
            again = await (await client.get("/census?begin=1")).json()
            assert again["found"] == body["found"]

    asyncio.run(main())
