"""The purchases of each customer, taken from a history: what a model is fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segments import language
from segments.engine import Record
from segments.insight.fitting.buyers import Purchase
from segments.language.catalogue import is_source
from segments.language.errors import RuleError, SegmentsError
from segments.language.nodes.events import Events
from segments.language.truth.memory import Memory
from segments.language.truth.oracle import passing


class FitError(SegmentsError):
    """A model that can't be fitted or written; the message says why."""


def set_of(text: str) -> Events:
    """The set of purchases that a text says, as a rule writes it: `purchase.where(purchase.channel == "web")`."""
    names = {name: getattr(language, name) for name in language.__all__}
    try:
        found = eval(text, {"__builtins__": {}, **names})  # noqa: S307 - written by who runs the command
    except (RuleError, SyntaxError, NameError, TypeError, AttributeError) as error:
        said = f"{error.problem} {error.mend}" if isinstance(error, RuleError) else str(error)
        raise FitError(f"--of {text}: {said}") from None
    narrowed = ("key", "reset", "match", "offset")
    if not isinstance(found, Events) or any(getattr(found, each) is not None for each in narrowed):
        mend = "write, say, --of 'purchase.where(purchase.channel == \"web\")'"
        raise FitError(f"--of {text}: a set of purchases was expected, narrowed by where alone; {mend}")
    if found.source.lines or found.source.visits or len(found.source.topics) != 1:
        raise FitError(f"--of {text}: purchases were expected, or events of a kind of your own")
    return found


@dataclass(slots=True)
class Purchases:
    """Takes in a history, and keeps of each customer the purchases: a `Reader` of `streams.history`."""

    of: Events
    currency: str
    events: dict[str, dict[str, tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)
    """By customer and event id, the topic and the event."""
    erased: dict[str, int] = field(default_factory=dict)

    def begin(self, number: int, starts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Another partition; of customers nothing is shared between partitions."""

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:  # noqa: ARG002
        """Keep the events of the set; an event id counts once."""
        name = self.of.source.topics[0].name
        for record in records:
            if is_source(topic) and record.event is None and record.key is not None:
                key = record.key.decode(errors="replace")
                self.erased[key] = max(self.erased.get(key, record.timestamp), record.timestamp)
            elif topic == name and isinstance(record.event, dict):
                event = record.event
                if self.of.source.kinds is None or event["kind"] in self.of.source.kinds:
                    held = self.events.setdefault(event["customer_id"], {})
                    held.setdefault(event["event_id"], (topic, event))

    def work(self) -> None:
        """Nothing waits."""

    def buffered(self, topic: str) -> int:  # noqa: ARG002
        """Nothing waits."""
        return 0

    def by_customer(self) -> dict[str, list[Purchase]]:
        """The purchases of each customer that the set has, in order of time."""
        found = {}
        for customer, held in self.events.items():
            memory = Memory(self.currency, events=list(held.values()))
            erased = self.erased.get(customer, -1)
            rows = [each for each in passing(self.of, memory, None, None) if each["occurred_at"] > erased]
            if rows:
                found[customer] = [(each["occurred_at"], _amount(each, self.currency)) for each in rows]
        return found


def _amount(event: Mapping[str, Any], currency: str) -> Any:
    if "amount" not in event or event.get("currency") != currency:
        return None
    return language.Decimal(event["amount"]).scaleb(-2)
