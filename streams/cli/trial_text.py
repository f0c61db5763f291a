"""What `segments try` found, for the terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

import schemas
from segments.insight.findings import Findings
from segments.insight.told import duration, evidence_lines
from segments.language.nodes.durations import DAY
from streams.cli.visible import visible
from streams.history.files import disorder_lines
from streams.history.reader import History
from streams.jobs.trial import example_json

BARS = "▁▂▃▄▅▆▇█"
WIDEST = 45
"""Columns of the chart; more days than that share them."""
VERDICTS = {
    "too_narrow": "too narrow: nobody is in it",
    "too_broad": "too broad: nearly everybody is in it",
}
CHANGES = {"stays": "stay", "enters": "enter", "leaves": "leave"}


def told(found: Findings, days: int, title: str, history: History) -> Iterator[str]:
    """Line by line."""
    yield f"{click.style(found.segment, bold=True)}  {found.version}  {title}".rstrip()
    yield from _history(found, history)
    if found.share is None:
        yield "Nothing is remembered of any customer: there is nothing to try the rule on."
        return
    yield ""
    yield f"in it now    {found.members:,} of {found.customers:,} customers known ({_percent(found.share)})"
    if found.verdict is not None:
        yield click.style(f"             {VERDICTS[found.verdict]}", fg="yellow")
    yield from _chart(found, days)
    yield from _overlap(found)
    if found.examples:
        yield from ("", "for example, who entered last")
        yield from _examples(found.examples)
    yield from _change(found)


def _history(found: Findings, history: History) -> Iterator[str]:
    refused = f" ({', '.join(f'{reason} {count:,}' for reason, count in found.tally.reasons.items())})"
    counts = ", ".join(
        f"{count:,} {name.replace('_', ' ')}{refused if name == 'dead_letter' else ''}"
        for name, count in sorted(found.tally.outcomes.items())
    )
    as_of = "" if found.now is None else f", as of {schemas.to_iso(found.now)}"
    yield f"records: {counts or 'none'}{as_of}"
    for line in (*found.tally.lines(), *disorder_lines(history.out_of_order)):
        yield click.style(visible(line), fg="yellow")
    if history.deleted_before is not None:
        since = schemas.to_iso(history.deleted_before)
        yield click.style(
            f"the topics no longer hold all that the rules remember: what came in before {since} is missing",
            fg="yellow",
        )


def _chart(found: Findings, days: int) -> Iterator[str]:
    each = list(found.days(days))
    first, last = _day(each[0][0]), _day(each[-1][0])
    size = -(-days // WIDEST)
    yield ""
    yield f"{first} to {last}, UTC" + (f", {size} days a column" if size > 1 else "")
    for name, counts in (
        ("enters", [enters for _, enters, _ in each]),
        ("leaves", [leaves for *_, leaves in each]),
    ):
        columns = [sum(counts[at : at + size]) for at in range(0, days, size)]
        most = f", at most {max(counts):,} a day" if any(counts) else ""
        yield f"{name}       {_bars(columns)}  {sum(counts):,}{most}"
    median = found.median_stay(days)
    if median is not None:
        yield f"median stay  {duration(median)}"
    elif any(enters for _, enters, _ in each):
        yield "median stay  not known: most of those who entered in these days are still in it"


def _bars(counts: Sequence[int]) -> str:
    """Nothing is a dot, so that one is told from none."""
    top = max(counts)
    return "".join(BARS[(count * len(BARS) - 1) // top] if count else "·" for count in counts)


def _overlap(found: Findings) -> Iterator[str]:
    shared = [(name, count) for name, count in found.overlap if count]
    if not found.members or not found.overlap:
        return
    yield ""
    yield f"of the {found.members:,} in it" if shared else "none of them is in another segment"
    for name, count in shared:
        yield f"  {count:>9,}  {_percent(count / found.members):>6}  {name} (of {found.sizes[name]:,})"


def _change(found: Findings) -> Iterator[str]:
    change = found.change
    if change is None:
        return
    same = ", which means the same" if change.version == found.version else ""
    yield ""
    yield f"against the version that runs, {change.version}{same}: {change.members:,} are in that"
    for name, verb in CHANGES.items():
        yield f"  {change.counts[name]:>9,}  {verb}"
    for name in ("enters", "leaves"):
        if change.examples[name]:
            yield from ("", f"for example, who {name}")
            yield from _examples(change.examples[name])


def _examples(examples: Sequence[dict[str, Any]]) -> Iterator[str]:
    for example in map(example_json, examples):
        since = f", since {example['entered_at']}" if example["inside"] else ""
        yield f"  {visible(example['customer_id'])}{since}"
        yield from (f"     {visible(line)}" for line in evidence_lines(example["evidence"]))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 or not share else f"{share:.2%}"


def _day(day: int) -> str:
    return str(schemas.to_iso(day * DAY))[:10]
