"""Ids that turn out to be one customer, in random stories: as if one customer had done it all."""

from tests.properties.linked import alone, alternates, expected, linked, lived
from tests.properties.picking import by_chance

STORIES = 40
"""In four of ten of them the customer is in a segment at the end, in three of ten a merge flips one."""


def test_links_at_any_time_give_the_segments_of_one_customer() -> None:
    """Links before, amid and after the events, in chains and over partitions, end as one customer who did it all."""
    for story in by_chance(linked, STORIES, "links"):
        found = lived(story)
        assert found.segments == expected(story), story
        assert not found.others, story
        assert not found.reasons, story
        assert found.links == {"applied": len(story.links)}, story
        assert alternates(found.flips), story


def test_no_entry_is_lost_and_none_is_there_twice() -> None:
    """What is remembered at the end is what would be remembered of one customer who did it all in order."""
    for story in by_chance(linked, STORIES, "entries"):
        found, one = lived(story).remembered, lived(alone(story)).remembered
        assert found is not None
        assert one is not None
        assert found["streams"] == one["streams"], story
