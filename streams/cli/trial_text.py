"""What `segments try` found, for the terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

import schemas
from segments.insight.findings import Findings
from segments.insight.in_words import InWords
from segments.insight.tally import Tally
from segments.insight.told import duration, evidence_lines
from segments.language.nodes.durations import DAY
from segments.language.words.phrases import Say
from streams.cli.visible import visible
from streams.history.files import disorder_lines
from streams.history.reader import History
from streams.jobs.trial import example_json
from streams.jobs.trial_borders import ReadBorder

BARS = "▁▂▃▄▅▆▇█"
WIDEST = 45
"""Columns of the chart; more days than that share them."""
VERDICTS = {
    "too_narrow": "too narrow: nobody is in it",
    "too_broad": "too broad: nearly everybody is in it",
}
CHANGES = {"stays": "stay", "enters": "enter", "leaves": "leave"}


def told(
    found: Findings,
    days: int,
    title: str,
    history: History,
    say: Say,
    read: Sequence[ReadBorder] = (),
    words: InWords | None = None,
) -> Iterator[str]:
    """Line by line; `read` are the borders that the rules read. Without `words`, measures stand in notation."""
    yield f"{click.style(found.segment, bold=True)}  {found.version}  {title}".rstrip()
    yield from history_lines(found.tally, found.now, history, say)
    yield from (visible(border_line(each, say, words)) for each in read)
    if found.share is None:
        yield say("Nothing is remembered of any customer: there is nothing to try the rule on.")
        return
    yield ""
    yield say(
        "in it now    {members} of {customers} customers known ({share})",
        members=f"{found.members:,}",
        customers=f"{found.customers:,}",
        share=percent(found.share),
    )
    if found.verdict is not None:
        yield click.style(f"             {say(VERDICTS[found.verdict])}", fg="yellow")
    yield from _chart(found, days, say)
    yield from _overlap(found, say)
    if found.examples:
        yield from ("", say("for example, who entered last"))
        yield from _examples(found.examples, say, words)
    yield from _change(found, say, words)


def history_lines(tally: Tally, now: int | None, history: History, say: Say) -> Iterator[str]:
    """What was read, as of which instant, and what of it is missing or was refused."""
    refused = f" ({', '.join(f'{reason} {count:,}' for reason, count in tally.reasons.items())})"
    counts = ", ".join(
        f"{count:,} {name.replace('_', ' ')}{refused if name == 'dead_letter' else ''}"
        for name, count in sorted(tally.outcomes.items())
    )
    as_of = "" if now is None else say(", as of {at}", at=schemas.to_iso(now))
    yield say("records: {counts}", counts=counts or say("none")) + as_of
    for line in (*tally.lines(), *disorder_lines(history.out_of_order)):
        yield click.style(visible(line), fg="yellow")
    if history.deleted_before is not None:
        since = schemas.to_iso(history.deleted_before)
        yield click.style(
            say(
                "the topics no longer hold all that the rules remember: what came in before {at} is missing",
                at=since,
            ),
            fg="yellow",
        )


def border_line(read: ReadBorder, say: Say, words: InWords | None) -> str:
    """A border that rules read, and where it is from."""
    said = None if words is None else words.measure(read.key.measure)
    notation = f"{read.key.measure} top(percent={read.key.percent})"
    name = notation if said is None else f"{said} (top {read.key.percent} %)"
    if read.border is None:
        return say("border of {name}: there is none, so nobody is in by it", name=name)
    value = (words and words.value(read.key.measure, read.border.value)) or read.border.value
    count = f"{read.border.customers:,}"
    if read.by_history:
        return say(
            "border of {name}: {value}, taken from this history, of {count} customers",
            name=name,
            value=value,
            count=count,
        )
    return say("border of {name}: {value}, as published", name=name, value=value)


def _chart(found: Findings, days: int, say: Say) -> Iterator[str]:
    each = list(found.days(days))
    first, last = _day(each[0][0]), _day(each[-1][0])
    size = -(-days // WIDEST)
    yield ""
    columns_of = say(", {count} days a column", count=size) if size > 1 else ""
    yield say("{first} to {last}, UTC", first=first, last=last) + columns_of
    for name, counts in (
        (say("enters"), [enters for _, enters, _ in each]),
        (say("leaves"), [leaves for *_, leaves in each]),
    ):
        columns = [sum(counts[at : at + size]) for at in range(0, days, size)]
        most = say(", at most {count} a day", count=f"{max(counts):,}") if any(counts) else ""
        yield f"{name:<13}{bars(columns)}  {sum(counts):,}{most}"
    median = found.median_stay(days)
    if median is not None:
        yield say("median stay  {span}", span=duration(median))
    elif any(enters for _, enters, _ in each):
        yield say("median stay  not known: most of those who entered in these days are still in it")


def bars(counts: Sequence[int]) -> str:
    """A column for each count; nothing is a dot, so that one is told from none."""
    top = max(counts)
    return "".join(BARS[(count * len(BARS) - 1) // top] if count else "·" for count in counts)


def _overlap(found: Findings, say: Say) -> Iterator[str]:
    shared = [(name, count) for name, count in found.overlap if count]
    if not found.members or not found.overlap:
        return
    yield ""
    members = f"{found.members:,}"
    yield (
        say("of the {members} in it", members=members)
        if shared
        else say("none of them is in another segment")
    )
    for name, count in shared:
        yield f"  {count:>9,}  {percent(count / found.members):>6}  {name}" + say(
            " (of {size})", size=f"{found.sizes[name]:,}"
        )


def _change(found: Findings, say: Say, words: InWords | None) -> Iterator[str]:
    change = found.change
    if change is None:
        return
    same = say(", which means the same") if change.version == found.version else ""
    yield ""
    yield say(
        "against the version that runs, {version}{same}: {members} are in that",
        version=change.version,
        same=same,
        members=f"{change.members:,}",
    )
    for name, verb in CHANGES.items():
        yield f"  {change.counts[name]:>9,}  {say(verb)}"
    examples = (("enters", say("for example, who enters")), ("leaves", say("for example, who leaves")))
    for name, head in examples:
        if change.examples[name]:
            yield from ("", head)
            yield from _examples(change.examples[name], say, words)


def _examples(examples: Sequence[dict[str, Any]], say: Say, words: InWords | None) -> Iterator[str]:
    worded = None if words is None else words.line
    for example in map(example_json, examples):
        since = say(", since {at}", at=example["entered_at"]) if example["inside"] else ""
        yield f"  {visible(example['customer_id'])}{since}"
        yield from (f"     {visible(line)}" for line in evidence_lines(example["evidence"], say, worded))


def percent(share: float) -> str:
    """A share, with more digits where it is small."""
    return f"{share:.0%}" if share >= 0.1 or not share else f"{share:.2%}"


def _day(day: int) -> str:
    return str(schemas.to_iso(day * DAY))[:10]
