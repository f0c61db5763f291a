"""What a rule makes us remember of a customer: which events, which of their fields, and for how long."""

from segments.language.catalogue import SESSION_GAP
from segments.language.nodes.conditions import Consent, HasValue, ProfileComparison
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.events import Events
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.text import events_text, leaves
from segments.language.words.phrases import phrases
from segments.language.words.sentence import VOCABULARIES, Language, speaker
from segments.plan.planner import Stream, plan


def remembered(segment: Segment, currency: str = "EUR", language: Language = "en") -> list[str]:
    """A line for each kind of thing that is kept for the rule; rules that keep the same share it."""
    say, vocabulary = phrases(language), VOCABULARIES[language]
    lines = [stream_text(stream, language) for stream in plan([segment], currency).streams]
    held = leaves(segment.when) + leaves(segment.until)
    if any(isinstance(leaf, ProfileComparison | HasValue | DateComparison | Consent) for leaf in held):
        lines.append(say("the profile: until the customer is erased"))
    read = [leaf for leaf in held if isinstance(leaf, Segment)]
    read += [leaf.segment for leaf in held if isinstance(leaf, ValueOf)]
    for each in read:
        name = vocabulary.title(each) if language == "nl" else each.id
        lines.append(say("the membership of {name}", name=name))
    if segment.for_at_least:
        lines.append(say("since when the rule has been true: until it is not"))
    if segment.at_most_every:
        lines.append(say("the latest enter: for {span}", span=vocabulary.span(segment.at_most_every)))
    return list(dict.fromkeys(lines))


def retention(segment: Segment, currency: str = "EUR", language: Language = "en") -> str:
    """How long anything is remembered for this rule, in words."""
    return VOCABULARIES[language].span(plan([segment], currency).retention)


def stream_text(stream: Stream, language: Language = "en") -> str:
    """`purchase: the time and amount of each, for 365 days`."""
    if language == "nl":
        return _in_dutch(stream)
    fields = ["time", *(str(column).removeprefix(f"{stream.events}.") for column in stream.columns)]
    keys = [f"for each {each.name}" for each in (stream.key,) if each is not None]
    which = "the latest" if stream.latest else "each"
    span = VOCABULARIES["en"].span(stream.keep + (SESSION_GAP if stream.visits else 0))
    what = f"the {' and '.join(fields)} of {' '.join([which, *keys])}, for {span}"
    return f"{events_text(Events(stream.events, stream.filter))}: {what}"


def _in_dutch(stream: Stream) -> str:
    """`van elke aankoop het tijdstip en het bedrag, 365 dagen lang`."""
    words = speaker("nl")
    say = words.vocabulary
    noun = say.noun_of_events(stream.events)
    columns = [say.the(say.noun_of_field(each.name, each.key)) for each in stream.columns]
    fields = list(dict.fromkeys(["het tijdstip", *columns]))
    many = noun.one.startswith("van de ")
    each = f"elk{'' if noun.neuter or many else 'e'} {noun.one}"
    which = say.the(noun, words.word("latest")) if stream.latest else each
    per = "" if stream.key is None else f"per {say.noun_of_field(stream.key.name, stream.key.key).one} "
    *head, last = fields
    what = f"{', '.join(head)} en {last}" if head else last
    narrowed = words.narrowed(Events(stream.events, stream.filter))
    span = say.span(stream.keep + (SESSION_GAP if stream.visits else 0))
    return f"{per}van {which}{narrowed} {what}, {span} lang"
