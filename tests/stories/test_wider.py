"""Words of the language that no shipped rule uses: their stories come true in the engine and in the oracle."""

import pytest

from segments.insight.proving import engine, failures
from segments.language import Segment, event, hours, on_site, purchase
from segments.language.errors import RuleError
from segments.plan.version import version
from tests.kit.stories import oracle

ACTIVE = Segment(
    id="active",
    when=on_site.within(days=1).idle < hours(1),
    examples="""
        0d      email_open                  # in the mail, not on the site
        1h      login           enters
        1h 50m  search                      # goes on
        2h      purchase                    # no click
        2h 50m                  leaves
    """,
)
BROWSER = Segment(
    id="browser",
    when=[
        on_site.where(on_site.channel == "app").since(purchase).within(days=7).count() >= 2,
        on_site.by(on_site.page).within(days=7).count() >= 2,
    ],
    examples="""
        0d  page_view channel=app page=/
        1d  page_view channel=web page=/
        2d  search channel=app              enters
        3d  purchase                        leaves
        ---
        0d  page_view channel=app page=/a
        1d  login channel=app page=/b
    """,
)


@pytest.mark.parametrize("machine", [engine, oracle], ids=["engine", "oracle"])
@pytest.mark.parametrize("segment", [ACTIVE, BROWSER], ids=lambda segment: segment.id)
def test_stories_come_true(segment, machine):
    """The kinds that make a visit are one set: each click of them counts, not the starts of visits alone."""
    assert [str(each) for each in failures(segment, machine)] == []


def test_what_events_are_called_is_no_part_of_the_version():
    """Words may be mended without a flip; the kind is what counts."""

    def rule(**titles):
        return Segment(id="rule", when=event("wish", **titles).within(days=7).count() >= 1)

    assert version(rule()) == version(rule(en="wishes", nl="wensen"))
    named = event("wish", en="wishes")
    assert event("wish").where(named.page == "/").filter is not None


@pytest.mark.parametrize(
    ("kind", "titles", "words"),
    [
        ("on_site", {}, "Import on_site"),
        ("page_view", {"en": "views"}, "without en= and nl="),
        ("wish", {"en": 3}, "a text was expected"),
    ],
)
def test_titles_that_cannot_be(kind, titles, words):
    """A set has its words already, and words are texts."""
    with pytest.raises(RuleError, match=words):
        event(kind, **titles)
