"""What a rule is measured by, in English or Dutch."""

from segments.language.nodes.goals import Aim
from segments.language.nodes.text import plain
from segments.language.words.sentence import Language, speaker


def goal_words(aim: Aim, language: Language) -> str:
    """The goal, the revenue and the control group in sentences of this language; empty without any of them."""
    clauses, said = speaker(language), []
    if aim.goal is not None:
        clauses.each = aim.goal.key is not None
        noun = clauses.vocabulary.noun_of_events(aim.goal.source)
        events = noun.many + clauses.narrowed(aim.goal, span=False)
        span = clauses.vocabulary.span(aim.window)
        said.append(clauses.word("goal").format(events=events, span=span))
    if aim.revenue is not None:
        field = clauses.vocabulary.the(clauses.vocabulary.noun_of_field(aim.revenue.name, aim.revenue.key))
        said.append(clauses.word("revenue").format(field=field))
    if aim.control is not None:
        share = clauses.vocabulary.number(plain(aim.control))
        said.append(clauses.word("control").format(share=share, experiment=aim.experiment))
    return " ".join(said)
