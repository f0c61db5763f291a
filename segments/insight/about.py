"""All that there is to know of a rule, under the headings that commands show it with."""

from textwrap import dedent

from segments.insight.remembered import remembered, retention
from segments.language.loading.source import docstring
from segments.language.nodes.durations import Duration
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import goal_text, literal, measure_text, rule_text
from segments.language.words.goals import goal_words
from segments.language.words.rule import words
from segments.language.words.timers import timers
from segments.plan.version import version


def about(segment: Segment, currency: str = "EUR", zone: str = "UTC") -> dict[str, str | list[str]]:
    """A rule in plain values: texts, and lists of texts."""
    return {
        "id": segment.id,
        "version": version(segment, currency, zone),
        "file": str(segment.origin),
        "purpose": docstring(segment),
        "en": segment.en,
        "nl": segment.nl,
        "words_en": words(segment, "en", currency),
        "words_nl": words(segment, "nl", currency),
        "when": "" if segment.stages else rule_text(segment.when),
        "for_each": "" if segment.for_each is None else str(segment.for_each),
        "stages": [f"{literal(name)}: {rule_text(when)}" for name, when in segment.stages],
        "until": "" if segment.until is None else rule_text(segment.until),
        "lawful_basis": segment.lawful_basis,
        "required_consent": segment.required,
        "for_at_least": _length(segment.for_at_least),
        "at_most_every": _length(segment.at_most_every),
        "details": [f"{name}: {measure_text(measure)}" for name, measure in segment.details],
        "goal": goal_text(segment.aim),
        "goal_en": goal_words(segment.aim, "en"),
        "goal_nl": goal_words(segment.aim, "nl"),
        "state": remembered(segment, currency),
        "flips_by_time": timers(segment, "en"),
        "flips_by_time_nl": timers(segment, "nl"),
        "retention": retention(segment, currency),
        "stories": dedent(segment.examples).strip("\n"),
    }


def _length(milliseconds: int) -> str:
    """A length of time as a rule has it; empty: there is none."""
    return str(Duration(milliseconds)) if milliseconds else ""
