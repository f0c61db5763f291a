"""What follows the noun of an event set, and what a field is compared with, in one language."""

from collections.abc import Mapping
from decimal import Decimal

from segments.language.catalogue import Type
from segments.language.nodes.events import Events
from segments.language.nodes.fields import AllTests, AnyTest, Field, Filter, NotTest, Test
from segments.language.nodes.text import plain
from segments.language.words.grammar import Vocabulary

NAMED = ("==", "!=", "is_in")
"""Operators with which a month is told by its name; of others the numbers have an order."""


class Narrowing:
    """`(whose channel is “web”) in the past 7 days and since the latest purchase`."""

    def __init__(self, vocabulary: Vocabulary, currency: str) -> None:
        self.vocabulary = vocabulary
        self.currency = currency
        self.each = False
        """Whether every `by` is taken at the value that the segment is asked at."""
        self.spanned = False
        """Whether the window is told once for all measures, and not with each."""

    def word(self, name: str) -> str:
        """A word of the language."""
        return self.vocabulary.words[name]

    def narrowed(self, events: Events, *, span: bool = True) -> str:
        """What follows the noun: filter and key, then, unless left out, the window and what came before."""
        text = self._where(events) + (
            self._same("that_same" if self.each else "same", events.key) if events.key is not None else ""
        )
        text += self._after(events)
        spans = [self._span(events)] if events.window and span and not self.spanned else []
        if events.reset is not None and span:
            noun = self.vocabulary.noun_of_events(events.reset.source)
            latest = self.vocabulary.the(noun, self.word("then_latest" if events.offset else "latest"))
            since = f"{self.word('since')} {latest}{self._where(events.reset)}"
            spans.append(
                since
                + (self._same("that_same", events.reset.match) if events.reset.match is not None else "")
            )
        return text + (" " + f" {self.word('and')} ".join(spans) if spans else "")

    def _span(self, events: Events) -> str:
        if events.period is not None:
            return self.word(events.period.name)
        if events.offset:
            return self.vocabulary.earlier(events.window or 0, events.offset)
        return self.vocabulary.past(events.window or 0)

    def _after(self, events: Events) -> str:
        """` within 30 days after clicks in mails`, which may have come after others."""
        if events.follows is None:
            return ""
        before = events.follows
        said = self.word("after").format(
            span=self.vocabulary.span(events.span or 0),
            events=self.vocabulary.noun_of_events(before.source).many,
        )
        same = self._same("that_same", before.match) if before.match is not None else ""
        return f" {said}{self._where(before)}{same}{self._after(before)}"

    def _same(self, word: str, field: Field) -> str:
        noun = self.vocabulary.noun_of_field(field.name, field.key)
        return f" {self.word(f'{word}_neuter' if noun.neuter else word)} {noun.one}"

    def _where(self, events: Events) -> str:
        return "" if events.filter is None else f" ({self.word('whose')} {self._tests(events.filter)})"

    def _tests(self, test: Filter, *, negated: bool = False, nested: bool = False) -> str:
        match test:
            case NotTest(inner):
                return self._tests(inner, negated=not negated, nested=nested)
            case AllTests(tests) | AnyTest(tests):
                every = isinstance(test, AllTests) is not negated
                said = [self._tests(each, negated=negated, nested=True) for each in tests]
                text = f" {self.word('and' if every else 'or')} ".join(said)
                return f"({text})" if nested and len(said) > 1 else text
            case Test(field, operator, bound):
                subject = self.vocabulary.the(self.vocabulary.noun_of_field(field.name, field.key)).split(
                    " ", 1
                )
                said_of = " ".join(subject) if self.vocabulary.code == "nl" else subject[1]
                if negated and operator == "!=":
                    compared = self.compared("==", bound, field.type, field)
                    return (
                        f"{self.vocabulary.clause(said_of, self.word('is'), compared)} {self.word('missing')}"
                    )
                compared = self.compared(operator, bound, field.type, field)
                if not negated:
                    return self.vocabulary.clause(said_of, self.word("is"), compared)
                clause = self.vocabulary.clause(said_of, self.word("is"), f"{self.word('not')} {compared}")
                return f"{clause} {self.word('missing')}"
        raise TypeError(test)

    def compared(self, operator: str, bound: object, type_: Type | None, field: Field | None) -> str:
        """What a value is: `at least EUR 500.00`, `“web”`, `something other than “web”`."""
        if field is not None and field.key is None and field.name == "weekday":
            return self._named(operator, bound, self.vocabulary.words)
        if field is not None and field.key is None and field.name == "month" and operator in NAMED:
            months = {str(number): name for number, name in enumerate(self.vocabulary.months, 1)}
            return self._named(operator, bound, months)
        if operator == "is_in" and isinstance(bound, tuple):
            return self._either([self.value(each, type_) for each in bound])
        if bound == "" and operator in ("==", "!="):
            return self.word("empty" if operator == "==" else "not_empty")
        value = self.value(bound, type_)
        if operator == "==":
            return value
        if operator == "!=":
            return f"{self.word('something_else')} {value}"
        if not isinstance(bound, str):
            return self.how(operator, value)
        date = field is not None and field.name == "day"
        text = self.word(f"{operator}text").format(bound=bound if date else value)
        return text if date else text + self.word("alphabet")

    def _named(self, operator: str, bound: object, names: Mapping[str, str]) -> str:
        """Days of the week and months by their names."""
        bounds = bound if isinstance(bound, tuple) else (bound,)
        said = self._either([names.get(str(each), str(each)) for each in bounds])
        return f"{self.word('something_else')} {said}" if operator == "!=" else said

    def how(self, operator: str, value: str) -> str:
        """`at least 3`."""
        return value if operator == "is_in" else f"{self.word(operator)} {value}"

    def _either(self, values: list[str]) -> str:
        *head, last = values or [self.word("nothing")]
        return f"{', '.join(head)} {self.word('or')} {last}" if head else last

    def value(self, bound: object, type_: Type | None) -> str:
        """`3`, `EUR 500.00`, `“web”`, `yes`; of several `1, 3 or 5`."""
        if isinstance(bound, tuple):
            return self._either([self.value(each, type_) for each in bound])
        if isinstance(bound, bool):
            return self.word("yes" if bound else "no_value")
        if isinstance(bound, str):
            return f"“{bound}”"
        if type_ is Type.MONEY and isinstance(bound, int | Decimal):
            cents = (
                bound if isinstance(bound, Decimal) and bound.as_tuple().exponent in (-2, -3, -4) else None
            )
            amount = format(cents, "f") if cents is not None else f"{bound:.2f}"
            symbol = self.vocabulary.currencies.get(self.currency, self.currency)
            return f"{symbol} {self.vocabulary.number(amount, grouped=True)}"
        return self.vocabulary.number(plain(bound), grouped=type_ is Type.WHOLE)
