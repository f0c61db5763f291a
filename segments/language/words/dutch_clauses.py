"""Clauses of Dutch as a marketer would say them: the customer is the subject, and the verb stands at the end.

    die in de afgelopen 7 dagen, sinds de laatste aankoop, minstens 3 keer op bezoek is geweest

What is not said in a way of its own here is said as in `sentence.py`.
"""

from dataclasses import dataclass

from segments.language.catalogue import EventSet, Type
from segments.language.nodes.arithmetic import Calculated
from segments.language.nodes.borders import Top
from segments.language.nodes.conditions import Comparison, Condition, Consent
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.splits import Split
from segments.language.words.sentence import Words


@dataclass(frozen=True, slots=True)
class Did:
    """What a customer did: `een product` and `heeft bekeken`."""

    thing: str
    verb: str
    counted: str = ""
    """The plural that a number stands before (`3 aankopen`); empty: it is told how often (`3 keer een product`)."""
    of: str = ""
    """The field that the thing is a value of: the same one is `hetzelfde product`, different ones `3 producten`."""
    latest: str = "laatste keer"
    """After `sinds de`, `sinds het`: the latest of them."""
    neuter: bool = False
    """Whether `latest` takes `het`."""


DID = {
    "any_event": Did("iets", "heeft gedaan", latest="laatste gebeurtenis"),
    "visit": Did("", "op bezoek is geweest", latest="laatste bezoek", neuter=True),
    "on_site": Did("iets op de site", "heeft gedaan", latest="laatste handeling op de site"),
    "purchase": Did("een aankoop", "heeft gedaan", counted="aankopen", latest="laatste aankoop"),
    "refund": Did(
        "een terugbetaling", "heeft gekregen", counted="terugbetalingen", latest="laatste terugbetaling"
    ),
    "purchase.items": Did("een product", "heeft gekocht", of="product_id", latest="laatste aankoop"),
    "refund.items": Did("een product", "heeft teruggestuurd", of="product_id", latest="laatste retour"),
    "page_view": Did("een pagina", "heeft bekeken", of="page", latest="laatst bekeken pagina"),
    "product_view": Did(
        "een product", "heeft bekeken", of="product_id", latest="laatst bekeken product", neuter=True
    ),
    "search": Did("", "heeft gezocht", latest="laatste zoekopdracht"),
    "cart_add": Did(
        "een product",
        "in de winkelwagen heeft gelegd",
        of="product_id",
        latest="laatste toevoeging aan de winkelwagen",
    ),
    "cart_remove": Did(
        "een product",
        "uit de winkelwagen heeft gehaald",
        of="product_id",
        latest="laatste verwijdering uit de winkelwagen",
    ),
    "checkout": Did("", "is begonnen met afrekenen", latest="laatste poging om af te rekenen"),
    "login": Did("", "heeft ingelogd", latest="laatste aanmelding"),
    "email_open": Did("een mail", "heeft geopend", counted="mails", latest="laatst geopende mail"),
    "email_click": Did("op een link in een mail", "heeft geklikt", latest="laatste klik in een mail"),
    "support_contact": Did(
        "contact",
        "met de klantenservice heeft gehad",
        latest="laatste contact met de klantenservice",
        neuter=True,
    ),
}
AMONG = {"category": "uit", "day": "op", "channel": "via", "order_id": "in"}
"""What stands before `één categorie`, `3 verschillende dagen`; else `met`."""
SPENT = {"purchase": ("voor", "heeft gekocht"), "refund": ("", "heeft teruggekregen")}
"""How a sum of money is said: `voor minstens € 500,00 heeft gekocht`."""


class DutchWords(Words):
    """Clauses of Dutch, each such that it can follow `zolang`."""

    def _joined(self, said: list[str], word: str, nested: bool) -> str:
        """`die` is the subject of the clause before: after a clause about something else the customer is named."""
        clear = [
            clause.replace("die ", "de klant ", 1)
            if place
            and clause.lstrip("(").startswith("die ")
            and not said[place - 1].lstrip("(").startswith("die ")
            else clause
            for place, clause in enumerate(said)
        ]
        return super()._joined(clear, word, nested)

    def _calculated(self, leaf: Calculated) -> str:
        """A time is not more or less than another one, but longer or shorter."""
        said = super()._calculated(leaf)
        if isinstance(leaf.left, Measure) and leaf.left.kind.duration:
            said = said.replace(" meer is dan ", " langer is dan ", 1).replace(
                " minder is dan ", " korter is dan ", 1
            )
        return said

    def _same(self, word: str, field: Field) -> str:
        """`uit één categorie`, `van datzelfde product`; of an attribute `met één en hetzelfde kenmerk`."""
        if field.key is not None:
            return super()._same(word, field)
        noun = self.vocabulary.noun_of_field(field.name, None)
        which = "één" if word == "same" else "datzelfde" if noun.neuter else "diezelfde"
        return f" {AMONG.get(field.name, 'van')} {which} {noun.one}"

    def _leaf(self, leaf: Condition, negated: bool) -> str:
        match leaf:
            case Segment():
                where = f"in het segment {self.vocabulary.title(leaf)}"
                return f"die {'niet ' if negated else ''}{where} zit"
            case ValueOf(segment, value):
                where = self.word("segment_of").format(name=self.vocabulary.title(segment), value=value)
                return f"die {'niet ' if negated else ''}{where} zit"
            case Split(name):
                where = f"in de loting “{name}” {'niet ' if negated else ''}{self._share(leaf)}"
                return f"die {where} zit"
            case Consent(name):
                return f"die {'geen ' if negated else ''}toestemming heeft gegeven voor “{name}”"
        return super()._leaf(leaf, negated)

    def _comparison(self, leaf: Comparison) -> str:
        measure, operator, bound = leaf.measure, leaf.operator, leaf.bound
        name, field = measure.name, measure.field
        if isinstance(bound, Top):
            return super()._comparison(leaf)
        if measure.kind.duration and isinstance(bound, int):
            first = "voor het laatst" if measure.kind.latest else "voor het eerst"
            offset = measure.events.offset
            ago = f"eerder dan {self.vocabulary.span(offset)} geleden" if offset else "geleden"
            how = self._how(operator, self.vocabulary.span(bound))
            return f"{self._who(measure.events)}{self._did(measure.events)}, {first} {how} {ago}"
        if name == "count":
            return self._times(measure, operator, bound)
        if name == "distinct" and field is not None:
            return self._different_ones(measure, field, operator, bound)
        if name == "sum" and field is not None and not isinstance(bound, bool | str | tuple):
            said = self._sum(measure, field, operator, bound)
            if said:
                return said
        return super()._comparison(leaf)

    def _times(self, measure: Measure, operator: str, bound: object) -> str:
        events = measure.events
        did, number = self._of(events.source), self._number(operator, bound)
        many = bool(did.counted)
        if number is None:
            none = f"geen {did.counted}" if many else f"geen enkele keer{_before(self._thing(events))}"
            return f"{self._who(events)}{none}{self._marks(events)} {did.verb}"
        if many and events.key is None:
            one = f"van de {did.counted}" if did.thing == did.counted else did.thing.removeprefix("een ")
            noun = one if number.endswith(" 1") else did.counted
            return f"{self._who(events)}{number} {noun}{self._marks(events)} {did.verb}"
        return (
            f"{self._who(events)}{number} keer{_before(self._thing(events))}{self._marks(events)} {did.verb}"
        )

    def _different_ones(self, measure: Measure, field: Field, operator: str, bound: object) -> str:
        """`minstens 5 verschillende producten uit één categorie heeft bekeken`."""
        events, did = measure.events, self._of(measure.events.source)
        noun, number = self.vocabulary.noun_of_field(field.name, field.key), self._number(operator, bound)
        if number is None:
            different = f"geen enkel {noun.one}" if noun.neuter else f"geen enkele {noun.one}"
        elif number.endswith(" 1"):
            different = f"{number} {noun.one}"
        else:
            different = f"{number} verschillende {noun.many}"
        marks = self._marks(events)
        if did.of == field.name:
            return f"{self._who(events)}{different}{marks} {did.verb}"
        among = AMONG.get(field.name, "met")
        return f"{self._who(events)}{among} {different}{_before(self._thing(events))}{marks} {did.verb}"

    def _sum(self, measure: Measure, field: Field, operator: str, bound: object) -> str:
        """`voor minstens € 500,00 heeft gekocht`, `minstens 3 artikelen heeft teruggestuurd`; else nothing."""
        events, did = measure.events, self._of(measure.events.source)
        if field.name == "amount" and events.source.name in SPENT:
            before, verb = SPENT[events.source.name]
            how = f"{before} {self._how(operator, self._value(bound, Type.MONEY))}".strip()
            return f"{self._who(events)}{how}{self._marks(events)} {verb}"
        if field.name == "quantity" and events.source.lines:
            number = self._number(operator, bound)
            noun = "artikel" if number and number.endswith(" 1") else "artikelen"
            articles = f"{number or 'geen'} {noun}"
            return f"{self._who(events)}{articles}{self._marks(events)} {did.verb}"
        return ""

    def _number(self, operator: str, bound: object) -> str | None:
        """`minstens 3`; None for none at all."""
        if (operator, bound) in (("==", 0), ("<=", 0), ("<", 1)):
            return None
        if (operator, bound) == (">", 0):
            return "minstens 1"
        return self._how(operator, self._value(bound, Type.WHOLE))

    def _of(self, events: EventSet) -> Did:
        if events.flip:
            name, entered = self.vocabulary.title(events.segment), events.flip == "entered"
            latest = self.vocabulary.noun_of_events(events).one
            thing, verb = (f"in {name}", "is gekomen") if entered else (name, "heeft verlaten")
            return Did(thing, verb, latest=f"laatste {latest}", neuter=not entered)
        if events.own_kind is None:
            return DID[events.name]
        if events.nl:
            return Did(events.nl, "heeft gedaan", counted=events.nl, latest=f"laatste van de {events.nl}")
        return Did(f"“{events.own_kind}”", "heeft gedaan", latest=f"laatste keer “{events.own_kind}”")

    def _did(self, events: Events) -> str:
        """`iets in de winkelwagen heeft gelegd`."""
        did = self._of(events.source)
        return f"{_before(self._thing(events))}{self._marks(events)} {did.verb}".lstrip()

    def _thing(self, events: Events) -> str:
        """`een product`, or of one value of `by` `hetzelfde product`."""
        did, key = self._of(events.source), events.key
        if key is None or key.name != did.of:
            return did.thing
        noun = self.vocabulary.noun_of_field(key.name, key.key)
        return f"{'hetzelfde' if noun.neuter else 'dezelfde'} {noun.one}"

    def _marks(self, events: Events) -> str:
        """The filter, and the value that all of them share."""
        text, key = self._where(events) + self._after(events), events.key
        if key is None or key.name == self._of(events.source).of:
            return text
        noun = self.vocabulary.noun_of_field(key.name, key.key)
        which = ("dat" if noun.neuter else "die") if self.each else "één"
        return f" {AMONG.get(key.name, 'met')} {which} {noun.one}{text}"

    def _where(self, events: Events) -> str:
        return "" if events.filter is None else f" (waarbij {self._tests(events.filter)})"

    def _who(self, events: Events) -> str:
        """`die in de afgelopen 7 dagen, sinds de laatste aankoop, `."""
        when = self._span(events) if events.window else ""
        if events.reset is None:
            return f"die {when} " if when else "die "
        did = self._of(events.reset.source)
        article = "het" if did.neuter else "de"
        then = "toen " if events.offset else ""
        since = f"sinds {article} {then}{did.latest}{self._where(events.reset)}"
        match = events.reset.match
        if match is not None:
            noun = self.vocabulary.noun_of_field(match.name, match.key)
            since += f" van {'datzelfde' if noun.neuter else 'diezelfde'} {noun.one}"
        return f"die {when}, {since}, " if when else f"die {since} "

    def _span(self, events: Events) -> str:
        if events.period is not None:
            return self.word(events.period.name)
        if not events.offset:
            return self.vocabulary.past(events.window or 0)
        near, far = (Duration(each).parts() for each in (events.offset, events.offset + (events.window or 0)))
        first = self.vocabulary.span(events.offset)
        if len(near) == 1 and near.keys() == far.keys():
            first = self.vocabulary.number(str(next(iter(near.values()))), grouped=True)
        return f"{first} tot {self.vocabulary.span(events.offset + (events.window or 0))} geleden"


def _before(thing: str) -> str:
    return f" {thing}" if thing else ""
