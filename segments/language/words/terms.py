"""Measures and calculations as nouns, in English or Dutch: `the number of visits in the past 7 days`."""

from collections.abc import Callable
from decimal import Decimal
from typing import cast

from segments.language.catalogue import Type
from segments.language.nodes.arithmetic import Calculated, Product, Quotient, Sum
from segments.language.nodes.details import Listed
from segments.language.nodes.durations import DAY
from segments.language.nodes.fields import Field
from segments.language.nodes.measures import Measure
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.text import plain
from segments.language.words.calendar import Calendar
from segments.language.words.grammar import Noun
from segments.language.words.shares import one_window, share_of


class Terms(Calendar):
    """What is measured, as a noun of one language."""

    def calculated(self, leaf: Calculated) -> str:
        """What is compared, as a noun: `visits as a percentage of purchases, measured over the past 7 days`."""
        share = share_of(leaf)
        return self._spanned(
            leaf, lambda: self.term(leaf.left) if share is None else self._share_of(*share[:2])
        )

    def _spanned(self, leaf: Calculated, say: Callable[[], str]) -> str:
        """What is said of a calculation, with the window of all its measures once."""
        events = one_window(leaf)
        if events is None:
            return say()
        self.spanned = True
        said = say()
        self.spanned = False
        span = self._span(events).removeprefix("in ")
        return self.word("measured").format(said=said.removesuffix(","), span=span)

    def _share_of(self, part: Measure, whole: Measure) -> str:
        return self.word("as_share_of").format(part=self._measure(part), whole=self._measure(whole))

    def percent(self, number: Decimal) -> str:
        """`12.5 %`."""
        return self.word("percent").format(number=self.vocabulary.number(format(number.normalize(), "f")))

    def term(self, term: object, *, within: bool = False) -> str:
        """A calculated value as a noun; `within` another one it may need brackets."""
        match term:
            case Sum(left, sign, right):
                word = self.word("plus" if sign == "+" else "minus")
                text = f"{self.term(left)} {word} {self.term(right, within=sign == '-')}"
                return f"({text})" if within else text
            case Product(factor, of):
                return f"{self.vocabulary.number(plain(factor))} {self.word('times')} {self.term(of, within=True)}"
            case Quotient(left, right):
                text = f"{self.term(left, within=True)} {self.word('divided_by')} {self.term(right, within=True)}"
                return f"({text})" if within else text
            case Measure():
                return self._measure(term)
        return self.vocabulary.number(plain(term))

    def _measure(self, measure: Measure) -> str:
        """`the number of visits in the past 7 days`, `the time since the latest purchase …`."""
        noun, kind = self.vocabulary.noun_of_events(measure.events.source), measure.kind
        if isinstance(measure, Predicted):
            return self._predicted(measure).removesuffix(",")
        if isinstance(measure, Listed):
            listed = cast("Field", measure.field)
            field = self.vocabulary.noun_of_field(listed.name, listed.key).many
            return self.word("values").format(field=field, events=noun.many) + self.narrowed(measure.events)
        if kind.counts:
            among, counted = "", noun.many
            if measure.field is not None:
                among = f" {self.word('among_the')} {noun.many}"
                of = self.vocabulary.noun_of_field(measure.field.name, measure.field.key)
                counted = self._different(of).many
            return f"{self._number_of(counted)}{among}{self.narrowed(measure.events)}"
        if kind.grows:
            latest = self.vocabulary.the(noun, self.word(kind.word))
            return f"{self.word('the')} {self.word('time_since')} {latest}{self.narrowed(measure.events)}"
        if kind.duration:
            return f"{self.word('the')} {self.word(kind.word)} {noun.many}{self.narrowed(measure.events)}"
        return self._of_field(measure)

    def _predicted(self, measure: Predicted) -> str:
        """`the probability of another purchase, by the model “buyers” of the purchases in the past 365 days,`."""
        noun = self.vocabulary.noun_of_events(measure.events.source)
        span = self.vocabulary.span(measure.days * DAY)
        said = self.word(measure.kind.word).format(span=span)
        by = self.word("by_model").format(name=measure.of.known_as, events=noun.many)
        return f"{said}{by}{self.narrowed(measure.events)},"

    def _number_of(self, counted: str) -> str:
        """`the number of visits`, `het aantal bezoeken`."""
        of = "of " if self.vocabulary.code == "en" else ""
        return f"{self.word('the_neuter')} {self.word('number_of')} {of}{counted}"

    def _different(self, noun: Noun) -> Noun:
        one = self.word("different_neuter" if noun.neuter else "different")
        return Noun(f"{one} {noun.one}", f"{self.word('different')} {noun.many}", noun.neuter)

    def _of_field(self, measure: Measure) -> str:
        """`the total amount of the purchases in the past 365 days`."""
        of = cast("Field", measure.field)  # only counts and durations have none
        name = measure.kind.word
        if of.type is Type.TEXT and name in ("max", "min"):
            day = {"max": "latest", "min": "earliest"}
            name = day[name] if of.name == "day" else f"{name}_text"
        field = self.vocabulary.the(self.vocabulary.noun_of_field(of.name, of.key), self.word(name))
        events = self.vocabulary.noun_of_events(measure.events.source).many
        return f"{field} {self.word('of_the')} {events}{self.narrowed(measure.events)}"
