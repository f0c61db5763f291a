"""How many bytes a rule keeps of a customer: as measured by the engine, stream by stream."""

from collections.abc import Sequence
from dataclasses import dataclass

from segments.engine import RuleSet, entry_size
from segments.insight.remembered import remembered, stream_text
from segments.language.nodes.segment import Segment
from segments.language.words.phrases import Say, phrases
from segments.language.words.sentence import VOCABULARIES, Language
from segments.plan.planner import plan

EXAMPLE = 10
"""Entries of the customer that is shown."""
NAMED = 3
"""Rules with the same events that are named; of more the rest is counted."""


@dataclass(frozen=True, slots=True)
class StreamSize:
    """Events that a rule keeps."""

    text: str
    each: int
    """Bytes of an entry."""
    latest: bool
    """There is only one entry, or one for each value of `by`."""
    shared: tuple[str, ...]
    """The other rules that keep the same events: what they keep is kept once."""

    def said(self, language: Language = "en") -> str:
        """`purchase: the time of each, for 30 days: 16 bytes each; shared with high_value and 2 more`."""
        say, others = phrases(language), ", ".join(self.shared[:NAMED])
        more = len(self.shared) - NAMED
        if more > 0:
            others = say("{others} and {count} more", others=others, count=more)
        shared = say("; shared with {others}", others=others) if others else ""
        return say("{what}: {count} bytes each", what=self.text, count=self.each) + shared


def sizes(
    segment: Segment, segments: Sequence[Segment], currency: str = "EUR", language: Language = "en"
) -> list[StreamSize]:
    """What one rule of a rule set keeps, stream by stream."""
    own, rules = plan([segment], currency), RuleSet([segment], currency)
    others = [each for each in segments if each.id != segment.id]
    title = VOCABULARIES[language].title
    names = {each.id: title(each) if language == "nl" else each.id for each in others}
    kept = {each.id: {stream.identity for stream in plan([each], currency).streams} for each in others}
    return [
        StreamSize(
            stream_text(stream, language),
            entry_size(rules, stream.identity),
            stream.latest and stream.key is None,
            tuple(sorted(names[name] for name, identities in kept.items() if stream.identity in identities)),
        )
        for stream in own.streams
    ]


def state(
    segment: Segment, segments: Sequence[Segment], currency: str = "EUR", language: Language = "en"
) -> list[str]:
    """All that a rule keeps, in lines, with what it comes to for a customer."""
    found = sizes(segment, segments, currency, language)
    by_text = {each.text: each.said(language) for each in found}
    lines = [by_text.get(line, line) for line in remembered(segment, currency, language)]
    return [*lines, _example(found, phrases(language))] if found else lines


def _example(found: list[StreamSize], say: Say) -> str:
    whole = [(each, each.each * (1 if each.latest else EXAMPLE)) for each in found]
    total, shared = sum(size for _, size in whole), sum(size for each, size in whole if each.shared)
    example = say("a customer with {each} of each: {count} bytes", each=EXAMPLE, count=total)
    return example + (say(", {count} of them shared", count=shared) if shared else "")
