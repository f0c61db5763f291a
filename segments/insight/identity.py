"""Ids that became one customer: where an id goes on, and what was merged into one."""

from collections.abc import Callable
from typing import Any

from segments.engine import Partition

Answer = dict[str, Any]

TRANSFERS = "transfers"
"""What the topic is called by which partitions hand each other ids that are merged: there is none in a replay."""
MOST = 100
"""Redirects that are followed from one id: as many as ids may be merged into one."""


def identity_of(partition: Partition, customer_id: str) -> dict[str, Any] | None:
    """What is remembered of links of a customer, instants in milliseconds; None: nothing is.

    `into`: the id that this one goes on as, by `link` at `linked_at`; all three None if it is itself. `merged`: for
    each id that goes on as this one `customer_id`, `link`, the latest instant `at`, and `refused`, true while its
    state waits among the dead letters.
    """
    found = partition.identity(customer_id.encode())
    return None if found is None else dict(found)


def goes_on(partition: Partition, key: bytes) -> bool:
    """Whether an id goes on as another one, which has all that was remembered of it."""
    found = partition.identity(key)
    return found is not None and found["into"] is not None


def followed(ask: Callable[[str], Answer | None], customer_id: str) -> Answer | None:
    """The answer about who a customer goes on as, with the ids on the way in `redirected_from`.

    `ask` gives the answer about an id, with what `identity_of` says of it in `identity`; None if it can't tell. Then
    the last answer is given, whose `identity` says where it goes on.
    """
    answer = ask(customer_id)
    # The worker that answered may have followed some of them.
    passed: list[str] = [] if answer is None else [*answer.get("redirected_from", ())]
    while answer is not None:
        into = (answer["identity"] or {}).get("into")
        if into is None or into in passed or into == answer["customer_id"] or len(passed) >= MOST:
            break
        further = ask(into)
        if further is None:
            break
        passed += [answer["customer_id"], *further.get("redirected_from", ())]
        answer = further
    return None if answer is None else answer | {"redirected_from": passed}
