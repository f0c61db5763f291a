"""Trying a rule: which rules take part, how much of the past they need, and what was found as plain values."""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import schemas
from segments.engine import Border, EngineSettings, RuleSet, load
from segments.insight.deploying import Deploying
from segments.insight.findings import Findings
from segments.insight.tally import Tally
from segments.insight.trial import RuleTrial, Trial
from segments.language.catalogue import inputs
from segments.language.nodes.durations import DAY
from segments.language.nodes.order import in_order
from segments.language.nodes.segment import Segment
from segments.plan.planner import plan
from streams.clock import wall_clock
from streams.errors import StreamsError
from streams.history.files import latest, out_of_order, read_log
from streams.history.joined import joined, links_of
from streams.history.reader import FileHistory, History, Progress
from streams.jobs.trial_borders import ReadBorder
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class TrialRules:
    """A rule among those of the folders, and what runs now if that is another version of it."""

    rules: RuleSet
    id: str
    running: RuleSet | None
    running_id: str

    @property
    def sets(self) -> list[RuleSet]:
        """The rules tried, and those that run."""
        return [self.rules] if self.running is None else [self.rules, self.running]

    def compared_with(self, borders: Sequence[Border]) -> "TrialRules":
        """The same, with borders published."""
        running = None if self.running is None else with_borders(self.running, borders)
        return replace(self, rules=with_borders(self.rules, borders), running=running)

    @property
    def segment(self) -> Segment:
        """The rule itself."""
        return self.rules.segments[self.rules.ids.index(self.id)]


def with_borders(rules: RuleSet, borders: Sequence[Border]) -> RuleSet:
    """The same rules, compared with these borders."""
    return RuleSet(rules.segments, rules.plan.currency, rules.plan.zone, borders, rules.sources)


def find(rule: str, against: Path | None, settings: Settings) -> TrialRules:
    """A rule by its file or its id, with all other rules of the folders; wrong rules raise a RuleError.

    A file stands in for the rule of its name; that one, or `against`, is what runs.
    """
    shipped = [file for folder in settings.rules for file in sorted(folder.glob("[!_]*.py"))]
    file = _file(rule, shipped)
    before = against or next(
        (each for each in shipped if each.stem == file.stem and each.resolve() != file.resolve()), None
    )
    rules = _with(file, shipped, settings)
    running = None if before is None else _with(before, shipped, settings)
    return TrialRules(rules, file.stem, running, file.stem if before is None else before.stem)


def _file(rule: str, shipped: list[Path]) -> Path:
    by_id = {file.stem: file for file in shipped}
    if rule in by_id:
        return by_id[rule]
    if Path(rule).exists() or rule.endswith(".py"):
        return Path(rule)
    near = difflib.get_close_matches(rule, by_id, n=1)
    mend = f"Did you mean {near[0]}?" if near else f"Name a rule file, or one of {', '.join(sorted(by_id))}."
    raise StreamsError(f"There is no rule named {rule}. {mend}")


def _with(file: Path, shipped: list[Path], settings: Settings) -> RuleSet:
    return load(
        [*(each for each in shipped if each.stem != file.stem), file],
        settings.currency,
        settings.timezone,
        required=settings.required_consent,
        sources=settings.profile_sources,
    )


def needed_since(tried: TrialRules, now: int, days: int) -> int | None:
    """The instant from which the past matters; None: all of it does.

    The days shown want all that the rule remembers before them, the other segments what they remember today. A rule
    with `until` may hold because of something however long ago.
    """
    sets = tried.sets
    if any(segment.until is not None for rules in sets for segment in rules.segments):
        return None
    retained = plan(in_order([tried.segment])).retention
    if tried.running is not None:
        before = tried.running.segments[tried.running.ids.index(tried.running_id)]
        retained = max(retained, plan(in_order([before])).retention)
    first_day = (now // DAY - days + 1) * DAY
    return min(first_day - retained, *(now - rules.plan.retention for rules in sets))


@contextmanager
def past(
    settings: Settings,
    files: tuple[IO[bytes], ...],
    partitions: int | None,
    since: int | None,
    until: int | None,
    *,
    sort: bool = False,
    deploying: Deploying | None = None,
    sources: Sequence[str] | None = None,
) -> Iterator[History]:
    """The history to try a rule on: of files if there are any, else of the input topics; links are followed.

    `deploying` takes in the deployments that stand in files. `sources`: the profile sources; None:
    those of the settings.
    """
    topics = inputs(settings.profile_sources if sources is None else sources)
    if files:
        logs = read_log(files, partitions, until, sort=sort, deploying=deploying)
        disorder = 0 if sort else out_of_order(logs)
        yield joined(FileHistory(logs, latest(logs), disorder, topics=topics), links_of(logs))
    else:
        from streams.history.links import linked_history

        with linked_history(settings, since, until, topics) as history:
            yield history


def present(settings: Settings, files: tuple[IO[bytes], ...], until: int | None) -> int | None:
    """As of which instant; None: as far as the events go, as in files or where the wall clock is left out."""
    if until is None and not files and settings.clock == "wall":
        return wall_clock()
    return until


def run(
    tried: TrialRules, history: History, settings: EngineSettings, now: int | None, progress: Progress
) -> Findings:
    """Live through it."""
    rule_trial = RuleTrial(tried.rules, tried.id, history.count, settings)
    running = None
    if tried.running is not None:
        running = RuleTrial(tried.running, tried.running_id, history.count, settings)
    trial = Trial(rule_trial, running)
    history.read(trial, progress)
    return trial.finish(history.latest if now is None else now)


def as_json(
    found: Findings, days: int, since: int | None, history: History, read: Sequence[ReadBorder] = ()
) -> dict[str, Any]:
    """What was found, for machines: times as ISO 8601, durations in milliseconds."""
    return {
        "segment": found.segment,
        "segment_version": found.version,
        "now": _iso(found.now),
        "days": days,
        "history": history_json(found.tally, since, history),
        "borders": [each.as_json() for each in read],
        "customers": found.customers,
        "members": found.members,
        "share": found.share,
        "verdict": found.verdict,
        "per_day": [
            {"day": str(schemas.to_iso(day * DAY))[:10], "enters": enters, "leaves": leaves}
            for day, enters, leaves in found.days(days)
        ],
        "median_stay": found.median_stay(days),
        "overlap": [
            {"segment": name, "members": found.sizes[name], "shared": count} for name, count in found.overlap
        ],
        "examples": [example_json(each) for each in found.examples],
        "change": _change(found),
    }


def history_json(tally: Tally, since: int | None, history: History) -> dict[str, Any]:
    """What was read, and what became of the records."""
    return {
        "needed_since": _iso(since),
        "deleted_before": _iso(history.deleted_before),
        "records": dict(sorted(tally.outcomes.items())),
        "refused": dict(sorted(tally.reasons.items())),
        "refused_examples": dict(sorted(tally.examples.items())),
        "late": tally.late,
        "out_of_order": history.out_of_order,
    }


def _change(found: Findings) -> dict[str, Any] | None:
    change = found.change
    if change is None:
        return None
    who = {
        name: {"count": change.counts[name], "examples": [example_json(each) for each in examples]}
        for name, examples in change.examples.items()
    }
    return {"segment_version": change.version, "members": change.members, **who}


EVIDENCE = ("measure", "operator", "value", "bound", "holds", "kind", "part", "any_of")


def example_json(told: dict[str, Any]) -> dict[str, Any]:
    """A customer as `why` tells of them, of the one segment."""
    (each,) = told["segments"]
    return {
        "customer_id": told["customer_id"],
        "inside": each["inside"],
        "entered_at": _iso(each["entered_at"]),
        "flips_at": _iso(each["flips_at"]),
        "would_change": each["would_change"],
        "evidence": [
            {name: entry[name] for name in EVIDENCE} | {"as_of": _iso(entry.get("as_of"))}
            for entry in each["evidence"]
        ],
    }


def _iso(instant: int | None) -> str | int | None:
    return None if instant is None else schemas.to_iso(instant)
