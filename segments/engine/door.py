"""One partition over the engine's crate: records and readings of the clock go in, effects come out.

It merges the inputs, keeps the clock, finds what is due, recognises duplicates and bad input; it does no I/O, reads no
clock, never awaits. The worker, `segments replay`, the simulation and the tests drive this same object.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from segments.engine._native import (
    Accepted,
    Outbox,
    Records,
    Schemas,
    Transaction,
    Transfer,
    offer_fetched,
    offer_fetched_transfers,
)
from segments.engine._native import Partition as Core
from segments.engine.chain import BORDERS, FILLED, Deployment, runnable
from segments.engine.position import position_of
from segments.engine.records import (
    BEFORE_ALL,
    DEPLOYMENTS,
    IDENTITIES,
    OLDER,
    POSITION_KEY,
    DeadLetter,
    Effects,
    EngineSettings,
    Notice,
    Record,
    Refusal,
)
from segments.engine.rules import PlannedRules, RuleSet, topics_of, with_filling, with_kept
from segments.engine.views import CustomerView, IdentityView, WhyView
from segments.language.catalogue import is_source
from segments.language.errors import SegmentsError
from segments.language.nodes.text import short_name
from segments.plan.filling import MARK, mark

DAY = 86_400_000
"""Milliseconds."""


class Filling(NamedTuple):
    """Progress of filling the measures of a partition from its past."""

    offsets: dict[str, int]
    """By topic: the offset at which the history ends."""
    clock: int
    """Of when it began, in milliseconds."""
    reached: bytes
    """The key of the last customer who was filled."""
    done: bool

    def since(self, retention: int) -> int:
        """What occurred before can't matter, for rules of this retention, in milliseconds.

        A customer may stand still for as long as anything is remembered, and looks back from there for as long again;
        what is a duplicate is known for a day.
        """
        return self.clock - 2 * retention - DAY


class States(Protocol):
    """The committed states of a partition."""

    def get(self, key: bytes) -> bytes | None:
        """Return the state of a key, None if there is none."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All of them, in any order."""


class Partition:
    """The state machine of one partition; `states` must be restored before it is made.

    With a `deployment` its rule set is a record of the log, deployments are an input, too, and at the next one that is
    offered it stands still: see `successor`. With `transfers`, the name of the topic by which ids of other partitions
    are merged, links are an input, too, and so are transfers; those of deployments that are neither this one nor among
    `ran`, which came before, wait.
    """

    def __init__(
        self,
        number: int,
        count: int,
        rules: RuleSet | PlannedRules,
        settings: EngineSettings,
        states: States,
        deployment: Deployment | None = None,
        transfers: str | None = None,
        ran: Sequence[str] = (),
        filling: Deployment | None = None,
        until: int | None = None,
    ) -> None:
        if filling is not None and filling.rules is not None:
            rules = with_filling(rules, filling.rules, filling.offset)
        self.number, self.count, self.rules, self.settings = number, count, rules, settings
        self.deployment = deployment
        """The record that has the rule set."""
        self.filled_by = filling
        """The record that asks for measures to be filled beside it."""
        deployments = () if deployment is None else (DEPLOYMENTS,)
        links = () if transfers is None else (IDENTITIES, transfers)
        self.inputs = topics_of(rules)
        """The topics of events and profiles that the rule set has."""
        self.topics: tuple[str, ...] = (*self.inputs, *deployments, *links)
        """All inputs."""
        self._coming: deque[Deployment] = deque()
        self._core = self._made(states, transfers, list(ran))
        if until is not None:
            self._core.keep_until(until)
        self._offered: dict[str, deque[Record]] = {topic: deque() for topic in self.topics}
        """Records that were offered as objects and are not collected yet: a dead letter names its record."""

    def _made(self, states: States, transfers: str | None, ran: list[str]) -> Core:
        rules, settings, deployment, filling = self.rules, self.settings, self.deployment, self.filled_by
        named = None
        if deployment is not None:
            named = (
                deployment.deployment_id,
                deployment.offset,
                deployment.at,
                list(deployment.forgotten),
            )
        filled = None if filling is None else (filling.deployment_id, filling.offset)
        limits, place = (settings.customer_limit, settings.customer_bytes), (self.number, self.count)
        try:
            return Core(rules.native, *place, settings.grace, limits, states, named, transfers, ran, filled)
        except ValueError as error:
            raise SegmentsError(str(error)) from error

    @classmethod
    def deployed(
        cls,
        number: int,
        count: int,
        deployment: Deployment,
        states: States,
        transfers: str | None = None,
        ran: Sequence[str] = (),
        filling: Deployment | None = None,
    ) -> "Partition":
        """A partition that runs the rule set of a deployment, by its settings.

        States that another rule set wrote are taken over, before anything else happens, at the later of their clock and
        the deployment's instant. `filling`: the record of measures that are filled meanwhile. Raises SegmentsError,
        with the mend, if one of them can't be read.
        """
        if filling is not None:
            runnable(filling)
        rules, settings = runnable(deployment).rules, deployment.settings
        if rules is None or settings is None:
            raise SegmentsError(f"Deployment {deployment.deployment_id} brings no rule set.")
        record = states.get(POSITION_KEY)
        clock = BEFORE_ALL if record is None else position_of(record).clock
        left = [each for each in deployment.kept if each.until > clock]
        rules = with_kept(rules, [each.rules for each in left])
        until = min((each.until for each in left), default=None) if rules is not deployment.rules else None
        return cls(number, count, rules, settings, states, deployment, transfers, ran, filling, until)

    @property
    def successor(self) -> Deployment | None:
        """The deployment that goes next, once all before it is done; the partition does nothing any more.

        The caller commits, and makes a new partition by `deployed`. It is the deployment that runs already if
        measures of earlier rules need not be kept any more.
        """
        if self._core.over:
            return self.deployment
        found = self._core.successor
        if found is None:
            return None
        while self._coming[0].offset < found[0]:
            self._coming.popleft()
        return self._coming[0]

    @property
    def clock(self) -> int:
        """In milliseconds; `BEFORE_ALL` until something was applied."""
        return self._core.clock

    @property
    def offsets(self) -> dict[str, int]:
        """The next offset expected by topic; a topic never read is absent."""
        return dict(self._core.offsets)

    @property
    def stamp(self) -> int:
        """A number that grows with every accepted run."""
        return self._core.stamp

    @property
    def waiting(self) -> bool:
        """Whether records wait for a `confirm`."""
        return self._core.waiting

    @property
    def next_due(self) -> int | None:
        """The instant of the earliest timer; it may be early."""
        return self._core.next_due

    @property
    def full(self) -> bool:
        """Whether the changed customers occupy so much memory that they should be committed."""
        return self._core.full

    @property
    def gathered(self) -> tuple[int, int]:
        """The number of flips, and of customers whose timers fired, since the last collection."""
        return self._core.gathered

    @property
    def members(self) -> Counter[str]:
        """The number of customers in each segment."""
        return Counter(self._core.members)

    @property
    def watches(self) -> Counter[str]:
        """The number of open watches of each segment that has any."""
        return Counter(self._core.watches)

    @property
    def pending(self) -> int:
        """The number of customers with a timer."""
        return self._core.pending

    @property
    def sweeping(self) -> int:
        """The number of customers that the new rule set has not taken over yet."""
        return self._core.sweeping

    @property
    def behind(self) -> int:
        """The number of customers whose states may be as an earlier rule set wrote them: nothing changed for them."""
        return self._core.behind

    def catch_up(self, most: int) -> bool:
        """Write up to so many of these states anew, with the next transaction. Returns whether there are more.

        They are read as they are meanwhile; before another rule set takes over all of them are written in any case.
        """
        return self._core.catch_up(most)

    @property
    def known_since(self) -> dict[str, int]:
        """The instant from which on a measure knows events, for measures that do not know all of them."""
        return {name: since for name, since in self._core.known_since.items() if not name.startswith(MARK)}

    def _asked(self, name: str) -> str:
        """Under which text a measure is asked for: once it is filled beside the rules, under that of what is filled."""
        filling = self.filling
        if filling is not None and filling.done and self.filled_by is not None:
            marked = mark(self.filled_by.offset) + name
            if marked in self.rules.data.measures:
                return marked
        return name

    def measures(self, name: str) -> bool:
        """Whether a measure, by its text, can be asked for: the rules read it, or it is filled for those that come."""
        return self._asked(name) in self.rules.data.measures

    def since(self, name: str) -> int | None:
        """The instant from which a measure that can be asked for knows events; None: from the beginning."""
        return self._core.known_since.get(self._asked(name))

    @property
    def filling(self) -> Filling | None:
        """Progress of filling measures from the past; None if there is nothing to fill."""
        found = self._core.filling
        return None if found is None else Filling(*found)

    def fill(self, past: "States", keys: Sequence[bytes]) -> None:
        """Put what the past has of these customers into their streams; those that were filled already are passed over.

        `past` has the states that the rules of `filled_by` made of the history before `filling.offsets`; the keys are
        those of customers, in order, and each call goes on where the one before ended.
        """
        assert self.filled_by is not None
        assert self.filled_by.rules is not None
        wanted = (each for key in keys for each in (key, key + OLDER))
        states = {each: state for each in wanted if (state := past.get(each)) is not None}
        self._core.fill(self.filled_by.rules.native, states, list(keys))

    def filled(self, complete: Mapping[str, int]) -> None:
        """Say that all customers are filled, and by topic from which instant on the history was whole."""
        self._core.filled([complete.get(topic, BEFORE_ALL) for topic in self.inputs])

    def begin(self, topic: str, offset: int) -> None:
        """Say where reading of a topic begins that was never read.

        A topic of a profile source that the rule set does not have is passed over, here and in `offer`.
        """
        if topic not in self.topics and is_source(topic):
            return
        self._core.begin(self.topics.index(topic), offset)

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> int | None:
        """Take in a fetched run covering offsets [start, end).

        Returns None if it is accepted (or was seen already), else the offset to fetch again: something was skipped.
        """
        if topic not in self.topics and is_source(topic):
            return None
        try:
            missing = self._core.offer(self.topics.index(topic), start, records, end)
        except LookupError as error:
            raise SegmentsError(str(error)) from error
        if missing is None:
            self._offered[topic].extend(records)
        return missing

    def offer_deployments(self, start: int, followed: list[Deployment], end: int) -> int | None:
        """Take in a run of `segment-deployments`: of its records those that the partition follows.

        Returns None if it is accepted, else the offset to fetch again, as `offer` does.
        """
        awaited = None if self.filled_by is None else self.filled_by.deployment_id
        records = [
            (
                each.offset,
                each.timestamp,
                each.at,
                each.kind == BORDERS,
                each.deployment_id + FILLED == awaited,
            )
            for each in followed
        ]
        missing = self._core.offer_deployments(start, records, end)
        if missing is None:
            known = self._coming[-1].offset if self._coming else -1
            self._coming.extend(each for each in followed if each.offset > known)
        return missing

    def offer_transfers(self, start: int, transfers: list[Transfer]) -> int | None:
        """Take in what other partitions of this process gave out, from an offset on. Returns what `offer` does."""
        return self._core.offer_transfers(start, transfers)

    def offer_fetched_transfers(
        self, records: Records, readable: Schemas, refused: list[tuple[int, str, bool]]
    ) -> tuple[int | None, Accepted]:
        """Decode a fetched run of the topic of transfers and take it in. Returns what `offer_fetched` does."""
        try:
            return offer_fetched_transfers(self._core, records, readable, refused)
        except LookupError as error:
            raise SegmentsError(str(error)) from error

    @property
    def head(self) -> int | None:
        """The instant of the next record in milliseconds; None if none waits."""
        return self._core.head()

    def identity(self, key: bytes) -> IdentityView | None:
        """The links of a customer; None if there are none."""
        return self._core.identity(key)

    def offer_fetched(
        self,
        topic: str,
        records: Records,
        readable: Schemas,
        refused: list[tuple[int, str, bool]],
    ) -> tuple[int | None, Accepted]:
        """Decode a fetched run and take it in. Returns the offset to fetch again, None if nothing is missing.

        The records are the partition's then; what they were is told. `refused` has those for which Kafka refused a
        transaction: offset, why, and whether it is refused outright; a profile that is not takes its consents alone.
        """
        try:
            return offer_fetched(self._core, self.topics.index(topic), records, readable, refused)
        except LookupError as error:
            raise SegmentsError(str(error)) from error

    def collect(self, outbox: Outbox, now: int) -> Transaction | None:
        """Everything since the last time, as finished batches; None if nothing changed. `now` is the wall clock."""
        return outbox.collect(self._core, now)

    def refuse(self, topic: str, offset: int, refusal: Refusal, *, outright: bool) -> None:
        """Refuse a record that is still to come; of a profile, unless `outright`, as if it were over a limit."""
        self._core.refuse(self.topics.index(topic), offset, refusal.reason, refusal.error, outright)

    def confirm(self, ends: Mapping[str, int], stamp: int, now: int | None) -> None:
        """Note the read-committed end offsets asked for at a stamp, and the wall clock read before asking.

        While another rule set takes over, the clock stays as it was committed: all are taken over at that one.
        """
        self._core.confirm([ends.get(topic) for topic in self.topics], stamp, now)

    def buffered(self, topic: str) -> int:
        """The number of waiting records of a topic."""
        if topic not in self.topics and is_source(topic):
            return 0
        return self._core.buffered(self.topics.index(topic))

    def advance(self, records: int = 5000) -> bool:
        """Apply up to `records` records and timers. Returns whether more can be done at once."""
        return self._core.advance(records)

    def time_rules(self, timed: bool) -> None:
        """Start or stop timing the evaluations of rules."""
        self._core.time_rules(timed)

    def poison(self, ids: list[str]) -> None:
        """Raise an error after an event with one of these ids is applied: for tests of undoing."""
        self._core.poison(ids)

    def apart_from(self, entries: int) -> None:
        """Write older entries into a second record from this many entries on: for tests of that."""
        self._core.apart_from(entries)

    def costs(self) -> list[tuple[float, int]]:
        """By place of the rule: seconds and number of the evaluations timed since the last call."""
        return self._core.costs()

    def until(self, instant: int) -> None:
        """Fire all timers up to and including an instant: the end of a replay, or a line of a story."""
        self._core.until(instant)

    def collect_effects(self) -> Effects | None:
        """Return all effects since the last call, to be committed as a whole; None if nothing changed."""
        found = self._core.collect_effects()
        if found is None:
            return None
        letters = [self._letter(*each) for each in found.pop("dead_letters")]
        outcomes = Counter(found.pop("outcomes"))
        notices = [Notice(kind, self.topics[topic], *rest) for kind, topic, *rest in found.pop("notices")]
        reasons = Counter(letter.reason for letter in letters)
        effects = Effects(dead_letters=letters, outcomes=outcomes, notices=notices, reasons=reasons, **found)
        for topic, offset in effects.offsets.items():
            offered = self._offered.get(topic)
            while offered and offered[0].offset < offset:
                offered.popleft()
        return effects

    def _letter(
        self,
        topic: int,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        reason: str,
        error: str,
        partition: int | None,
    ) -> DeadLetter:
        name = self.topics[topic]
        offered = self._offered[name] if partition in {None, self.number} else ()
        found = next((each for each in offered if each.offset == offset), None)
        record = Record(name, offset, timestamp, key, value, None) if found is None else found
        return DeadLetter(record, reason, error, partition)

    def customer(self, key: bytes) -> CustomerView | None:
        """The state of a customer as a view, None if there is none."""
        return self._core.customer(key)

    def why(self, key: bytes, at: int = BEFORE_ALL) -> WhyView:
        """Evaluate all rules for a customer, as of the clock, or of `at` if that is later."""
        return self._core.why(key, at)

    def worths(
        self, keys: Sequence[bytes], measures: Sequence[str], consent: str | None = None
    ) -> tuple[list[list[int]], list[bytes]]:
        """What measures of the plan, by their texts, come to for customers who have given a consent, or for all.

        Of each the values in millionths, rounded down, without zeros; and the keys of those for whom something is due.
        """
        numbers = [self.rules.data.measures.index(self._asked(short_name(each))) for each in measures]
        return self._core.worths(list(keys), numbers, consent)

    def remembered(self, key: bytes) -> dict[str, Any] | None:
        """All that is remembered of a customer and still needed, None if nothing is.

        What `customer` tells, and: `dues` by segment, the open `watches` (revenue in cents), `ids` (digest, instant),
        `attributes`, `consents`, and in `streams` by identity the rows of each key (None where there are no keys):
        instant, columns, end of a visit.
        """
        return self._core.remembered(key)
