"""`segments.replay`, `.why`, `.try_rules` and `.lint`: plain values in, plain values out; for notebooks and scripts."""

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from segments.engine import (
    BEFORE_ALL,
    IDENTITIES,
    Effects,
    RuleSet,
    load,
    partition_of,
)
from segments.insight.deploying import Deploying
from segments.insight.identity import TRANSFERS, followed
from segments.insight.logs import Logs, in_order_of_time, logs_of
from segments.insight.plain import flip_of, instant, iso
from segments.insight.replay import Replay, together
from segments.insight.sizes import Sizes
from segments.insight.tally import Tally
from segments.insight.why import INSTANTS
from segments.insight.why import why as ask
from segments.language.catalogue import sources_among
from segments.language.checking.lint import Finding, refuse
from segments.language.checking.lint import lint as findings
from segments.language.errors import RefusedRules, RuleError, SegmentsError
from segments.language.loading.load import load as load_segments
from segments.language.loading.load import rules_of
from segments.language.nodes.order import in_order, require
from segments.language.nodes.segment import Segment

Rules = str | Path | Segment | RuleSet | Sequence[str | Path] | Sequence[Segment]


def replay(
    events: Iterable[Mapping[str, Any]],
    rules: Rules | None,
    until: Any = None,
    *,
    partitions: int | None = None,
    sort: bool = False,
    deploying: Deploying,
) -> list[dict[str, Any]]:
    """See `segments.replay`; `deploying` has the settings, and takes in the deployments."""
    logs, chosen, end = _read(events, rules, until, partitions, deploying, sort=sort)
    flips: list[dict[str, Any]] = []
    tally = Tally()
    for effects in _effects(_lives(logs, chosen, deploying, end), end, linked=_linked(logs)):
        flips += [flip_of(event) for _, event in effects.segment_events]
        tally.note(effects)
    _say(tally)
    return flips


def why(
    events: Iterable[Mapping[str, Any]],
    rules: Rules | None,
    customer: str,
    segment: str | None,
    until: Any,
    *,
    partitions: int | None,
    sort: bool,
    deploying: Deploying,
) -> dict[str, Any]:
    """See `segments.why`; `deploying` has the settings, and takes in the deployments."""
    logs, chosen, end = _read(events, rules, until, partitions, deploying, sort=sort)
    own = None if _linked(logs) else partition_of(customer.encode(), len(logs))
    lives, tally = _lives(logs, chosen, deploying, end, own), Tally()
    as_of = _latest(logs) if end is None else end
    for effects in _effects(lives, as_of, linked=_linked(logs)):
        tally.note(effects)
    _say(tally)

    def told(name: str) -> dict[str, Any]:
        partition = lives[partition_of(name.encode(), len(logs))].partition
        names = partition.rules.ids
        if segment is not None and segment not in names:
            raise SegmentsError(f"There is no segment {segment}: there are {', '.join(sorted(names))}.")
        return ask(partition, name, segment, BEFORE_ALL if as_of is None else as_of)

    return cast("dict[str, Any]", _with_times(followed(told, customer)))


def try_rules(
    events: Iterable[Mapping[str, Any]],
    rules: Rules | None,
    until: Any,
    *,
    partitions: int | None,
    sort: bool,
    deploying: Deploying,
) -> dict[str, Any]:
    """See `segments.try_rules`; `deploying` has the settings, and takes in the deployments."""
    logs, chosen, end = _read(events, rules, until, partitions, deploying, sort=sort)
    as_of, tally = _latest(logs) if end is None else end, Tally()
    lives = _lives(logs, chosen, deploying, end)
    for effects in _effects(lives, as_of, linked=_linked(logs)):
        tally.note(effects)
    sizes = Sizes(lives[0].partition.rules)
    for each in lives.values():
        sizes.note(each.partition, list(each.states), as_of)
    return {
        "as_of": None if as_of is None else iso(as_of),
        **sizes.told(),
        "records": dict(sorted(tally.outcomes.items())),
        "refused": {
            reason: [count, tally.examples[reason]] for reason, count in sorted(tally.reasons.items())
        },
        "late": tally.late,
    }


def lint(rules: Any) -> list[dict[str, Any]]:
    """See `segments.lint`."""
    each = [rules] if isinstance(rules, str | Path | Segment) else list(rules)
    given = [one for one in each if isinstance(one, Segment)]
    try:
        segments = rules_of(in_order(given)) if given else load_segments(cast("list[str | Path]", each))
    except RuleError as error:
        wrong = error.errors if isinstance(error, RefusedRules) else (error,)
        return [_finding("", one.origin.file, one.origin.line, one, refused=True) for one in wrong]
    found = findings(segments)
    return [_finding(one.rule, one.file, one.line, one, refused=one.blocking) for one in found]


def _finding(rule: str, file: str, line: int, said: RuleError | Finding, *, refused: bool) -> dict[str, Any]:
    told = {"problem": said.problem, "mend": said.mend, "refused": refused}
    return {"rule": rule, "file": file, "line": line} | told


def _say(tally: Tally) -> None:
    """Warn of what was refused, once for each reason, and say how many events came late."""
    for reason, count in tally.reasons.items():
        warnings.warn(f"{count} refused, {tally.errors[reason]}", stacklevel=4)
    if tally.late:
        sys.stderr.write(f"{tally.late_line()}; sort=True sorts by time\n")


def _latest(logs: Logs) -> int | None:
    """The last instant that an event tells, as the clock takes it."""
    records = [each for log in logs.values() for records in log.values() for each in records]
    return max((min(each.at, each.timestamp) for each in records if each.event is not None), default=None)


def _with_times(value: Any) -> Any:
    """The answer of `why` with its instants as ISO 8601."""
    if isinstance(value, list):
        return [_with_times(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: iso(each) if name in INSTANTS and each is not None else _with_times(each)
        for name, each in value.items()
    }


def _rules(rules: Rules, currency: str, zone: str, required: str, sources: Sequence[str]) -> RuleSet:
    if isinstance(rules, RuleSet):
        return rules
    each = [rules] if isinstance(rules, str | Path | Segment) else list(rules)
    if not (segments := [one for one in each if isinstance(one, Segment)]):
        return load(cast("list[Path]", each), currency, zone, required=required, sources=sources)
    if len(segments) < len(each):
        raise SegmentsError("rules: expected folders and files, or segments; came both.")
    ordered = rules_of(in_order(segments))
    refuse(ordered)
    require(ordered, required)
    return RuleSet(ordered, currency, zone, sources=sources)


def _rules_of(rules: Rules | None, deploying: Deploying, sources: Sequence[str] = ()) -> RuleSet | None:
    """The rules given, with the profile sources that the events name; None: deployments say what they are."""
    if rules is None and not deploying:
        raise SegmentsError(
            "rules: give a folder of rules, or segments; without them the events must hold deployments of the group"
            f" {deploying.group}."
        )
    if rules is None:
        return None
    if deploying:
        raise SegmentsError(
            "rules: the events hold deployments, which say what the rules are: leave rules out."
        )
    return _rules(rules, deploying.settings.currency, deploying.zone, deploying.required, sources)


def _linked(logs: Logs) -> bool:
    """Whether there are links among the events."""
    return any(IDENTITIES in log for log in logs.values())


def _lives(
    logs: Logs, rules: RuleSet | None, deploying: Deploying, until: int | None, only: int | None = None
) -> dict[int, Replay]:
    """The partitions, or one of them, to be lived through; where there are links they hand each other customers."""
    found, transfers = {}, TRANSFERS if _linked(logs) else None
    for number in logs if only is None else [only]:
        followed_there = deploying.of(number, until)
        if rules is None and not followed_there:
            raise SegmentsError(f"Nothing is deployed in partition {number}: its events would wait.")
        found[number] = Replay(
            number, len(logs), logs[number], rules, deploying.settings, followed_there, transfers
        )
    return found


def _effects(lives: Mapping[int, Replay], until: int | None, *, linked: bool) -> Iterator[Effects]:
    """What comes of the partitions: one after the other, or together where there are links."""
    if linked:
        yield from together(lives, len(lives), until)
    else:
        for each in lives.values():
            yield from each.run(until)


def _read(
    events: Iterable[Mapping[str, Any]],
    rules: Rules | None,
    until: Any,
    partitions: int | None,
    deploying: Deploying,
    *,
    sort: bool,
) -> tuple[Logs, RuleSet | None, int | None]:
    """The events by partition, the rules, and the instant until which to live through them."""
    end = None if until is None else instant("until", until)
    logs = logs_of(events, partitions, end, deploying)
    chosen = _rules_of(rules, deploying, sources_among({topic for log in logs.values() for topic in log}))
    if sort:
        in_order_of_time(logs)
    return logs, chosen, end
