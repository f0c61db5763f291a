"""The lanes of a customer's page: stays by segment and value, and below them what their rules measure."""

import schemas
from streams.clock import wall_clock
from streams.console.database import HOUR
from streams.console.rules import of_files
from streams.console.worded import Worded
from tests.kit.console import Topics, events_read, read, settings_of, visiting


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


RULE = '''"""Who buys."""
from segments.language import Segment, purchase

buyer = Segment(nl="Koper", when=purchase.within(days=30).count() >= 1)
'''


def test_measures_are_said_in_words(tmp_path):
    """A lane is named by what the rule measures, in the language of the reader; a rule without a file by its notation."""
    (tmp_path / "buyer.py").write_text(RULE)
    rules = of_files(settings_of(tmp_path / "data", rules=[tmp_path]))

    async def visit(client, console):
        topics, at = Topics(), wall_clock() - HOUR
        evidence = [
            {"measure": measure, "value": "1", "bound": "1", "holds": True}
            for measure in ("purchase.within(days=30).count()", "visit.within(days=30).count()")
        ]
        flip = topics.flip("ann", "enter", "buyer", at, evidence=evidence)
        await read(console, topics)
        console.readings.read = events_read(
            ("segment-events", schemas.encode(schemas.SEGMENT_EVENT, flip), at)
        )
        for language, said in (
            ("en", "the number of purchases in the past 30 days (1)"),
            ("nl", "het aantal aankopen in de afgelopen 30 dagen (1)"),
        ):
            page = await (await client.get(f"/customers/ann?lang={language}")).text()
            assert said in page
            assert "visit.within(days=30).count() (1)" in page

    visiting(tmp_path / "data", visit, rules)


def test_words_and_notation_are_markup(tmp_path):
    """Of what a rule here says the notation is beside it; of everything else it is shown, and nothing of it is markup."""
    (tmp_path / "buyer.py").write_text(RULE)
    words = of_files(settings_of(tmp_path / "data", rules=[tmp_path])).in_words["en"]
    worded = Worded(words, "en")
    notation = "purchase.within(days=30).count()"
    assert 'title="purchase.within(days=30).count()"' in worded.measure(notation)
    assert "the number of purchases in the past 30 days (&lt;b&gt;)" in worded.measure(f"{notation}[<b>]")
    assert worded.measure("<b>") == "<code><bdi>&lt;b&gt;</bdi></code>"
    assert "there are no purchases" in worded.condition(f"not_({notation} >= 1)")
    leaf = {"measure": notation, "operator": ">=", "bound": "1", "kind": "number"}
    assert (worded.bound(leaf), worded.value(leaf, "3")) == ("at least 1", "3")
    other = {"measure": "visit.idle", "operator": ">=", "bound": "3600000", "kind": "duration"}
    assert (worded.bound(other), worded.value(other, None)) == (">= 1h", "nothing")
