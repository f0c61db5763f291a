"""`segments fit NAME`: a model of purchases, fitted to what customers did."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

import schemas
from segments.insight.fitting.purchases import FitError, Purchases, set_of
from segments.insight.fitting.readers import DEFAULT, asked_by
from segments.language.catalogue import inputs
from segments.language.nodes.durations import DAY
from streams.cli.instant import Instant
from streams.cli.progress import bar
from streams.history.files import latest, read_log
from streams.history.joined import joined, links_of
from streams.history.reader import FileHistory
from streams.jobs import fit as job
from streams.settings.settings import Settings, read_settings

STEPS = 3
"""Of a fit: purchases, spend, check."""
WIDEST = 30
"""Characters of a bar."""


@click.command(name="fit")
@click.argument("name")
@click.option("--of", "of", metavar="SET", help="The purchases. Default: those of the rules that read NAME.")
@click.option(
    "--within", metavar="DAYS", type=click.IntRange(1, 36_525), help="The window. Default: that of the rules."
)
@click.option("--until", metavar="TIME", type=Instant(), help="As of this instant. Default: the last event.")
@click.option(
    "--holdout", metavar="DAYS", type=click.IntRange(1, 3650), help="Days of the check. Default: a quarter."
)
@click.option(
    "--file", "files", multiple=True, type=click.File("rb"), help="JSON lines instead of the input topics."
)
def command(
    name: str,
    of: str | None,
    within: int | None,
    until: int | None,
    holdout: int | None,
    files: tuple[IO[bytes], ...],
) -> None:
    """Fit a model of purchases, NAME, to the events of the past, and write NAME.model.json beside the rules.

    The purchases and the window are those of the rules that read NAME; --of and --within say others. If no rule reads
    it, all purchases count. With --of alone the model goes with every window.

    MBG/NBD tells when customers will buy again, Gamma-Gamma what they will spend. The command sees each customer as a
    rule would at --until. It fits a second time on what came before the last --holdout days and compares that with what
    came then: a table, and NAME.model.svg. It needs the extra `fit` (scipy). Nothing is written if there are fewer than
    300 customers who bought on a second day, if the likelihood has no maximum, or if the history is shorter than
    --within.
    """
    fitting = _fitting()
    settings = read_settings()
    file = job.place(name, settings.rules)
    of, window = _asked(name, of, within, settings)
    purchases = Purchases(set_of(of), settings.currency)
    last = _read(purchases, settings, files, until)
    asked = fitting.FitRequest(
        of=of,
        within=window,
        until=last if until is None else until,
        holdout=holdout,
        zone=settings.timezone,
        currency=settings.currency,
    )
    try:
        with bar(STEPS, "fitting") as progress:
            fitted = fitting.fit(purchases.by_customer(), asked, progress)
    except fitting.CannotFit as error:
        raise FitError(f"{name}: {error}.") from None
    job.write(file, fitted.content)
    picture = _draw(file, name, fitted.content)
    for line in _told(fitted.content):
        click.echo(line)
    for warning in fitted.warnings:
        click.secho(f"warning: {warning}", fg="yellow")
    click.echo(f"written: {file}, {picture}")


def _asked(name: str, of: str | None, within: int | None, settings: Settings) -> tuple[str, int | None]:
    """The set and the window in milliseconds: as the command says, else as the rules do."""
    window = None if within is None else within * DAY
    if of is not None:
        return of, window
    found = asked_by(name, settings.rules)
    if found is None:
        click.echo(f"no rule reads {name} yet: it is fitted to {DEFAULT}", err=True)
        return DEFAULT, window
    click.echo(f"fitted to {found}, as {', '.join(found.rules)} asks", err=True)
    return found.of, found.within if window is None else window


def _fitting() -> Any:
    try:
        from segments.insight.fitting import model_file
    except ModuleNotFoundError as error:
        if error.name not in ("numpy", "scipy"):
            raise
        message = "scipy is not installed: `pip install 'segments[fit]'` brings what fitting needs"
        raise FitError(message) from None
    return model_file


def _read(purchases: Purchases, settings: Settings, files: tuple[IO[bytes], ...], until: int | None) -> int:
    """Take in the history; the instant of its last event."""
    if files:
        logs, topics = read_log(files, None, until), inputs(settings.profile_sources)
        history = joined(FileHistory(logs, latest(logs), topics=topics), links_of(logs))
        with bar(history.length) as progress:
            history.read(purchases, progress)
    else:
        from streams.history.links import linked_history

        with linked_history(settings, None, until) as past, bar(past.length) as progress:
            past.read(purchases, progress)
    events = (each for held in purchases.events.values() for _, each in held.values())
    return max((int(each["occurred_at"]) for each in events), default=0)


def _draw(file: Path, name: str, content: dict[str, Any]) -> Path:
    from segments.insight.fitting.picture import svg

    drawn = file.with_name(f"{name}.model.svg")
    drawn.write_text(svg(name, content), encoding="utf-8")
    return drawn


def _told(content: dict[str, Any]) -> Iterator[str]:
    """What was fitted, and the check as a table with bars."""
    from segments.insight.fitting.picture import bars

    fitted, errors = content["fitted"], content["fitted"]["standard_errors"]
    period = f"{schemas.to_iso(fitted['since'])} to {schemas.to_iso(fitted['until'])}"
    yield f"{fitted['customers']:,} customers, {fitted['repeaters']:,} bought on a second day; {period}"
    for name, value in (content["parameters"] | (content["spend"] or {})).items():
        error = "" if errors[name] is None else f"  ± {errors[name]:g}"
        yield f"  {name:5}  {value:>10}{error}"
    holdout = fitted["holdout"]
    if holdout is None:
        return
    yield ""
    yield f"The last {holdout['days']} days, told from what came before:"
    yield f"  {'x':>2}  {'customers':>9}  {'expected':>9}  {'actual':>9}"
    drawn = bars([value for row in holdout["rows"] for value in (row["expected"], row["actual"])], WIDEST)
    for place, row in enumerate(holdout["rows"]):
        yield f"  {row['x']:>2}  {row['customers']:>9,}  {row['expected']:>9,.1f}  {'':9}  {drawn[2 * place]}"
        yield f"  {'':2}  {'':9}  {'':9}  {row['actual']:>9,}  {click.style(drawn[2 * place + 1], dim=True)}"
    ratio = holdout["expected"] / holdout["actual"] if holdout["actual"] else float("inf")
    yield (
        f"  all {'':8}  {holdout['expected']:>9,.1f}  {holdout['actual']:>9,}  expected / actual {ratio:.2f}"
    )
