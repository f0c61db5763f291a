"""A rule set, ready to run: segments in order of dependency, what they keep, and their plan."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from weakref import WeakValueDictionary

from segments.engine._native import Rules
from segments.engine._native import entry_size as size_of_entry
from segments.language import catalogue
from segments.language.checking.lint import refuse
from segments.language.checking.models import refuse_foreign_models
from segments.language.loading.load import load as load_segments
from segments.language.nodes.conditions import Condition
from segments.language.nodes.order import in_order, require
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves
from segments.plan import ir
from segments.plan.borders import Border, published
from segments.plan.filling import beside
from segments.plan.ir import Plan as PlanData
from segments.plan.ir import from_bytes
from segments.plan.keeping import keeping
from segments.plan.lowering import lower
from segments.plan.planner import Plan, plan
from segments.plan.version import aim_identity, digest_of, versions_of


class RuleSet:
    """The rules of one group. A rule's *place* is its index here: a bit in the masks of the engine."""

    def __init__(
        self,
        segments: Sequence[Segment],
        currency: str = "EUR",
        zone: str = "UTC",
        borders: Sequence[Border] = (),
        sources: Sequence[str] = (),
    ) -> None:
        """Of these segments and those that they read.

        `borders`: those published. `sources`: the names of the profile sources beside `profiles`.
        """
        self.borders, self.sources = tuple(borders), tuple(sorted(sources))
        self.segments: tuple[Segment, ...] = tuple(in_order(segments))
        self.ids = tuple(segment.id for segment in self.segments)
        versions = versions_of(self.segments, currency, zone)
        self.versions = tuple(versions[name] for name in self.ids)
        aims = {each.id: aim_identity(each, currency, zone) for each in self.segments}
        self.digest = digest_of(versions, aims)
        self.leaves: tuple[tuple[Condition, ...], ...] = tuple(
            (*leaves(segment.when), *leaves(segment.until)) for segment in self.segments
        )
        self.plan: Plan = plan(self.segments, currency, zone)
        refuse_foreign_models(self.segments, currency, self.plan.zone)
        self.rank = {
            place: rank for rank, place in enumerate(sorted(range(len(self.ids)), key=self.ids.__getitem__))
        }

    @cached_property
    def data(self) -> PlanData:
        """The rule set as data."""
        return lower(self.segments, self.plan.currency, self.plan.zone, self.sources, self.plan)

    @cached_property
    def native(self) -> Rules:
        """The rule set as the crate runs it."""
        return Rules(self.data.to_bytes(), published(self.data.borders, self.borders))


class PlannedRules:
    """A rule set as its plan alone: what a worker runs that has no rule files."""

    def __init__(self, plan: bytes, borders: Sequence[Border] = ()) -> None:
        """From the bytes of a plan; raises ValueError if they are none of a format that this version reads.

        `borders`: those published; what the plan does not read of them is of no effect.
        """
        self.plan, self.borders = plan, tuple(borders)
        self.data: PlanData = from_bytes(plan)
        self.native = Rules(plan, published(self.data.borders, self.borders))
        self.ids = tuple(rule.id for rule in self.data.rules)
        self.versions = tuple(rule.version for rule in self.data.rules)
        self.digest = self.data.digest
        self.rank = {place: rule.rank for place, rule in enumerate(self.data.rules)}


_planned: WeakValueDictionary[tuple[bytes, tuple[Border, ...]], PlannedRules] = WeakValueDictionary()
"""The rule sets in use, by plan and borders."""


def planned(plan: bytes, borders: Sequence[Border] = ()) -> PlannedRules:
    """The rule set of a plan. All partitions of a process share one for as long as any of them has it.

    Raises what `PlannedRules` does.
    """
    key = plan, tuple(borders)
    found = _planned.get(key)
    if found is None:
        _planned[key] = found = PlannedRules(plan, borders)
    return found


def with_filling(rules: RuleSet | PlannedRules, filled: RuleSet | PlannedRules, offset: int) -> PlannedRules:
    """The rules, with the streams of the measures beside them that a deployment at this offset asks to be filled."""
    return planned(beside(rules.data, filled.data, offset).to_bytes(), rules.borders)


def with_kept(
    rules: RuleSet | PlannedRules, earlier: Sequence[RuleSet | PlannedRules]
) -> RuleSet | PlannedRules:
    """The rules, with the measures beside their own that earlier ones had; the same if they have all of them."""
    made = rules.data
    for each in earlier:
        made = keeping(made, each.data)
    return rules if made is rules.data else planned(made.to_bytes(), rules.borders)


def with_borders(rules: RuleSet | PlannedRules, borders: Sequence[Border]) -> RuleSet | PlannedRules:
    """The same rules, compared with other borders."""
    if isinstance(rules, PlannedRules):
        return planned(rules.plan, borders)
    return RuleSet(rules.segments, rules.plan.currency, rules.plan.zone, borders, rules.sources)


def load(
    folders: Sequence[Path | str],
    currency: str = "EUR",
    zone: str = "UTC",
    *,
    required: str | None = None,
    borders: Sequence[Border] = (),
    sources: Sequence[str] = (),
) -> RuleSet:
    """The rule set of these folders or files; a wrong rule raises a `RuleError` with file, line and mend.

    `required`: the consent that each rule needs that has no lawful basis of its own. `borders`: those published.
    `sources`: the names of the profile sources beside `profiles`.
    """
    segments = load_segments(folders)
    refuse(segments)
    require(segments, required or "")
    return RuleSet(segments, currency, zone, borders, sources)


def entry_size(rules: RuleSet | PlannedRules, identity: str) -> int:
    """Bytes that an entry of a stream, by its identity, adds to the state of a customer, rounded up.

    Texts are taken to be twelve characters long, and each entry of `by` to have a value of its own.
    """
    identities = [stream.identity for stream in rules.data.streams]
    return size_of_entry(rules.native, identities.index(identity))


def controls_of(rules: RuleSet | PlannedRules) -> dict[str, float]:
    """By rule with a control group the share of customers, between 0 and 1, who are held out."""
    arms = {rule.id: rule.aim and rule.aim.arms for rule in rules.data.rules}
    return {name: float(each.control) / 100 for name, each in arms.items() if each}


def topics_of(rules: RuleSet | PlannedRules) -> tuple[str, ...]:
    """The topics of events and profiles that a rule set has, by their numbers in its plan."""
    return tuple(topic.name for topic in rules.data.topics)


def inputs_of(rules: RuleSet | PlannedRules) -> dict[str, list[frozenset[tuple[str, str]]]]:
    """By rule the sets of events that it reads, each as topics and kinds; an empty kind: any."""
    return {rule.id: _inputs_of(rule, rules.data) for rule in rules.data.rules}


def _inputs_of(rule: ir.Rule, plan: ir.Plan) -> list[frozenset[tuple[str, str]]]:
    """The sets of events that a rule reads, each as the topics and kinds that belong to it."""
    found: list[frozenset[tuple[str, str]]] = []
    for asked in (
        *(plan.leaves[number].asked for number in rule.leaves),
        *(each.asked for each in rule.details),
    ):
        for each in ir.measured_in(asked):
            streams = (each.stream, each.reset, *(after.stream for after in each.after))
            found += [_taken(plan, stream) for stream in streams if stream is not None]
        if isinstance(asked, ir.OfProfile | ir.OfList | ir.OfDate | ir.OfConsent):
            told = (topic.name for topic in plan.topics if catalogue.is_source(topic.name))
            found.append(frozenset((name, "") for name in told))
    return found


def _taken(plan: ir.Plan, stream: int) -> frozenset[tuple[str, str]]:
    takes = plan.streams[stream].takes
    return frozenset((plan.topics[take.topic].name, kind) for take in takes for kind in take.kinds or ("",))
