"""New measures of a partition are filled from its past, as if they had always been there.

First every state is written anew with what the past has to say, which nothing shows yet: a measure is asked only for
events from its *known since* on. Then the record beside the customers says that the measures know more, in one stroke,
and whoever takes the partition over next sweeps it as for any other change of rules. So a crash at any moment leaves a
state that is right, and filling begins anew.
"""

from collections.abc import Iterator, Mapping, Sequence

from segments.engine._native import Fill
from segments.engine._native import Refill as Core
from segments.engine.door import States
from segments.engine.past import Past
from segments.engine.records import BEFORE_ALL, CLICKSTREAM, INPUTS, TRANSACTIONS
from segments.engine.rules import RuleSet
from segments.language.errors import SegmentsError

AT_ONCE = 500
"""Customers in a transaction."""

EVENTS = (CLICKSTREAM, TRANSACTIONS)
"""The topics of events; profiles are kept whole anyway."""

Complete = Mapping[str, int]
"""For each topic of events, the instant from which on all that occurred is in the history; BEFORE_ALL: all of it."""


class Refill:
    """The measures of some rules, and of the rules that these read, in one partition."""

    def __init__(self, states: States, rules: RuleSet, wanted: Sequence[str], count: int) -> None:
        if valued := [each.id for each in rules.segments if each.has_values]:
            raise SegmentsError(
                f"{', '.join(valued)}: segments with values are not filled from the past yet. Leave these rules out:"
                " they learn from what comes."
            )
        self._asked = rules.native, list(wanted), count, states
        try:
            self._core = Core(*self._asked)
        except ValueError as error:
            raise SegmentsError(str(error)) from error

    @property
    def missing(self) -> dict[str, int]:
        """For each measure that does not know all, the instant from which it knows events."""
        return self._core.missing

    @property
    def clock(self) -> int:
        """The clock of the partition, as committed."""
        return self._core.clock

    @property
    def offsets(self) -> dict[str, int]:
        """How far each topic was applied: what came later is left to the worker."""
        return self._core.offsets

    @property
    def since(self) -> int:
        """What occurred before can't matter.

        A customer may stand still for as long as anything is remembered, and looks back from there for as long again;
        what is a duplicate is known for a day.
        """
        return self._core.since

    def known(self, complete: Complete) -> dict[str, int]:
        """For each measure that a history can fill, the instant from which it is known then."""
        return self._core.known(_by_number(complete))

    def batches(self, past: Past, complete: Complete) -> Iterator[dict[bytes, bytes | None]]:
        """States to be committed, each batch as a whole and in this order."""
        fill = Fill(*self._asked, past.states, _by_number(complete))
        while (changes := fill.next(AT_ONCE)) is not None:
            yield dict(changes)


def _by_number(complete: Complete) -> list[int]:
    return [complete.get(topic, BEFORE_ALL) for topic in INPUTS]
