"""The records of one partition, gathered by customer, and then added to the sums of a report."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import chain, repeat
from operator import itemgetter
from sys import intern
from typing import Any

from segments.engine import Activity, Records, Schemas
from segments.insight.outcomes.arms import Outcome
from segments.insight.outcomes.linked import Linked
from segments.insight.outcomes.past import CLICK, ON_SITE, OPEN, OTHER, PURCHASE, REFUND, SURVEY, Past
from segments.insight.outcomes.period import ALWAYS
from segments.insight.outcomes.stays import Flip, Membership
from segments.insight.outcomes.sums import Sums
from segments.language.catalogue import ON_SITE as ON_SITE_KINDS

Record = Mapping[str, Any]
"""In engine form: times in milliseconds, amounts in hundredths."""
KINDS = dict.fromkeys(ON_SITE_KINDS, ON_SITE) | {"email_open": OPEN, "email_click": CLICK, "survey": SURVEY}
TRANSACTIONS = {"purchase": PURCHASE, "refund": REFUND}
OCCURRED_AT = itemgetter(Outcome._fields.index("occurred_at"))


class Gathering:
    """One partition: an id is in it as a whole."""

    def __init__(
        self,
        sums: Sums,
        currency: str,
        *,
        inputs: bool,
        reach: int = ALWAYS,
        linked: Linked | None = None,
    ) -> None:
        """With `inputs` what customers did is gathered, too; from `reach` on the topics hold all of that.

        Of the ids of links it is kept by `linked`.
        """
        self._sums, self._inputs, self._reach = sums, inputs, reach
        self._linked = Linked(()) if linked is None else linked
        self._activity = Activity(currency, KINDS, OTHER, SURVEY, TRANSACTIONS)
        self._flips: dict[str, list[Flip]] = defaultdict(list)
        self._held: dict[str, list[Membership]] = {}
        self._outcomes: dict[str, list[Outcome]] = defaultdict(list)
        self._pasts: dict[str, Past] = {}
        self._told_until = ALWAYS

    def event(self, event: Record) -> None:
        """A `SegmentEvent`, in the order of its topic."""
        at = event["occurred_at"]
        self._told_until = max(self._told_until, at)
        flip = Flip(
            intern(event["segment"]),
            event["value"],
            at,
            event["transition"] == "enter",
            intern(event["reason"]),
            event["episode"],
            event["arm"],
        )
        self._flips[event["customer_id"]].append(flip)

    def memberships(self, customer: str, record: Record | None) -> None:
        """A `SegmentMemberships`, in the order of its topic; None: the customer was erased or forgotten."""
        if record is None or not record["segments"]:
            self._held.pop(customer, None)
        else:
            self._held[customer] = [
                Membership(intern(each["segment"]), each["value"], each["entered_at"])
                for each in record["segments"]
            ]

    def outcome(self, outcome: Record) -> None:
        """A `SegmentOutcome`, in the order of its topic."""
        self._told_until = max(self._told_until, outcome["occurred_at"])
        held_out = outcome["control"]
        told = Outcome(
            intern(outcome["segment"]),
            outcome["value"],
            outcome["entered_as"],
            outcome["entered_at"],
            outcome["episode"],
            outcome["kind"] == "matured",
            intern(outcome["reason"]),
            outcome["arm"],
            None if held_out is None else (intern(outcome["experiment"] or ""), intern(held_out)),
            intern(outcome["goal"]),
            outcome["first_goal_at"],
            outcome["occurred_at"],
            outcome["goals"],
            outcome["revenue"],
        )
        self._outcomes[outcome["customer_id"]].append(told)

    def outcomes(self, customers: list[str], rows: list[tuple[Any, ...]]) -> None:
        """Outcomes by the engine's reader: whose each is, and its fields in the order of `Outcome`."""
        known = self._outcomes
        for customer, told in zip(customers, map(tuple.__new__, repeat(Outcome), rows), strict=True):
            known[customer].append(told)
        self._told_until = max(self._told_until, max(map(OCCURRED_AT, rows), default=ALWAYS))

    def activity(self, name: str, records: Records, readable: Schemas) -> None:
        """Clicks or transactions as they were fetched; those that workers refuse are no number."""
        self._activity.add(name, records, readable)

    def past(self, customer: str) -> Past:
        """What a customer did; of that what is known by profiles, until the partition is read."""
        if customer not in self._pasts:
            self._pasts[customer] = Past(self._reach)
        return self._pasts[customer]

    def profile(self, customer: str, record: Record | None, timestamp: int) -> None:
        """A `Profile`; None: an erasure, at its Kafka timestamp."""
        if record is None:
            self.past(customer).erase(timestamp)
        else:
            self.past(customer).known(record["occurred_at"])

    def fold(self) -> None:
        """The partition is read: its customers are added up, and let go."""
        self._sums.part(self._told_until)
        flips, held, outcomes, pasts = self._flips, self._held, self._outcomes, self._pasts
        take, linked, nothing = self._sums.take, self._linked.ids, Past(self._reach)
        did = self._activity.customers()
        # In the order of their records, which lie in memory as they came: in another order it takes a third longer.
        for customer in list(dict.fromkeys(chain(outcomes, flips, held, pasts, did))):
            stays = take(
                customer, flips.pop(customer, ()), held.pop(customer, ()), outcomes.pop(customer, ())
            )
            if did and (found := self._activity.pop(customer)) is not None:
                self.past(customer).fill(*found)
            past = pasts.pop(customer, nothing)
            if customer in linked:
                self._linked.keep(customer, past, stays)
            elif self._inputs:
                self._sums.did(past, stays)
