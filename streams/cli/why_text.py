"""What `segments why` found, for the terminal."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import schemas
from segments.engine import TOO_OLD, notice_text
from segments.insight.in_words import InWords
from segments.insight.told import alternatives_text, evidence_lines
from segments.insight.why import INSTANTS
from segments.language.words.phrases import Say


def instants_told(answer: dict[str, Any]) -> dict[str, Any]:
    """Instants as ISO 8601."""
    return {
        name: schemas.to_iso(value) if name in INSTANTS and value is not None else _deep(value)
        for name, value in answer.items()
    }


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return instants_told(value)
    if isinstance(value, list):
        return [instants_told(each) if isinstance(each, dict) else each for each in value]
    return value


def told(answer: dict[str, Any], titles: Mapping[str, str], say: Say, words: InWords | None) -> Iterator[str]:
    """The answer in lines; a segment by its title where one is given, without `words` in the notation of rules."""
    plain = instants_told(answer)
    way = [*plain["redirected_from"], plain["customer_id"]]
    for name, into in itertools.pairwise(way):
        yield say("{name} goes on as {into}", name=name, into=into)
    yield say(
        "{customer}, as of {at}", customer=plain["customer_id"], at=plain["clock"] or say("the beginning")
    )
    if plain["deployment_id"] is not None:
        yield say("by deployment {id}", id=plain["deployment_id"])
    if not plain["known"]:
        yield say("Nothing is remembered of this customer, who is therefore in no segment.")
    for each in (plain["identity"] or {}).get("merged", ()):
        name = each["customer_id"]
        if each["refused"]:
            yield say("what {name} did is missing: its state waits among the dead letters", name=name)
        else:
            yield say("with what {name} did, which was merged", name=name)
    if plain.get("too_old"):
        notice = notice_text(TOO_OLD, plain["too_old"])
        yield say("{notice}, since the worker took the partition over", notice=notice)
    for each in plain["segments"]:
        yield ""
        since = say(" since {at}", at=each["entered_at"]) if each["inside"] else ""
        yield f"{say('in ') if each['inside'] else say('out')}  {_named(each, titles)}{since}"
        if each.get("undeployed_version") is not None:
            edited = say(
                "edited: version {version} in SEGMENTS_RULES is not deployed",
                version=each["undeployed_version"],
            )
            yield f"     {edited}"
        worded = None if words is None else words.line
        yield from (f"     {line}" for line in evidence_lines(each["evidence"], say, worded))
        if each["would_change"]:
            yield f"     {_changing(each['would_change'], say, words)}"
        yield f"     {say('by time alone: {what}', what=_by_time(each, say))}"
        if each["warming_until"]:
            warming = say("warming until {at}: it knows only later events", at=each["warming_until"])
            yield f"     {warming}"


def _changing(texts: Sequence[str], say: Say, words: InWords | None) -> str:
    """What would change it, in words if all of it can be said in words."""
    said = [] if words is None else [each for each in map(words.condition, texts) if each is not None]
    if len(said) == len(texts):
        return say("it would change if {what}", what=alternatives_text(said, say, say("; or if ")))
    return say("would change it: {what}", what=alternatives_text(texts, say))


def _named(each: dict[str, Any], titles: Mapping[str, str]) -> str:
    """A segment, with the value of one that has values, as evidence shows it."""
    name = titles.get(each["segment"], each["segment"])
    return name if each.get("value") is None else f"{name}[{each['value']}]"


def _by_time(each: dict[str, Any], say: Say) -> str:
    if each["flips_at"] is None:
        return say("it does not change")
    if each["inside"]:
        return say("leaves at {at} or later", at=each["flips_at"])
    return say("enters at {at} or later", at=each["flips_at"])
