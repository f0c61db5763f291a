"""`segments deploy --dry-run`: who would move, by the history of the topics or of files."""

from typing import IO

from segments.engine import settings_of, with_borders
from streams.cli.deploy_report import Report
from streams.cli.going_live import tell_lines
from streams.cli.progress import bar
from streams.deployments.new_borders import NewBorder, unpublished
from streams.deployments.planning import Planned
from streams.deployments.records import Chains
from streams.history.reader import History
from streams.jobs import foresee, trial_borders
from streams.settings.settings import Settings


def tell_foreseen(
    settings: Settings,
    planned: Planned,
    report: Report,
    chains: Chains,
    files: tuple[IO[bytes], ...],
    partitions: int | None,
    *,
    as_json: bool,
) -> None:
    """Puts into the report who would move, by the history, and says it unless it is told as JSON.

    Nothing is put there if nothing that decides would change. The borders are those published; a new one is that of the
    history.
    """
    found, deployed = report.changes, report.changes.deployed
    names = {each.id for each in found.rules if each.kind != "reworded"}
    if found.settings:
        names |= set(planned.ruleset.ids)
    if not names:
        return
    after: foresee.Side = planned.ruleset, planned.engine
    before: foresee.Side | None = None
    if deployed is not None:
        before = with_borders(deployed.planned, chains.borders), settings_of(deployed.settings)
    sides = [after] if before is None else [before, after]
    with foresee.history_of(settings, sides, files, partitions) as (history, now):
        report.borders = _by_history(planned, chains, history, now)
        tell_lines(*(() if as_json else (f"{each} (by the history)" for each in report.borders)))
        after = with_borders(planned.ruleset, (*chains.borders, *report.new_borders)), planned.engine
        with bar(history.length, "reading the history") as progress:
            compared = foresee.foresee(history, now, before, after, names, progress)
        report.foreseen = foresee.as_plain(compared, history)
    if not as_json:
        tell_lines(*foresee.told(report.foreseen))


def _by_history(planned: Planned, chains: Chains, history: History, now: int | None) -> list[NewBorder]:
    keys = unpublished(planned, chains)
    if not keys:
        return []
    consent = planned.settings["required_consent"]
    with bar(history.length, "taking borders") as progress:
        found = trial_borders.taken([planned.ruleset], keys, history, planned.engine, now, consent, progress)
    held = {border.key: border for border in found}
    return [NewBorder(key, held.get(key), "no customer has a value above 0") for key in keys]
