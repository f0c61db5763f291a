"""The clauses of a rule, in English or Dutch, made from what the rule says: they cannot drift from it."""

from dataclasses import replace
from decimal import Decimal
from typing import Literal

from segments.language.catalogue import Type
from segments.language.nodes.arithmetic import Calculated, Term, power_of_money
from segments.language.nodes.borders import Top
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Consent,
    HasValue,
    Not,
    ProfileComparison,
)
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.measures import Measure
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.splits import Split
from segments.language.nodes.text import plain
from segments.language.words.dutch import DUTCH
from segments.language.words.english import ENGLISH
from segments.language.words.shares import contains, ends_it, share_of
from segments.language.words.terms import Terms

OPPOSITE = {">=": "<", "<": ">=", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
VOCABULARIES = {"en": ENGLISH, "nl": DUTCH}
Language = Literal["en", "nl"]


def speaker(language: Language, currency: str = "") -> "Words":
    """What says clauses in this language."""
    # Not above: the clauses of a language are built on those of this module.
    from segments.language.words.dutch_clauses import DutchWords

    return (DutchWords if language == "nl" else Words)(VOCABULARIES[language], currency)


class Words(Terms):
    """Clauses of one language, each such that it can follow `while`."""

    def condition(self, condition: Condition, *, negated: bool = False, nested: bool = False) -> str:
        """A condition as a clause; a negation is said of the leaves, where a reader expects it."""
        match condition:
            case Not(inner):
                return self.condition(inner, negated=not negated, nested=nested)
            case AllOf(parts) | AnyOf(parts):
                every = isinstance(condition, AllOf) is not negated
                said = [self.condition(part, negated=negated, nested=True) for part in parts]
                if not every:
                    both = f", {self.word('and')} "
                    said = [
                        f"({each})" if both in each and not each.startswith("(") else each for each in said
                    ]
                return self._joined(said, "and" if every else "or", nested)
        return self._leaf(condition, negated)

    def _joined(self, said: list[str], word: str, nested: bool) -> str:
        text = f", {self.word(word)} ".join(said)
        return f"({text})" if nested and len(said) > 1 else text

    def _leaf(self, leaf: Condition, negated: bool) -> str:
        no = "not_" if negated else ""
        match leaf:
            case Segment():
                where = self.word(f"{no}segment").format(name=self.vocabulary.title(leaf))
                return self.vocabulary.clause(self.word("customer"), self.word("in"), where)
            case ValueOf(segment, value):
                name = self.vocabulary.title(segment)
                where = self.word(f"{no}segment_of").format(name=name, value=value)
                return self.vocabulary.clause(self.word("customer"), self.word("in"), where)
            case Consent(name):
                what = self.word(f"{no}consent").format(name=name)
                return self.vocabulary.clause(self.word("there"), self.word("is"), what)
            case Split(name):
                what = self.word("split").format(share=self.share(leaf), name=name)
                no = f"{self.word('not')} " if negated else ""
                return self.vocabulary.clause(self.word("customer"), self.word("in"), no + what)
            case Comparison(measure, operator) if (
                negated and _always_a_number(measure) and operator in OPPOSITE
            ):
                return self._comparison(Comparison(measure, OPPOSITE[operator], leaf.bound, leaf.origin))
            case Comparison():
                clause = self._comparison(leaf)
            case Calculated():
                clause = self._calculated(leaf)
            case TodayComparison():
                return self.today(leaf, negated=negated)
            case DateComparison():
                clause = self.date(leaf)
            case HasValue(name, value):
                no = f"{self.word('not')} " if negated else ""
                what = f"{no}{self.word('listed').format(name=name)}"
                return self.vocabulary.clause(f"“{value}”", self.word("stands"), what)
            case ProfileComparison(name, operator, bound):
                return self._profile(name, self.compared(operator, bound, None, None), negated)
            case _:
                raise TypeError(leaf)
        if negated:
            return self.word("not_so").format(clause=f"({clause})" if ", " in clause else clause)
        return clause

    def share(self, leaf: Split) -> str:
        """`in the first 10 %`, `between 10 % and 50 %`."""
        start, end = (self.vocabulary.number(plain(each)) for each in leaf.bounds)
        return self.word("share_between" if leaf.start else "share_first").format(start=start, end=end)

    def _profile(self, name: str, compared: str, negated: bool) -> str:
        """`“country” in the profile is “NL”`; the opposite is true of a missing value, too."""
        subject, is_ = self.word("profile").format(name=name), self.word("is")
        if not negated:
            return self.vocabulary.clause(subject, is_, compared)
        opposite = self.vocabulary.clause(subject, is_, f"{self.word('not')} {compared}")
        return f"{opposite} {self.word('missing')}"

    def _comparison(self, leaf: Comparison) -> str:
        measure, operator, bound = leaf.measure, leaf.operator, leaf.bound
        if isinstance(bound, Top):
            share = self.vocabulary.number(plain(bound.percent))
            subject = self._predicted(measure) if isinstance(measure, Predicted) else self.term(measure)
            how = self.how(operator, self.word("border").format(share=share))
            return self.vocabulary.clause(subject, self.word("is"), how)
        if isinstance(measure, Predicted):
            if measure.name == "alive":
                value = self.percent(100 * Decimal(str(bound)))
            else:
                value = self.value(bound, Type.MONEY if measure.field is not None else None)
            return self.vocabulary.clause(
                self._predicted(measure), self.word("is"), self.how(operator, value)
            )
        if measure.kind.counts:
            return self._count(measure, operator, bound)
        if measure.kind.duration and not measure.kind.grows and isinstance(bound, int):
            how = self.how(operator, self.vocabulary.span(bound))
            return self.vocabulary.clause(self.term(measure), self.word("is"), how)
        if measure.kind.duration and isinstance(bound, int):
            return self._ago(leaf, bound)
        compared = self.compared(operator, bound, measure.type, measure.field)
        return self.vocabulary.clause(self._of_field(measure), self.word("is"), compared)

    def _ago(self, leaf: Comparison, bound: int) -> str:
        """`the latest visit in the past 7 days is at least 1 hour ago, and there are no purchases since`."""
        measure, reset = leaf.measure, leaf.measure.events.reset
        none_since = reset is not None and ends_it(measure)
        events = replace(measure.events, reset=None) if none_since else measure.events
        noun = self.vocabulary.noun_of_events(events.source)
        subject = self.vocabulary.the(noun, self.word(measure.kind.word)) + self.narrowed(events)
        how = self.how(leaf.operator, self.vocabulary.span(bound))
        ago = self.word("before_then" if events.offset else "ago")
        said = self.vocabulary.clause(subject, self.word("is"), f"{how} {ago}")
        if reset is None or not none_since:
            return said
        noun = self.vocabulary.noun_of_events(reset.source)
        return self.word("none_since").format(said=said, events=noun.many + self._where(reset))

    def _calculated(self, leaf: Calculated) -> str:
        """`the number of purchases is more than 2 times the number of visits, measured over the past 7 days`."""
        return self._spanned(leaf, lambda: self._weighed(leaf))

    def _weighed(self, leaf: Calculated) -> str:
        right = leaf.right
        share = share_of(leaf)
        if share is not None:
            return self._part_of(*share, leaf.operator)
        if isinstance(right, Duration):
            said = self.vocabulary.span(right.milliseconds)
        elif isinstance(right, Term):
            said = self.term(right)
        else:
            said = self.value(right, Type.MONEY if power_of_money(leaf.left) == 1 else None)
        return self._against(leaf, said)

    def _against(self, leaf: Calculated, said: str) -> str:
        """A calculated value beside what it is compared with."""
        return self.vocabulary.clause(self.term(leaf.left), self.word("is"), self.how(leaf.operator, said))

    def _part_of(self, part: Measure, whole: Measure, percent: Decimal, operator: str) -> str:
        """`the number of purchases (whose …) is at least 80 % of the total number of purchases`."""
        how = self.how(operator, self.percent(percent))
        is_part = operator in (">=", ">") and contains(whole, part)
        if not is_part:
            # Of nothing there is no percentage, as there is no quotient.
            return self.vocabulary.clause(self._share_of(part, whole), self.word("is"), how)
        said = self._measure(whole)
        if whole.kind.counts:
            said = said.replace(self.word("number_of"), self.word("total_number"), 1)
        behind = self.word("of_total").format(whole=said)
        return self.vocabulary.clause(self._measure(part), self.word("is"), how, behind)

    def _count(self, measure: Measure, operator: str, bound: object) -> str:
        """`there are at least 3 visits in the past 7 days`; of nothing: `there are no visits`."""
        events, noun = measure.events, self.vocabulary.noun_of_events(measure.events.source)
        among = ""
        if measure.field is not None:
            among = f" {self.word('among_the')} {noun.many}"
            noun = self._different(self.vocabulary.noun_of_field(measure.field.name, measure.field.key))
        if (operator, bound) in (("==", 0), ("<=", 0), ("<", 1)):
            how, bound = self.word("no"), 0
        elif (operator, bound) == (">", 0):
            how, bound = self.how(">=", "1"), 1
        else:
            how = self.how("fewer" if operator == "<" else operator, self.value(bound, Type.WHOLE))
        verb = self.word("is" if bound == 1 else "are")
        return self.vocabulary.clause(
            self.word("there"), verb, f"{how} {noun.of(bound)}{among}{self.narrowed(events)}"
        )


def _always_a_number(measure: Measure) -> bool:
    """Counts and sums of nothing are 0, so that the opposite of a comparison is a comparison too."""
    return measure.kind.of_nothing == 0 and measure.events.key is None
