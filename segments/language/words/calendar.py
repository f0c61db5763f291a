"""What the clock shows now, and dates of the profile, as clauses of one language."""

from segments.language.catalogue import ANY_EVENT
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.dates import DateComparison, Years
from segments.language.nodes.fields import Field
from segments.language.words.narrowing import Narrowing


class Calendar(Narrowing):
    """`the weekday today is Saturday or Sunday`, `the date “contract_ends” in the profile is at most 30 days ahead`."""

    def today(self, leaf: TodayComparison, *, negated: bool = False) -> str:
        """A condition on now, or its opposite."""
        of = Field(ANY_EVENT, leaf.part, leaf.type)
        compared = self.compared(leaf.operator, leaf.bound, leaf.type, of)
        no = f"{self.word('not')} " if negated else ""
        return self.vocabulary.clause(self.word(f"today_{leaf.part}"), self.word("is"), no + compared)

    def date(self, leaf: DateComparison) -> str:
        """A condition on a date of the profile."""
        how = self.how(leaf.operator, self.span_of(leaf))
        if leaf.told == "age":
            return self.vocabulary.clause(self.of_date(leaf), self.word("lies"), f"{how} {self.word('ago')}")
        return self.vocabulary.clause(
            self.of_date(leaf), self.word("comes"), self.word("ahead").format(how=how)
        )

    def span_of(self, leaf: DateComparison) -> str:
        """The bound: `65 years`, `30 days`."""
        bound = leaf.bound
        if isinstance(bound, Years):
            years = self.vocabulary.units["years"].of(bound.count)
            return f"{self.vocabulary.number(str(bound.count))} {years}"
        return self.vocabulary.span(bound.milliseconds)

    def of_date(self, leaf: DateComparison) -> str:
        """The date, or its anniversary."""
        word = "anniversary_of" if leaf.told == "anniversary" else "date"
        return self.word(word).format(name=leaf.name)
