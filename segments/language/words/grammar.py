"""What a language needs to say a rule: nouns, and what it puts between them. See `english.py`, `dutch.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from segments.language.catalogue import EventSet
from segments.language.nodes.durations import Duration
from segments.language.nodes.segment import Segment

COMPARED = {"meer": "hoger", "minder": "lager", "iets anders": "iets anders"}
"""What is said of a Dutch value in the place of `meer`: a number is higher, not more."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A word in both numbers; `neuter` and `participle` are for Dutch."""

    one: str
    many: str
    neuter: bool = False
    """`het bezoek`, `de aankoop`."""
    participle: bool = False
    """It begins with a participle: `de laatst geopende mail`, not `de laatste geopende mail`."""

    def of(self, count: object) -> str:
        """The number that goes with a count: 1 visit, 0 visits."""
        return self.one if count == 1 else self.many

    @property
    def after_a(self) -> str:
        """The word after `een`: `een gekocht artikel`, since that is neuter, but `een geopende mail`."""
        if not (self.neuter and self.participle):
            return self.one
        participle, _, rest = self.one.partition(" ")
        return f"{participle.removesuffix('e')} {rest}"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A language: its nouns, and what it puts between them.

    Every clause can follow `while` or `once`; that is why the verb stands at the end of a Dutch one.
    """

    code: str
    events: Mapping[str, Noun]
    own_event: str
    fields: Mapping[str, Noun]
    attribute: str
    units: Mapping[str, Noun]
    words: Mapping[str, str]
    currencies: Mapping[str, str] = field(default_factory=dict)
    """Signs of currencies; others are written by their code."""
    months: tuple[str, ...] = ()
    """Their names, January first."""

    def noun_of_events(self, events: EventSet) -> Noun:
        """What the events of a set are called; kinds of the shop's own as the rule says, or by their names."""
        own = events.own_kind
        if events.flip:
            one, many = (self.words[f"{events.flip}_{number}"] for number in ("one", "many"))
            name = self.title(events.segment)
            return Noun(one.format(name=name), many.format(name=name), neuter=events.flip == "left")
        if own is None:
            return self.events[events.name]
        title = events.nl if self.code == "nl" else events.en
        if title:
            # Only the plural is told: `the latest of the wish list additions`.
            return Noun(f"{self.words['of_the']} {title}", title)
        return Noun(f"{self.own_event} “{own}”", f"{self.words['own_events']} “{own}”")

    def title(self, segment: Segment) -> str:
        """A segment by its title in this language, or by its id if it has none."""
        title = segment.nl if self.code == "nl" else segment.en
        return f"“{title}”" if title else segment.id

    def noun_of_field(self, name: str, key: str | None) -> Noun:
        """What a field is called; attributes of the shop's own keep their names."""
        if key is None:
            return self.fields[name]
        return Noun(f"{self.attribute} “{key}”", f"{self.words['attributes']} “{key}”", neuter=True)

    def the(self, noun: Noun, adjective: str = "") -> str:
        """`the latest visit`, `het laatste bezoek`."""
        article = self.words["the_neuter"] if noun.neuter else self.words["the"]
        adjective = self.adjective(adjective, noun)
        return f"{article} {adjective} {noun.one}" if adjective else f"{article} {noun.one}"

    def adjective(self, adjective: str, noun: Noun) -> str:
        """`laatste` as it stands before a noun."""
        return adjective.removesuffix("e") if noun.participle else adjective

    def oldest(self, noun: Noun, count: int) -> str:
        """`the earliest of the latest 3 visits`: all of them are at most so old."""
        article = self.words["the_neuter"] if noun.neuter else self.words["the"]
        latest = self.adjective(self.words["latest"], noun)
        number = self.number(str(count), grouped=True)
        return self.words["oldest"].format(article=article, count=number, latest=latest, events=noun.many)

    def clause(self, subject: str, verb: str, rest: str, behind: str = "") -> str:
        """A clause after `while` or `once`; the verb of a Dutch one stands at its end, before what is `behind` it."""
        behind = f" {behind}" if behind else ""
        if self.code != "nl":
            return f"{subject} {verb} {rest}{behind}"
        compared, dan, other = rest.partition(" dan ")
        if dan and verb == self.words["is"] and compared in COMPARED:
            # `hoger is dan …`: what follows may be long, and nobody waits for a verb behind it.
            return f"{subject} {COMPARED[compared]} {verb} dan {other}{behind}"
        return f"{subject} {rest} {verb}{behind}"

    def span(self, milliseconds: int) -> str:
        """`7 days`, `1 day and 12 hours`."""
        counts = Duration(milliseconds).parts().items()
        parts = [f"{self.number(str(n), grouped=True)} {self.units[unit].of(n)}" for unit, n in counts]
        *head, last = parts or [f"0 {self.units['minutes'].many}"]
        return f"{', '.join(head)} {self.words['and']} {last}" if head else last

    def past(self, milliseconds: int) -> str:
        """`in the past 7 days`, `in the past hour`."""
        parts = Duration(milliseconds).parts()
        if list(parts.values()) != [1]:
            return f"{self.words['in_past_many']} {self.span(milliseconds)}"
        unit = self.units[next(iter(parts))]
        return f"{self.words['in_past_neuter'] if unit.neuter else self.words['in_past']} {unit.one}"

    def earlier(self, milliseconds: int, offset: int) -> str:
        """`in the 30 days up to 60 days ago`: the past as it was then."""
        return self.words["in_earlier"].format(span=self.span(milliseconds), offset=self.span(offset))

    def number(self, text: str, *, grouped: bool = False) -> str:
        """Digits as the language writes them; `text` has a decimal point."""
        whole, point, part = text.partition(".")
        if grouped:
            whole = f"{int(whole):,}"
        return (
            f"{whole.replace(',', '.')}{',' if point else ''}{part}"
            if self.code == "nl"
            else f"{whole}{point}{part}"
        )
