"""What a rule makes us remember of a customer: which events, which of their fields, and for how long."""

from segments.language.catalogue import SESSION_GAP
from segments.language.nodes.conditions import Consent, HasValue, ProfileComparison
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.events import Events
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.text import events_text, leaves
from segments.language.words.sentence import VOCABULARIES, Language
from segments.plan.planner import Stream, plan


def remembered(segment: Segment, currency: str = "EUR") -> list[str]:
    """A line for each kind of thing that is kept for the rule; rules that keep the same share it."""
    lines = [stream_text(stream) for stream in plan([segment], currency).streams]
    held = leaves(segment.when) + leaves(segment.until)
    if any(isinstance(leaf, ProfileComparison | HasValue | DateComparison | Consent) for leaf in held):
        lines.append("the profile: until the customer is erased")
    lines += [f"the membership of {leaf.id}" for leaf in held if isinstance(leaf, Segment)]
    lines += [f"the membership of {leaf.segment.id}" for leaf in held if isinstance(leaf, ValueOf)]
    if segment.for_at_least:
        lines.append("since when the rule has been true: until it is not")
    if segment.at_most_every:
        lines.append(f"the latest enter: for {VOCABULARIES['en'].span(segment.at_most_every)}")
    return list(dict.fromkeys(lines))


def retention(segment: Segment, currency: str = "EUR", language: Language = "en") -> str:
    """How long anything is remembered for this rule, in words."""
    return VOCABULARIES[language].span(plan([segment], currency).retention)


def stream_text(stream: Stream) -> str:
    """`purchase: the time and amount of each, for 365 days`."""
    fields = ["time", *(str(column).removeprefix(f"{stream.events}.") for column in stream.columns)]
    keys = [f"for each {each.name}" for each in (stream.key,) if each is not None]
    which = "the latest" if stream.latest else "each"
    span = VOCABULARIES["en"].span(stream.keep + (SESSION_GAP if stream.visits else 0))
    what = f"the {' and '.join(fields)} of {' '.join([which, *keys])}, for {span}"
    return f"{events_text(Events(stream.events, stream.filter))}: {what}"
