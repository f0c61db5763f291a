"""Why a segment was entered or left: every leaf of the rule with its value and bound."""

from decimal import Decimal
from typing import Any

from segments.engine.customer import Customer
from segments.engine.rules import RuleSet
from segments.engine.tree import profile_test
from segments.language.catalogue import Type
from segments.language.nodes.conditions import Comparison, Condition, Consent, ProfileComparison
from segments.language.nodes.fields import Field
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import plain

MEAN_DIGITS = 10**6
LONGEST_TEXT = 1_024
"""Bytes of a measure, a value or a bound in evidence: what a rule or a key is made of may be far longer."""


def evidence(rules: RuleSet, place: int, customer: Customer, now: int) -> list[dict[str, Any]]:
    """One entry for each leaf condition of `when`, then of `until`, in source order."""
    return [_entry(rules, leaf, customer, now) for leaf in rules.leaves[place]]


def _entry(rules: RuleSet, leaf: Condition, customer: Customer, now: int) -> dict[str, Any]:
    text, bound = rules.texts[id(leaf)]
    if isinstance(leaf, Comparison):
        text, value, holds = _measured(rules, leaf, text, customer, now)
    else:
        value, holds = _known(rules, leaf, customer)
    return {
        "measure": cut(text),
        "value": None if value is None else cut(value),
        "bound": cut(bound),
        "holds": holds,
    }


def cut(text: str) -> str:
    """A text of at most 1,024 bytes: the beginning of a longer one, which ends in `…`."""
    if 4 * len(text) <= LONGEST_TEXT:
        return text
    encoded = text.encode()
    if len(encoded) <= LONGEST_TEXT:
        return text
    return encoded[: LONGEST_TEXT - len("…".encode())].decode(errors="ignore") + "…"


def _known(rules: RuleSet, leaf: Condition, customer: Customer) -> tuple[str | None, bool]:
    """The value of a leaf on the profile, a consent or a segment."""
    match leaf:
        case Consent(name):
            given = customer.consents.get(name)
            return None if given is None else plain(given), given is True
        case ProfileComparison(name, operator, bound):
            held = customer.profile.get(name)
            return None if held is None else plain(held), profile_test(held, operator, bound)
        case Segment(id=name):
            inside = customer.inside >> rules.ids.index(name) & 1 == 1
            return plain(inside), inside
    raise TypeError(leaf)


def _measured(
    rules: RuleSet, leaf: Comparison, text: str, customer: Customer, now: int
) -> tuple[str, str | None, bool]:
    """The value of a measure; for `by`, that of the smallest key that holds."""
    found = list(rules.compiled.each[rules.numbers[id(leaf)]](customer, now))
    key = leaf.measure.events.key
    if key is None:
        _, value, holds = found[0]
        return text, value_text(leaf.measure, value), holds
    held = [(each, value) for each, value, holds in found if holds]
    if not held:
        return text, None, False
    smallest, value = min(held, key=lambda pair: pair[0])
    return f"{text}[{_key_text(key, smallest)}]", value_text(leaf.measure, value), True


def _key_text(field: Field, key: Any) -> str:
    return money(key) if field.type is Type.MONEY else plain(key)


def money(cents: int) -> str:
    """Cents as an amount: 600.00."""
    return format(Decimal(cents).scaleb(-2), "f")


def value_text(measure: Measure, value: Any) -> str | None:
    """A measure's value as the evidence shows it."""
    if value is None:
        return "0" if measure.name == "sum" else None
    if measure.name == "mean":
        return _mean(value[0], value[1] * (100 if measure.type is Type.MONEY else 1))
    return money(value) if measure.type is Type.MONEY else plain(value)


def _mean(total: int, count: int) -> str:
    """Rounded half-even to six digits, by whole numbers only."""
    quotient, rest = divmod(total * MEAN_DIGITS, count)
    if 2 * rest > count or (2 * rest == count and quotient % 2):
        quotient += 1
    return format(Decimal(quotient).scaleb(-6), "f")
