"""When time alone can change a rule, in words: `when the earliest of the latest 3 visits is 7 days old`."""

from segments.language.measures.count import COUNT
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import Comparison, Condition
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.text import leaves, measures_in
from segments.language.words.grammar import Noun
from segments.language.words.sentence import Language, Words, speaker


def timers(segment: Segment, language: Language) -> list[str]:
    """A sentence for each leaf of the rule that time alone can change."""
    words = speaker(language)
    said: list[str] = []
    for leaf in leaves(segment.when) + leaves(segment.until):
        if isinstance(leaf, TodayComparison):
            said.append(words.word("timer_calendar").format(what=words.word(f"new_{leaf.part}")))
        elif isinstance(leaf, DateComparison):
            said.append(words.word("timer_date").format(what=words.of_date(leaf)))
        elif isinstance(leaf, Segment | ValueOf):
            read = leaf.segment if isinstance(leaf, ValueOf) else leaf
            said.append(words.word("timer_segment").format(name=words.vocabulary.title(read)))
        else:
            of_leaf = _of_leaf(leaf, words) if isinstance(leaf, Comparison) else _of_measures(leaf, words)
            said += [
                words.word("timer").format(what=what, span=words.vocabulary.span(span))
                for what, span in of_leaf
            ]
        periods = [measure.events.period for measure in measures_in(leaf)]
        said += [
            words.word("timer_period").format(period=words.word(each.unit))
            for each in periods
            if each is not None
        ]
    for word, span in (("timer_lasting", segment.for_at_least), ("timer_again", segment.at_most_every)):
        said += [words.word(word).format(span=words.vocabulary.span(span))] if span else []
    return list(dict.fromkeys(said))


def _of_measures(leaf: Condition, words: Words) -> list[tuple[str, int]]:
    """Of a calculation: whenever an event comes to count in one of its measures, or ceases to."""
    found = []
    for measure in measures_in(leaf):
        if measure.events.period is not None:
            continue
        offset, window = measure.events.offset or 0, measure.events.window or 0
        found += [(_any(measure, words), span) for span in (offset, offset + window) if span]
    return found


def _of_leaf(leaf: Comparison, words: Words) -> list[tuple[str, int]]:
    """With `ago` an event comes to count by time alone too, and whatever changes does so that much later."""
    offset = leaf.measure.events.offset or 0
    of = _of_duration if leaf.measure.kind.grows else _of_window
    if not offset:
        return of(leaf, words)
    any_of_them = _any(leaf.measure, words)
    spans = [0, *(span for _, span in of(leaf, words))]
    return [(any_of_them, span + offset) for span in sorted(set(spans))]


def _of_duration(leaf: Comparison, words: Words) -> list[tuple[str, int]]:
    """`idle` and `age` pass their bound, and lose their value at the end of the window."""
    measure, bound = leaf.measure, leaf.bound
    noun = words.vocabulary.noun_of_events(measure.events.source)
    which = words.word(measure.kind.word)
    what = words.vocabulary.the(noun, which) + words.narrowed(measure.events, span=False)
    # When it passes a border that is learned from the customers no rule tells.
    ends = [bound + (leaf.operator in (">", "<="))] if isinstance(bound, int) else []
    if leaf.operator in (">=", ">", "!=") and measure.events.period is None:
        ends.append(measure.events.window or 0)
    return [(what, end) for end in ends if end]


def _of_window(leaf: Comparison, words: Words) -> list[tuple[str, int]]:
    """Events leave the window one by one: a count passes its bound with the earliest of the latest few."""
    if leaf.measure.events.period is not None:
        return []
    measure, window = leaf.measure, leaf.measure.events.window or 0
    if (places := _places(leaf)) is None:
        return [(_any(measure, words), window)]
    noun = words.vocabulary.noun_of_events(measure.events.source)
    narrowed = words.narrowed(measure.events, span=False)
    return [(_earliest_of(noun, place, words) + narrowed, window) for place in places]


def _any(measure: Measure, words: Words) -> str:
    noun = words.vocabulary.noun_of_events(measure.events.source)
    return words.word("any_old").format(events=noun.many) + words.narrowed(measure.events, span=False)


def _places(leaf: Comparison) -> list[int] | None:
    """Which of the latest events must leave for a count to pass its bound; None where any of them may."""
    measure: Measure = leaf.measure
    if measure.kind is not COUNT or not isinstance(leaf.bound, int) or leaf.operator == "is_in":
        return None
    places = {">=": [0], "<": [0], ">": [1], "<=": [1], "==": [1, 0], "!=": [1, 0]}[leaf.operator]
    return [leaf.bound + place for place in places if leaf.bound + place > 0]


def _earliest_of(noun: Noun, place: int, words: Words) -> str:
    """`the latest visit`, `the earliest of the latest 3 visits`."""
    vocabulary = words.vocabulary
    return vocabulary.the(noun, words.word("latest")) if place == 1 else vocabulary.oldest(noun, place)
