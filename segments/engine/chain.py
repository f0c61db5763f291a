"""The chain of a group: the records of `segment-deployments` that a partition follows, and the rule set of each.

The chain is the group's first deployment, then each time the next by offset whose `follows` is the chain's last. A
partition passes over all others: those of other groups, those that were planned on something else, and a second one of
the same id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from segments.engine.records import BEFORE_ALL, EngineSettings
from segments.engine.rules import PlannedRules, RuleSet, with_borders
from segments.language.errors import SegmentsError
from segments.plan.borders import Border

RULES = "rules"
"""The kind of a deployment that brings a rule set."""
BORDERS = "borders"
"""The kind that brings other borders: rules and settings are those of the deployment that it follows."""
FILL = "fill"
"""The kind that asks for measures to be filled from history: nothing follows it."""
FILLED = "-fill"
"""The id of a filling is that of the rule set that waits for it, with this behind it: the engine knows it, too."""


KEPT = 7 * 86_400_000
"""Milliseconds for which measures are kept after a deployment stopped to need them."""


@dataclass(frozen=True, slots=True)
class ReplacedRules:
    """A rule set that another one has replaced: its measures are kept until an instant."""

    rules: RuleSet | PlannedRules
    until: int
    """In milliseconds."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A record of `segment-deployments` of one partition, of the group that the partition belongs to."""

    offset: int
    timestamp: int
    """The Kafka timestamp, in milliseconds."""
    deployment_id: str
    follows: str | None
    """The last deployment of the chain when this one was written."""
    occurred_at: int
    """In milliseconds; 0: at once, before what waits."""
    kind: str
    rules: RuleSet | PlannedRules | None = None
    """None if the kind has no rule set."""
    settings: EngineSettings | None = None
    """The settings that decide, from its take-over on."""
    borders: tuple[Border, ...] = ()
    """The borders that hold from its take-over on."""
    fitted: tuple[tuple[str, int], ...] = ()
    """The models that its rules read, each with the instant in milliseconds up to which it was fitted."""
    wrong: str | None = None
    """Why it cannot be followed, and what to do: the partition is read up to it, and no further."""
    kept: tuple[ReplacedRules, ...] = ()
    """The rule sets before it whose measures are kept beside its own, the last one first."""
    forgotten: tuple[str, ...] = ()
    """Measures that were kept until this deployment: they start without a past if its rules read them."""

    @property
    def at(self) -> int:
        """Its place in the order of the inputs, in milliseconds."""
        return min(self.occurred_at, self.timestamp) if self.occurred_at else BEFORE_ALL


class Chain:
    """The chain of one partition. Records are added in the order of their offsets."""

    def __init__(self) -> None:
        """Start before the first record."""
        self.followed: dict[int, Deployment] = {}
        """By offset: deployments with a rule set, fillings, and those that cannot be read."""
        self.passed_over: list[Deployment] = []
        """Deployments of the group that are not part of the chain."""
        self.last: str | None = None
        """The id that the next deployment must follow."""
        self._known: set[str] = set()
        self._end = 0

    def add(self, deployment: Deployment) -> bool:
        """Whether the partition follows the record: it is of the chain, or can't be read. One added before stays."""
        if deployment.offset < self._end:
            return deployment.offset in self.followed
        self._end = deployment.offset + 1
        readable = deployment.wrong is None or deployment.kind in (RULES, BORDERS, FILL)
        if readable and not self._is_next(deployment):
            self.passed_over.append(deployment)
            return False
        before = next((each for each in reversed(self.followed.values()) if each.kind != FILL), None)
        self.followed[deployment.offset] = _whole(deployment, before)
        if deployment.kind != FILL:
            self.last = deployment.deployment_id
        self._known.add(deployment.deployment_id)
        return True

    def _is_next(self, deployment: Deployment) -> bool:
        if deployment.kind not in (RULES, BORDERS, FILL) or deployment.deployment_id in self._known:
            return False
        if self.last is None and deployment.kind != RULES:
            return False
        return self.last is None or deployment.follows == self.last

    def add_all(self, deployments: Sequence[Deployment]) -> list[Deployment]:
        """Add records; those that the partition follows are returned, borders with the rules that they are for."""
        return [self.followed[each.offset] for each in deployments if self.add(each)]

    @property
    def first(self) -> Deployment | None:
        """The first deployment with a rule set: it takes over the states of a group that ran rule files."""
        return next(iter(self.followed.values()), None)

    @property
    def newest(self) -> Deployment | None:
        """The last deployment with a rule set: a partition without states begins with it."""
        each = reversed(self.followed.values())
        return next((deployment for deployment in each if deployment.kind not in (BORDERS, FILL)), None)

    def at(self, offset: int) -> Deployment:
        """Return the deployment at an offset. Raises SegmentsError, with what to do, if it cannot be read."""
        found = self.followed.get(offset)
        if found is None:
            raise SegmentsError(
                f"segment-deployments: offset {offset} is no deployment of this group any more. The topic was made"
                " anew, or records were deleted: it must keep them for ever (retention.ms=-1). Start a new group"
                " (SEGMENTS_GROUP), and deploy there."
            )
        return runnable(found)


def _whole(deployment: Deployment, before: Deployment | None) -> Deployment:
    """A deployment of borders with the rule set and settings that it follows; one of rules with what it replaces."""
    if deployment.wrong is not None or before is None or deployment.kind == FILL:
        return deployment
    if deployment.kind == RULES:
        at = deployment.timestamp
        return replace(deployment, kept=kept_after(before, at), forgotten=forgotten_at(before, at))
    if before.rules is None:
        return replace(deployment, wrong=f"it follows {before.deployment_id}, which can't be read.")
    rules = with_borders(before.rules, deployment.borders)
    return replace(deployment, rules=rules, settings=before.settings, fitted=before.fitted, kept=before.kept)


def kept_after(before: Deployment, timestamp: int) -> tuple[ReplacedRules, ...]:
    """Return the rule sets whose measures are kept when another one replaces this deployment at a Kafka timestamp."""
    left = [each for each in before.kept if each.until > timestamp]
    own = [] if before.rules is None else [ReplacedRules(before.rules, timestamp + KEPT)]
    return (*own, *left)


def forgotten_at(before: Deployment, timestamp: int) -> tuple[str, ...]:
    """The measures that a deployment kept beside its own, until this Kafka timestamp or an earlier one."""
    ended = [each for each in before.kept if each.until <= timestamp]
    left = [each.rules for each in before.kept if each.until > timestamp]
    known = {name for rules in (before.rules, *left) if rules is not None for name in rules.data.measures}
    return tuple(sorted({name for each in ended for name in each.rules.data.measures} - known))


def runnable(deployment: Deployment) -> Deployment:
    """Return the deployment. Raises SegmentsError, with what to do, if its rule set cannot be run."""
    if deployment.wrong is not None:
        raise SegmentsError(
            f"segment-deployments, offset {deployment.offset}: deployment {deployment.deployment_id or '?'} can't be "
            f"read: {deployment.wrong} Nothing after it is applied. Update the workers of this group."
        )
    return deployment
