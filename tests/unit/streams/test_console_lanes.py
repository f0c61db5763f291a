"""The lanes of a customer's page: stays by segment and value, and below them what their rules measure."""

import schemas
from streams.clock import wall_clock
from streams.console.database import HOUR
from tests.kit.console import Topics, events_read, read, visiting


def test_a_customers_lanes_are_by_segment_and_value(tmp_path):
    """Each value has a lane and measures of its own; what is measured of the segment, as by stages, is drawn once."""

    async def visit(client, console):
        topics, now = Topics(), wall_clock()
        flips = []
        for hours, value, count in ((9, "shoes", "3"), (8, "hats", "5")):
            evidence = [{"measure": f"view.count()[{value}]", "value": count, "bound": "3", "holds": True}]
            evidence.append({"measure": "spent", "value": count, "bound": "2", "holds": True})
            at = now - hours * HOUR
            flips.append(topics.flip("ann", "enter", "likes", at, value=value, evidence=evidence))
        await read(console, topics)
        console.readings.read = events_read(
            *(
                ("segment-events", schemas.encode(schemas.SEGMENT_EVENT, each), each["occurred_at"])
                for each in flips
            )
        )
        body = await (await client.get("/api/customers/ann")).json()
        assert [(each["segment"], each["value"]) for each in body["memberships"]] == [
            ("likes", "hats"), ("likes", "shoes"),
        ]  # fmt: skip
        page = await (await client.get("/customers/ann")).text()
        assert page.count('<rect class="stay"') == 2
        assert page.count('<circle class="measure-point"') == 4
        assert (page.count("spent (2)"), page.count("view.count()[hats] (3)")) == (1, 1)
        assert "likes: shoes" in page

    visiting(tmp_path, visit)


def test_a_segment_has_no_measures_of_another_one(tmp_path):
    """Below the stays of a segment without values stand the leaves of its own rule."""

    async def visit(client, console):
        topics, now = Topics(), wall_clock()
        flips = [
            topics.flip(
                "ann",
                "enter",
                segment,
                now - HOUR,
                evidence=[{"measure": f"{segment}.count()", "value": "3", "bound": "3", "holds": True}],
            )
            for segment in ("big", "late")
        ]
        await read(console, topics)
        console.readings.read = events_read(
            *(
                ("segment-events", schemas.encode(schemas.SEGMENT_EVENT, each), each["occurred_at"])
                for each in flips
            )
        )
        page = await (await client.get("/customers/ann")).text()
        assert (page.count("big.count() (3)"), page.count("late.count() (3)")) == (1, 1)

    visiting(tmp_path, visit)
