"""What `segments try` without a rule found, for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import click

from segments.insight.in_words import InWords
from segments.insight.told import duration
from segments.language.words.phrases import Say
from streams.cli.trial_text import bars, border_line, history_lines, percent
from streams.cli.visible import visible
from streams.history.reader import History
from streams.jobs.trial_borders import ReadBorder
from streams.jobs.trial_of_all import TrialOfAll

PAIRS = 20
"""Pairs of segments that are shown, the largest first."""


def told_of_all(
    found: TrialOfAll,
    plain: Mapping[str, Any],
    titles: Mapping[str, str],
    history: History,
    say: Say,
    read: Sequence[ReadBorder],
    words: InWords | None,
) -> Iterator[str]:
    """Line by line; `plain` is what --json prints, `titles` are those of the segments."""
    yield from history_lines(found.counted.tally, found.now, history, say)
    yield from (visible(border_line(each, say, words)) for each in read)
    customers = plain["customers"]
    if not customers:
        yield say("Nothing is remembered of any customer: there is nothing to try the rule on.")
        return
    yield ""
    yield say(
        "{customers} customers known, {none} of them in no segment ({share})",
        customers=f"{customers:,}",
        none=f"{plain['in_none']:,}",
        share=percent(plain["in_none"] / customers),
    )
    yield from ("", *_sizes(plain, titles, say))
    yield from _conditions(plain, say, words)
    yield from _pairs(plain, say)


def _sizes(plain: Mapping[str, Any], titles: Mapping[str, str], say: Say) -> Iterator[str]:
    segments = plain["segments"]
    width = max(map(len, segments))
    heads = say("members"), say("share"), say("entered"), say("left")
    yield f"{'':{width}}  " + "  ".join(f"{head:>9}" for head in heads)
    for name, each in segments.items():
        counts = f"{each['members']:,}", percent(each["share"]), f"{each['entered']:,}", f"{each['left']:,}"
        yield (
            f"{name:<{width}}  " + "  ".join(f"{count:>9}" for count in counts) + f"  {titles[name]}".rstrip()
        )
    yield say("entered and left: in the last {count} days", count=plain["days"])


def _conditions(plain: Mapping[str, Any], say: Say, words: InWords | None) -> Iterator[str]:
    """For each condition with a number: how many meet it, how many nearly do, and the bound among the values."""
    yield ""
    yield say("values of each condition in groups of one width; the bound stands at │")
    for name, each in plain["segments"].items():
        for leaf in each["leaves"]:
            if "groups" in leaf:
                yield f"  {_bars(leaf)}  {visible(name)}: {_condition(leaf, say, words)}"


def _bars(leaf: Mapping[str, Any]) -> str:
    """A column for each group, and the bound among them."""
    columns, below = bars([group["customers"] for group in leaf["groups"]]), _below(leaf)
    return f"{columns[:below]}│{columns[below:]}"


def _below(leaf: Mapping[str, Any]) -> int:
    """How many groups lie below the bound."""
    bound = abs(Decimal(leaf["bound"]))
    return sum(Decimal(group["from"]) < bound for group in leaf["groups"])


def _condition(leaf: Mapping[str, Any], say: Say, words: InWords | None) -> str:
    def text(number: str) -> str:
        said = None if words is None else words.value(leaf["measure"], number)
        return said or (duration(int(Decimal(number))) if leaf["kind"] == "duration" else number)

    below = _below(leaf)
    near = leaf["groups"][below - 1] if below else None
    told = say(
        "{measure}, bound {bound}: {holds} hold it",
        measure=visible((words and words.measure(leaf["measure"])) or leaf["measure"]),
        bound=text(leaf["bound"]),
        holds=f"{leaf['holds']:,}",
    )
    if near is not None:
        told += say(
            ", {near} lie just below the bound, from {low} on",
            near=f"{near['customers']:,}",
            low=text(near["from"]),
        )
    if at := leaf["percentiles"]:
        told += say("; median {middle}, 90th percentile {high}", middle=text(at["50"]), high=text(at["90"]))
    return told


def _pairs(plain: Mapping[str, Any], say: Say) -> Iterator[str]:
    pairs = plain["overlap"]
    yield ""
    if not pairs:
        yield say("no customer is in two segments")
        return
    yield say("customers in two segments")
    for pair in pairs[:PAIRS]:
        yield f"  {pair['customers']:>9,}  {', '.join(pair['segments'])}"
    if len(pairs) > PAIRS:
        yield click.style(say("… and {count} pairs more, with --json", count=len(pairs) - PAIRS), dim=True)
