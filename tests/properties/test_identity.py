"""Ids that turn out to be one customer, in random stories: as if one customer had done it all."""

from segments.engine import EngineSettings, RuleSet
from segments.insight.sides import Beside, Lives
from segments.language import Segment
from segments.language import consent as consented
from segments.language import profile as known
from segments.language.catalogue import inputs
from streams.history.joined import joined, links_of
from streams.history.reader import FileHistory
from tests.properties.linked import (
    IDS,
    WAYS,
    Linked,
    alone,
    alternates,
    expected,
    link,
    linked,
    lived,
    logs_of,
)
from tests.properties.picking import Pick, by_chance
from tests.properties.records import START, profile

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


def test_a_history_that_follows_links_has_one_customer() -> None:
    """Who reads a history without an engine for links (try, fit) finds the segments of one customer who did it all."""
    inside = 0
    for story in by_chance(linked, STORIES, "histories"):
        logs = dict(enumerate(logs_of(story)))
        history = joined(FileHistory(logs, topics=inputs(story.sources)), links_of(logs))
        rules = RuleSet(story.segments, sources=story.sources)
        lives = Lives(rules, story.partitions, EngineSettings(grace=0))
        reader = Beside(None, lives)
        history.read(reader, lambda _count: None)
        reader.finish((), story.until)
        found = {segment for segment, members in lives.members.items() if IDS[0].encode() in members}
        assert found == {segment for segment, _ in expected(story)}, story
        assert not any(name.encode() in members for members in lives.members.values() for name in IDS[1:])
        assert lives.customers == 1
        inside += bool(found)
    assert inside > STORIES // 10


def test_of_two_profiles_the_later_is_whole() -> None:
    """Attributes, consents and lists are those of the latest profile, whichever id it is of, and whenever it was linked."""
    for story in by_chance(profiled, STORIES, "profiles"):
        found = lived(story).remembered
        assert found is not None
        told = [each for each in story.arrivals if each.topic == "profiles"]
        latest = max(told, key=lambda each: each.time)
        assert latest.event is not None
        held = {name: found[name] for name in ("attributes", "consents", "lists")}
        assert held == {name: latest.event[name] for name in held}, story


def test_of_two_profiles_of_one_instant_that_of_who_goes_on_stays() -> None:
    """Neither is later; the one of the id that goes on was there, wherever the ids lie."""
    for partitions in (1, 2, 5):
        here, there = (
            profile(0, name, f"p-{name}", lists={"interests": [name]}, consents={"marketing": True})
            for name in IDS[:2]
        )
        arrivals = (here, there, link(START + 1, IDS[1], IDS[0], "l"))
        found = lived(Linked((TRAVEL,), arrivals, {IDS[1]: IDS[0]}, partitions)).remembered
        assert found is not None
        assert found["lists"] == {"interests": [IDS[0]]}


TRAVEL = Segment(id="travel", when=[consented("marketing"), known("interests").has("travel")])


def profiled(pick: Pick) -> Linked:
    """Profiles of several ids at instants of their own, and links before, amid and after them."""
    arrivals = []
    for number in range(pick((2, 3, 5))):
        lists = {
            name: list(pick(((), ("travel",), ("food", "travel")))) for name in pick(((), ("interests",)))
        }
        consents = dict.fromkeys(pick(((), ("marketing",))), pick((True, False)))
        sent = profile(
            number * 10, pick(IDS), f"p{number}", lists=lists, consents=consents, city=f"c{number}"
        )
        arrivals.insert(pick(range(len(arrivals) + 1)), sent)
    links = pick(WAYS)
    for number, (customer, into) in enumerate(links.items()):
        made = link(START + pick(range(60)), customer, into, f"l{number}")
        arrivals.insert(pick(range(len(arrivals) + 1)), made)
    return Linked((TRAVEL,), tuple(arrivals), links, pick((1, 2, 5)))
