"""Stories come true, or not: each runs through the engine of the worker, by itself and from nothing.

A flip that no line at its exact instant asserts fails the story, and so does an assertion of a flip that does
not come. Only the rule itself and the segments that it reads take part: another rule never changes a story.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from segments.engine import (
    DEPLOYMENTS,
    INPUTS,
    RULES,
    Border,
    BorderKey,
    Deployment,
    EngineSettings,
    Partition,
    Record,
    RuleSet,
    with_borders,
)
from segments.insight.told import evidence_lines
from segments.insight.why import why
from segments.language.catalogue import PROFILES
from segments.language.errors import Origin, StoryError
from segments.language.nodes.order import in_order, require
from segments.language.nodes.segment import Segment
from segments.language.stories.events import CUSTOMER, StoryEvent
from segments.language.stories.reader import Line, Story, read_stories, time_text
from segments.language.words.phrases import ENGLISH, Say


class Refused(StoryError):
    """The engine refuses the event of a line."""

    def __init__(self, reason: str, error: str, origin: Origin) -> None:
        super().__init__(
            ENGLISH("The event is refused: {reason}. {error}", reason=reason, error=error), "", origin
        )
        self.reason, self.said = reason, error


@dataclass(frozen=True, slots=True)
class Flip:
    """What a rule did in a story: `enters` or `leaves`, and the milliseconds since the story began."""

    at: int
    word: str

    def __str__(self) -> str:
        return self.said(ENGLISH)

    def said(self, say: Say) -> str:
        """`enters at 3d`; the words are those of stories in every language."""
        return say("{word} at {at}", word=self.word, at=time_text(self.at))


Machine = Callable[[Sequence[Segment], Story, str], list[Flip]]
"""Lives a story under these rules, of which the first is asked about, in this currency and the zone of the story."""


def failures(
    segment: Segment, machine: Machine, currency: str = "EUR", zone: str = "UTC", say: Say = ENGLISH
) -> list[StoryError]:
    """The stories of a rule that do not come true, each with file, line, what was told and what happened."""
    rules = [segment, *(each for each in in_order([segment]) if each is not segment)]
    found, required = [], next((each.required for each in rules if each.required), "")
    for told in read_stories(segment, currency, zone):
        story = with_consent(told, required)
        require(rules, required if story is not told else "")
        try:
            failing = _Comparison(story, say).of(machine(rules, story, currency))
        except Refused as refused:
            problem = say(
                "The event is refused: {reason}. {error}", reason=refused.reason, error=refused.said
            )
            found.append(StoryError(problem, "", refused.origin))
            continue
        if failing is not None:
            instant, error = failing
            at = say("at {at}:", at=time_text(instant))
            error.values = (at, *values(rules, story, currency, instant, say))
            found.append(error)
    require(rules, required)
    return found


def with_consent(story: Story, name: str) -> Story:
    """The story of a customer who has given a required consent, where a line of it takes it; else as it is told.

    What nobody takes is as if it were not asked for: the rule as it was written comes to the same.
    """
    consents = [
        line.event.record.get("consents", {}) for line in story.lines if line.event and line.event.record
    ]
    if not name or not any(each.get(name) is False for each in consents):
        return story
    lines = [_given(line, name) for line in story.lines]
    first = min(line.at for line in lines) - 1
    return replace(story, lines=(_giving(lines[0].origin, story.start, first, name), *lines))


def _given(line: Line, name: str) -> Line:
    """A line with the consent, if it is a profile that does not tell of it."""
    event = line.event
    if event is None or event.record is None or event.topic != PROFILES.name:
        return line
    record = {**event.record, "consents": {name: True} | event.record["consents"]}
    return replace(line, event=replace(event, record=record))


def _giving(origin: Origin, start: int, at: int, name: str) -> Line:
    """The profile that gives the consent before anything happens."""
    record = {
        "event_id": f"required {name}",
        "customer_id": CUSTOMER,
        "occurred_at": start + at,
        "attributes": {},
        "consents": {name: True},
    }
    return Line(origin, at, StoryEvent(PROFILES.name, record), ())


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What a story tells beside what happened, in a language."""

    story: Story
    say: Say

    def of(self, happened: Sequence[Flip]) -> tuple[int, StoryError] | None:
        """The first instant at which something else happens than is told, if there is one."""
        say, lines = self.say, self.story.lines
        exact = [Flip(line.at, word) for line in lines if not line.within for word in line.flips]
        told, left = sorted(exact, key=lambda flip: flip.at), list(happened)
        about = [(line, word) for line in lines if line.within for word in line.flips]
        texts = [each.said(say) for each in told] + [self._about(line, word) for line, word in about]
        problem = say(
            "The story tells: {told}; happened: {happened}.",
            told=say(", then ").join(texts) or say("nothing"),
            happened=self._said(happened),
        )
        instants = {flip.at for flip in told}
        for line, word in about:
            span = range(line.at, line.last + 1)
            met = next(
                (flip for flip in left if flip.word == word and flip.at in span and flip.at not in instants),
                None,
            )
            if met is None:
                mend = say(
                    "There is no {about}: write another time, or mend the rule.",
                    about=self._about(line, word),
                )
                return line.at, StoryError(problem, mend, line.origin)
            left.remove(met)
        for instant in sorted({flip.at for flip in (*told, *left)}):
            expected = [flip for flip in told if flip.at == instant]
            came = [flip for flip in left if flip.at == instant]
            if expected != came:
                mend, origin = (
                    self._mend(instant, expected, came),
                    _line(self.story, instant, expected).origin,
                )
                return instant, StoryError(problem, mend, origin)
        return None

    def _about(self, line: Line, word: str) -> str:
        say, start, end = self.say, time_text(line.at), time_text(line.last + 1)
        return say("{word} from {start} to before {end}", word=word, start=start, end=end)

    def _mend(self, instant: int, expected: Sequence[Flip], came: Sequence[Flip]) -> str:
        say, at = self.say, time_text(instant)
        if not came:
            return say(
                "Nothing flips at {at}: leave {word} out there, or mend the rule.",
                at=at,
                word=expected[0].word,
            )
        line = f"{at} {' '.join(flip.word for flip in came)}"
        mend = say("Write a line {line}, or mend the rule.", line=line)
        if not expected:
            return mend
        return say("At {at} the order is {order}. {mend}", at=at, order=self._said(came), mend=mend)

    def _said(self, flips: Iterable[Flip]) -> str:
        say = self.say
        return say(", then ").join(each.said(say) for each in flips) or say("nothing")


def _line(story: Story, instant: int, expected: Sequence[Flip]) -> Line:
    """The line to look at: the one that asserts, else the first of this time or later."""
    asserting = [line for line in story.lines if line.at == instant and (line.flips or not expected)]
    later = [line for line in story.lines if line.at >= instant]
    return (asserting or later or list(story.lines))[0]


def engine(rules: Sequence[Segment], story: Story, currency: str) -> list[Flip]:
    """A story in the engine of the worker, on the clock of its events; grace would only delay what is due."""
    life = _Life(rules, currency, story)
    return [flip for line in story.lines for flip in life.live(line)]


def values(
    rules: Sequence[Segment], story: Story, currency: str, instant: int, say: Say = ENGLISH
) -> tuple[str, ...]:
    """A line for each leaf of the first rule, with its value at an instant: milliseconds since the story began."""
    life = _Life(rules, currency, story)
    for line in takewhile(lambda line: line.at <= instant, story.lines):
        life.live(line)
    found = why(life.partition, CUSTOMER, rules[0].id, story.start + instant)
    return tuple(evidence_lines(found["segments"][0]["evidence"], say))


def flip_word(event: Mapping[str, Any]) -> str:
    """`enters`, or `leaves`; of a segment with values with the value."""
    word = "enters" if event["transition"] == "enter" else "leaves"
    return word if event["value"] is None else f"{word} {event['value']}"


class _Life:
    """The one customer of a story, in a partition of the engine."""

    def __init__(self, rules: Sequence[Segment], currency: str, story: Story) -> None:
        self._start = story.start
        self._asked, self._ends = rules[0].id, dict.fromkeys(INPUTS, 0)
        self._settings = EngineSettings(grace=0, currency=currency)
        self._states: dict[bytes, bytes] = {}
        self._borders: dict[BorderKey, Border] = {}
        self._shop = currency, story.zone
        self.partition = Partition(0, 1, RuleSet(rules, *self._shop), self._settings, self._states)
        for topic in INPUTS:
            self.partition.begin(topic, 0)

    def live(self, line: Line) -> list[Flip]:
        """What the rule does on a line, and because of what is due up to its time."""
        before = self._publish(line) if line.border else []
        partition, ends, now = self.partition, self._ends, self._start + line.at
        if line.event is not None:
            topic, offset = line.event.topic, ends[line.event.topic]
            record = Record(topic, offset, now, CUSTOMER.encode(), None, line.event.record)
            ends[topic] += 1
            partition.offer(topic, offset, [record], ends[topic])
        partition.confirm(ends, partition.stamp, None)
        while partition.advance():
            pass
        partition.until(self._start + line.last)
        return [*before, *self._flips(line)]

    def _publish(self, line: Line) -> list[Flip]:
        """Go on with other borders from the line's time on; what is due before fires by those of before."""
        now = self._start + line.at
        self.partition.until(now - 1)
        self.partition.catch_up(1)
        flips = self._flips(line)
        for name, value in line.border:
            measure, _, percent = name.rpartition(" ")
            key = BorderKey(measure, percent.removeprefix("top(percent=").removesuffix(")"), *self._shop)
            self._borders[key] = Border(key, value, 0, 0)
        offset = self._ends.get(DEPLOYMENTS, 0)
        rules = with_borders(self.partition.rules, tuple(self._borders.values()))
        deployment = Deployment(offset, now, f"{offset}", None, now, RULES, rules, self._settings)
        self._ends[DEPLOYMENTS] = offset + 1
        self.partition = Partition.deployed(0, 1, deployment, self._states)
        for topic in INPUTS:
            if topic not in self.partition.offsets:
                self.partition.begin(topic, self._ends[topic])
        return flips

    def _flips(self, line: Line) -> list[Flip]:
        """What the rule did since the last time."""
        effects = self.partition.collect_effects()
        if effects is None:
            return []
        effects.commit_to(self._states)
        if effects.dead_letters:
            letter = effects.dead_letters[0]
            raise Refused(letter.reason, letter.error, line.origin)
        return [
            Flip(event["occurred_at"] - self._start, flip_word(event))
            for _, event in effects.segment_events
            if event["segment"] == self._asked
        ]
