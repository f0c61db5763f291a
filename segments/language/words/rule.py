"""A rule in a sentence, in English or Dutch."""

from segments.language.nodes.segment import Segment
from segments.language.words.sentence import Language, Words, speaker


def words(segment: Segment, language: Language, currency: str = "EUR") -> str:
    """Who is in the segment, in a sentence of this language."""
    clauses = speaker(language, currency)
    clauses.each = segment.for_each is not None
    if segment.stages:
        stages = [
            clauses.word("stage").format(name=name, when=clauses.condition(when))
            for name, when in segment.stages
        ]
        return clauses.word("stages").format(stages="; ".join(stages)) + _details(segment, clauses)
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
    if segment.for_each is not None:
        noun = clauses.vocabulary.noun_of_field(segment.for_each.name, segment.for_each.key)
        word = clauses.word("for_each_neuter" if noun.neuter else "for_each")
        said = word.format(name=noun.one, said=said[0].lower() + said[1:])
    return said + _details(segment, clauses)


def _details(segment: Segment, clauses: Words) -> str:
    """What an enter carries, in a sentence of its own."""
    if not segment.details:
        return ""
    told = (f"“{name}”: {clauses.term(measure)}" for name, measure in segment.details)
    return " " + clauses.word("details").format(what="; ".join(told))
