"""`segments report [SEGMENT …]`: what came of segments."""

from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from segments.insight.outcomes.period import ALWAYS, Period
from segments.language.words.sentence import Language
from streams.cli.instant import Instant
from streams.cli.language import LANGUAGE
from streams.cli.progress import bar
from streams.cli.visible import json_line, visible
from streams.clock import wall_clock
from streams.deployments.sources import sources_of
from streams.errors import StreamsError
from streams.kafka.read_committed import committed_reader
from streams.settings.settings import Settings, read_settings


class Cost(click.ParamType):
    """SEGMENT=AMOUNT."""

    name = "segment=amount"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Decimal]:
        """The segment, and the amount in units of the currency."""
        segment, _, text = str(value).rpartition("=")
        try:
            cost = Decimal(text)
        except InvalidOperation:
            cost = Decimal(0)
        if not segment or not cost.is_finite() or cost <= 0:
            self.fail(
                f"{value!r}: expected a segment and an amount over 0, such as cart_abandoned=250", param, ctx
            )
        return segment, cost


@click.command(name="report")
@click.argument("segments", metavar="[SEGMENT …]", nargs=-1)
@click.option("--since", metavar="TIME", type=Instant(), help="Episodes that began then or later.")
@click.option("--until", metavar="TIME", type=Instant(), help="And before this. Default: now.")
@click.option(
    "--inputs", is_flag=True, help="Read the input topics, too: orders, retention, engagement, NPS."
)
@click.option(
    "--cost",
    "costs",
    metavar="SEGMENT=AMOUNT",
    multiple=True,
    type=Cost(),
    help="What acting on the treated of a segment cost: tells its return.",
)
@click.option(
    "--all-enters", is_flag=True, help="Count the enters of a new or changed rule and of merges, too."
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with charts: one file, for its owner alone.",
)
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    segments: tuple[str, ...],
    since: int | None,
    until: int | None,
    inputs: bool,
    costs: tuple[tuple[str, Decimal], ...],
    all_enters: bool,
    html: Path | None,
    language: Language | None,
    as_json: bool,
) -> None:
    """Report what came of segments: who entered and left, conversion, and what acting on a segment caused.

    The numbers come from the output topics, each read once: large ones by a process for each core, which holds one
    partition at a time. With --inputs also what members did. Where a rule has a control group its arms are compared.
    The report holds no customer and no number of fewer than ten customers. What each number means: segments/report.md.
    """
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since must be earlier than --until.")
    if segments and (strange := sorted({name for name, _ in costs} - set(segments))):
        raise click.UsageError(
            f"--cost {strange[0]}=…: {strange[0]} is not among the segments of the report."
        )
    _need_scipy()
    from streams.report import whole
    from streams.report.reading import Topics

    settings = read_settings()
    with committed_reader(settings) as consumer:
        sources = sources_of(settings) if inputs else ()
        topics = Topics(consumer, settings, inputs=inputs, sources=sources)
        now = topics.latest() if settings.clock == "event" else wall_clock()
        period = Period(
            now + 1 if until is None else until, ALWAYS if since is None else since, now, all_enters
        )
        if period.since >= period.until:
            raise click.UsageError("--since must be earlier than --until, which is now by default.")
        with bar(topics.length) as progress:
            report = whole.report_of(topics, settings, period, segments, dict(costs), progress)
    _show(report, settings, language or settings.language or "en", html, as_json=as_json)


def _show(
    report: dict[str, Any], settings: Settings, language: Language, html: Path | None, *, as_json: bool
) -> None:
    """As JSON, as a page or as text; the page can go with JSON."""
    from streams.report import whole
    from streams.report.page import page, write
    from streams.report.speaking import Speaker
    from streams.report.told import TextReport

    speaker = Speaker(language, settings.currency, ZoneInfo(settings.timezone))
    titles = whole.titles_of(settings, language)
    if html is not None:
        write(html, page(report, titles, speaker))
        click.echo(f"written: {html}", err=True)
    if as_json:
        click.echo(json_line(whole.plain(report)))
    elif html is None:
        for line in TextReport(speaker, titles, visible).lines(report):
            click.echo(line)


def _need_scipy() -> None:
    if find_spec("scipy") is None:
        message = "scipy is not installed: `pip install 'segments[report]'` brings what the intervals need"
        raise StreamsError(message)
