"""The event on a line of a story: `purchase amount=150 channel=web` as the record that a shop would send."""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from segments.language.catalogue import (
    ANY_EVENT,
    CLICKSTREAM,
    EVENT_TOPICS,
    LINE,
    PROFILES,
    TRANSACTIONS,
    VISIT,
    Topic,
    Type,
)
from segments.language.errors import Origin, StoryError

CUSTOMER = "customer"

_TOPICS = {kind: topic for topic in EVENT_TOPICS for kind in topic.kinds}
_TRANSACTION_FIELDS = TRANSACTIONS.names(Type.TEXT, Type.MONEY)
_ITEM_FIELDS = tuple(each.name for each in LINE)
_MONEY = re.compile(r"\d{1,10}(\.\d{1,2})?")


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """An event of a story: the topic it would come in, and the record; `None` erases the customer."""

    topic: str
    record: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class StoryField:
    """A field as a story tells it: `amount=150`; quoted values are texts, whatever they look like."""

    name: str
    value: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class EventBuilder:
    """Makes the record of one line: when it is, its number, the shop's currency and its own kinds."""

    origin: Origin
    instant: int
    number: str
    currency: str
    own_kinds: Collection[str]

    def event(self, kind: str, told: Sequence[StoryField]) -> StoryEvent:
        """The event that a line tells of."""
        if kind == "erase":
            self._known([each.name for each in told], (), "erase")
            return StoryEvent(PROFILES.name, None)
        if kind == "profile":
            return StoryEvent(PROFILES.name, self._head() | self._profile(told))
        topic = _TOPICS.get(kind, CLICKSTREAM)
        if topic is TRANSACTIONS:
            return StoryEvent(topic.name, self._head() | self._transaction(kind, told))
        if kind == "click":
            given = {each.name: each.value for each in told}
            kind, told = given.get("kind", ""), [each for each in told if each.name != "kind"]
            if not kind:
                raise self.error("click has no kind.", "Write, say, click kind=wishlist_add.")
        elif kind not in _TOPICS and kind not in self.own_kinds:
            raise self._unknown_kind(kind)
        return StoryEvent(topic.name, self._head() | self._texts(topic, kind, told))

    def error(self, problem: str, mend: str) -> StoryError:
        """An error on this line."""
        return StoryError(problem, mend, self.origin)

    def _head(self) -> dict[str, Any]:
        return {"event_id": f"event-{self.number}", "customer_id": CUSTOMER, "occurred_at": self.instant}

    def _texts(self, topic: Topic, kind: str, told: Sequence[StoryField]) -> dict[str, Any]:
        """An event of texts and attributes, such as a click."""
        own, plain = _attributes(told)
        self._known([each.name for each in plain], topic.names(Type.TEXT), kind)
        record: dict[str, Any] = {"kind": kind} | self._defaults(topic) | {"attributes": own}
        return record | {each.name: each.value for each in plain}

    def _defaults(self, topic: Topic) -> dict[str, str | None]:
        """The texts of an event that its line does not tell: a required one is its name and the number of the event."""
        names = set(topic.names(Type.TEXT)) - {"event_id"}
        fields = [each for each in topic.fields if each.name in names]
        return {
            each.name: None if each.optional else f"{each.name.removesuffix('_id')}-{self.number}"
            for each in fields
        }

    def _transaction(self, kind: str, told: Sequence[StoryField]) -> dict[str, Any]:
        own, told = _attributes(told)
        self._known([each.name for each in told], _TRANSACTION_FIELDS + _ITEM_FIELDS, kind)
        given = {each.name: each for each in told}
        record: dict[str, Any] = {name: given[name].value for name in given if name in _TRANSACTION_FIELDS}
        record["amount"] = self._cents(record["amount"], "amount") if "amount" in record else 0
        defaults = {"kind": kind} | self._defaults(TRANSACTIONS) | {"currency": self.currency}
        items = self._items([each for each in told if each.name in _ITEM_FIELDS])
        return defaults | record | {"items": items, "attributes": own}

    def _items(self, told: Sequence[StoryField]) -> list[dict[str, Any]]:
        """The lines of the order: `product_id=a,b price=10,20` are two; a single value is that of each."""
        columns = {each.name: [each.value] if each.quoted else each.value.split(",") for each in told}
        length = max(map(len, columns.values()), default=0)
        for name, values in columns.items():
            if len(values) not in (1, length):
                mend = f"Give one value, or {length}."
                raise self.error(f"{name} has {len(values)} values where another field has {length}.", mend)
        lines = [{name: values[n % len(values)] for name, values in columns.items()} for n in range(length)]
        return [self._item(line) for line in lines]

    def _item(self, line: dict[str, str]) -> dict[str, Any]:
        quantity = line.get("quantity", "1")
        if not quantity.isdecimal():
            raise self.error(f"quantity={quantity}: a whole number was expected.", "Write, say, quantity=2.")
        return {
            "product_id": line.get("product_id", "product"),
            "category": line.get("category"),
            "quantity": int(quantity),
            "price": self._cents(line.get("price", "0"), "price"),
        }

    def _profile(self, told: Sequence[StoryField]) -> dict[str, Any]:
        """A profile is whole: what the line does not say, the customer does not have."""
        attributes, consents, lists = {}, {}, {}
        for each in told:
            map_, _, name = each.name.partition(".")
            if map_ == "consents" and name:
                raise self.error(f"{each.name}: a story says consent.", f"Write consent.{name}={each.value}.")
            if map_ == "consent" and name:
                if each.value not in ("true", "false"):
                    raise self.error(
                        f"{each.name}={each.value}: true or false was expected.", f"{each.name}=true"
                    )
                consents[name] = each.value == "true"
            elif map_ == "lists" and name:
                lists[name] = (
                    [each.value] if each.quoted else [part for part in each.value.split(",") if part]
                )
            else:
                attributes[each.name.removeprefix("attributes.")] = _attribute(each)
        return {"attributes": attributes, "consents": consents, "lists": lists}

    def _cents(self, value: str, name: str) -> int:
        if not _MONEY.fullmatch(value):
            problem = f"{name}={value}: an amount of money, at most two decimals, not negative, was expected."
            raise self.error(problem, f"Write, say, {name}=150 or {name}=49.99.")
        whole, _, part = value.partition(".")
        return int(whole) * 100 + int(part.ljust(2, "0") or 0)

    def _known(self, names: Iterable[str], known: Collection[str], kind: str) -> None:
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                mend = f"Did you mean {near[0]}?" if near else self._fields(name, known, kind)
                raise self.error(f"{kind} has no field {name!r}.", mend)

    def _fields(self, name: str, known: Collection[str], kind: str) -> str:
        own = f" An attribute of the shop's own is written attributes.{name}=..." if known else ""
        return f"It has: {', '.join(known)}.{own}" if known else f"Write {kind} alone."

    def _unknown_kind(self, kind: str) -> StoryError:
        if kind in (VISIT.name, ANY_EVENT.name):
            return self.error(f"{kind} is a set of events; a story tells events.", "Write page_view.")
        known = (
            *_TOPICS,
            "profile",
            "erase",
            "enters",
            "leaves",
            *sorted(self.own_kinds),
        )
        near = difflib.get_close_matches(kind, known, n=1)
        mend = (
            f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}, and click kind={kind}."
        )
        return self.error(f"There is no kind of event named {kind!r}.", mend)


def _attributes(told: Sequence[StoryField]) -> tuple[dict[str, str], list[StoryField]]:
    """Attributes of the shop's own, by name, and the other fields."""
    own = [each for each in told if each.name.startswith("attributes.")]
    named = {each.name.removeprefix("attributes."): each.value for each in own}
    return named, [each for each in told if each not in own]


def _attribute(told: StoryField) -> str | float | bool:
    if told.quoted:
        return told.value
    if told.value in ("true", "false"):
        return told.value == "true"
    number: Callable[[str], re.Match[str] | None] = re.compile(r"-?\d+(\.\d+)?").fullmatch
    return float(told.value) if number(told.value) else told.value
