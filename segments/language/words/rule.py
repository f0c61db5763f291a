"""A rule in a sentence, in English or Dutch."""

from segments.language.nodes.segment import Segment
from segments.language.words.sentence import Language, speaker


def words(segment: Segment, language: Language, currency: str = "EUR") -> str:
    """Who is in the segment, in a sentence of this language."""
    clauses = speaker(language, currency)
    when = clauses.condition(segment.when)
    if segment.until is not None:
        until = clauses.condition(segment.until)
        said = clauses.word("hysteresis").format(when=when, until=until)
    elif segment.for_at_least:
        span = clauses.vocabulary.span(segment.for_at_least)
        said = clauses.word("lasting").format(when=when, span=span)
    else:
        said = clauses.word("while").format(when=when)
    if segment.at_most_every:
        span = clauses.vocabulary.span(segment.at_most_every)
        said += " " + clauses.word("at_most_every").format(span=span)
    return said
