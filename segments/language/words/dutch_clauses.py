"""Clauses of Dutch as a marketer would say them: the customer is the subject, and the verb stands at the end.

    die in de afgelopen 7 dagen, sinds de laatste aankoop, minstens 3 keer op bezoek is geweest
    die in de afgelopen 7 dagen minstens 2 aankopen heeft gedaan (waarbij het kanaal “web” is)

A filter, and what the events came after, stand behind the verb: nobody waits for it. What is not said in a way of its
own here is said as in `sentence.py`.
"""

import re
from dataclasses import replace

from segments.language.catalogue import ANY_EVENT, EventSet, Type
from segments.language.nodes.arithmetic import Calculated, Term
from segments.language.nodes.borders import Top
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import Comparison, Condition, Consent
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field, Test
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.splits import Split
from segments.language.words.dutch_deeds import AMONG, DID, SPENT, Did, before
from segments.language.words.narrowing import NAMED
from segments.language.words.sentence import OPPOSITE, Words
from segments.language.words.shares import ends_it


class DutchWords(Words):
    """Clauses of Dutch, each such that it can follow `zolang`."""

    def _joined(self, said: list[str], word: str, nested: bool) -> str:
        """The subject `die` is said once, `die A heeft, B is en C heeft`; after another one the customer is named."""
        clear = list(said)
        for place in range(1, len(said)):
            if said[place].lstrip("(").startswith("die "):
                again = "" if said[place - 1].startswith("die ") else "de klant "
                clear[place] = said[place].replace("die ", again, 1)
        if len(said) > 2 and all(clause.startswith("die ") for clause in said):
            clear[:-1] = [", ".join(clear[:-1])]
        return super()._joined(clear, word, nested and len(said) > 1)

    def today(self, leaf: TodayComparison, *, negated: bool = False) -> str:
        """`het zaterdag of zondag is`, `het 18 uur of later is`."""
        operator, bound = leaf.operator, leaf.bound
        if leaf.part in ("weekday", "month") and operator in NAMED:
            of = Field(ANY_EVENT, leaf.part, leaf.type)
            no = "niet " if negated is not (operator == "!=") else ""
            named = "is_in" if isinstance(bound, tuple) else "=="
            return f"het {no}{self.compared(named, bound, leaf.type, of)} is"
        if leaf.part == "hour" and operator in ("<", "<=", ">", ">=") and isinstance(bound, int):
            operator = OPPOSITE[operator] if negated else operator
            hour = bound + (operator in ("<=", ">"))
            return f"het {hour} uur of later is" if operator in (">", ">=") else f"het vóór {hour} uur is"
        return super().today(leaf, negated=negated)

    def _calculated(self, leaf: Calculated) -> str:
        """A time is not higher or lower than another one, but longer or shorter."""
        said = super()._calculated(leaf)
        return _of_time(said) if isinstance(leaf.left, Measure) and leaf.left.kind.duration else said

    def _against(self, leaf: Calculated, said: str) -> str:
        """`hoogstens zo hoog is als …`: what follows may be long, and nobody waits for a verb behind it."""
        if leaf.operator in (">", "<") or not isinstance(leaf.right, Term):
            return super()._against(leaf, said)
        much = "lang" if isinstance(leaf.left, Measure) and leaf.left.kind.duration else "hoog"
        return f"{self.term(leaf.left)} {self.word(leaf.operator)} zo {much} is als {said}"

    def _same(self, word: str, field: Field) -> str:
        """`uit één categorie`, `van dat product`; of an attribute `met één en hetzelfde kenmerk`."""
        if field.key is not None:
            return super()._same(word, field)
        noun = self.vocabulary.noun_of_field(field.name, None)
        which = "één" if word == "same" else "dat" if noun.neuter else "die"
        return f" {AMONG.get(field.name, 'van')} {which} {noun.one}"

    def _after(self, events: Events) -> str:
        """` binnen 30 dagen na een klik in een mail`, which may have come after others."""
        follows = events.follows
        if follows is None:
            return ""
        noun, span = self.vocabulary.noun_of_events(follows.source), self.vocabulary.span(events.span or 0)
        same = self._same("that_same", follows.match) if follows.match is not None else ""
        return f" binnen {span} na een {noun.after_a}{self._where(follows)}{same}{self._after(follows)}"

    def _leaf(self, leaf: Condition, negated: bool) -> str:
        match leaf:
            case Segment():
                where = f"in het segment {self.vocabulary.title(leaf)}"
                return f"die {'niet ' if negated else ''}{where} zit"
            case ValueOf(segment, value):
                where = self.word("segment_of").format(name=self.vocabulary.title(segment), value=value)
                return f"die {'niet ' if negated else ''}{where} zit"
            case Split(name):
                where = f"in de loting “{name}” {'niet ' if negated else ''}{self.share(leaf)}"
                return f"die {where} zit"
            case Consent(name):
                return f"die {'geen ' if negated else ''}toestemming heeft gegeven voor “{name}”"
        said = super()._leaf(leaf, negated)
        # Within `het niet zo is dat …` nobody was named yet.
        return re.sub(r"^(het niet zo is dat \(?)die ", r"\1de klant ", said)

    def _comparison(self, leaf: Comparison) -> str:
        measure, operator, bound = leaf.measure, leaf.operator, leaf.bound
        name, field = measure.name, measure.field
        if isinstance(bound, Top):
            return super()._comparison(leaf)
        if measure.kind.duration and isinstance(bound, int):
            return self._ago(leaf, bound)
        if name == "count":
            return self._times(measure, operator, bound)
        if name == "distinct" and field is not None:
            return self._different_ones(measure, field, operator, bound)
        if name == "sum" and field is not None and not isinstance(bound, bool | str | tuple):
            said = self._sum(measure, field, operator, bound)
            if said:
                return said
        return super()._comparison(leaf)

    def _ago(self, leaf: Comparison, bound: int) -> str:
        """`die een product in de winkelwagen heeft gelegd, voor het laatst minstens 1 uur geleden`."""
        measure, events = leaf.measure, leaf.measure.events
        if not measure.kind.grows:
            return _of_time(super()._comparison(leaf))
        how = self.how(leaf.operator, self.vocabulary.span(bound))
        first = "voor het laatst" if measure.kind.latest else "voor het eerst"
        ago = f"eerder dan {self.vocabulary.span(events.offset)} geleden" if events.offset else "geleden"
        reset = events.reset
        if reset is None or not ends_it(measure):
            return f"{self._who(events)}{self._did(events)}, {first} {how} {ago}"
        # What came since the latest purchase, and no purchase since the latest of it, say the same of that.
        never = self._of(reset.source)
        since = f"en sindsdien {never.never} {never.verb}{self._where(reset)}"
        bare = replace(events, reset=None)
        return f"{self._who(bare)}{self._did(bare)}, {first} {how} {ago}, {since}"

    def _times(self, measure: Measure, operator: str, bound: object) -> str:
        events = measure.events
        did, number = self._of(events.source), self._number(operator, bound)
        who, key, end = self._who(events), self._key(events), f"{did.verb}{self._behind(events)}"
        if number is None:
            none = did.never if events.key is None else f"geen enkele keer{before(self._thing(events))}"
            return f"{who}{none}{key} {end}"
        if did.counted and events.key is None:
            one = f"van de {did.counted}" if did.thing == did.counted else did.thing.removeprefix("een ")
            return f"{who}{number} {one if number.endswith(' 1') else did.counted}{key} {end}"
        return f"{who}{number} keer{before(self._thing(events))}{key} {end}"

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
        end = f"{self._key(events)} {did.verb}{self._behind(events)}"
        if did.of == field.name:
            return f"{self._who(events)}{different}{end}"
        among = AMONG.get(field.name, "met")
        return f"{self._who(events)}{among} {different}{before(self._thing(events))}{end}"

    def _sum(self, measure: Measure, field: Field, operator: str, bound: object) -> str:
        """`voor minstens € 500,00 heeft gekocht`, `minstens 3 artikelen heeft teruggestuurd`; else nothing."""
        events, did = measure.events, self._of(measure.events.source)
        if field.name == "amount" and events.source.name in SPENT:
            before, verb = SPENT[events.source.name]
            how = f"{before} {self.how(operator, self.value(bound, Type.MONEY))}".strip()
            return f"{self._who(events)}{how}{self._key(events)} {verb}{self._behind(events)}"
        if field.name == "quantity" and events.source.lines:
            number = self._number(operator, bound)
            noun = "artikel" if number and number.endswith(" 1") else "artikelen"
            articles = f"{number or 'geen'} {noun}"
            return f"{self._who(events)}{articles}{self._key(events)} {did.verb}{self._behind(events)}"
        return ""

    def _number(self, operator: str, bound: object) -> str | None:
        """`minstens 3`; None for none at all."""
        if (operator, bound) in (("==", 0), ("<=", 0), ("<", 1)):
            return None
        if (operator, bound) == (">", 0):
            return "minstens 1"
        return self.how(operator, self.value(bound, Type.WHOLE))

    def _of(self, events: EventSet) -> Did:
        if events.flip:
            name, entered = self.vocabulary.title(events.segment), events.flip == "entered"
            latest = self.vocabulary.noun_of_events(events).one
            thing, verb = (f"in {name}", "is gekomen") if entered else (name, "heeft verlaten")
            none = f"niet {thing}" if entered else f"{name} niet"
            return Did(thing, verb, latest=f"laatste {latest}", neuter=not entered, none=none)
        if events.own_kind is None:
            return DID[events.name]
        if events.nl:
            latest = f"laatste van de {events.nl}"
            return Did(events.nl, "heeft gedaan", counted=events.nl, latest=latest, none=f"geen {events.nl}")
        named = f"“{events.own_kind}”"
        return Did(named, "heeft gedaan", latest=f"laatste keer {named}", none=f"geen enkele keer {named}")

    def _did(self, events: Events) -> str:
        """`iets in de winkelwagen heeft gelegd`."""
        did = self._of(events.source)
        thing = f"{before(self._thing(events))}{self._key(events)}"
        return f"{thing} {did.verb}{self._behind(events)}".lstrip()

    def _thing(self, events: Events) -> str:
        """`een product`, or of one value of `by` `hetzelfde product`."""
        did, key = self._of(events.source), events.key
        if key is None or key.name != did.of:
            return did.thing
        noun = self.vocabulary.noun_of_field(key.name, key.key)
        return f"{'hetzelfde' if noun.neuter else 'dezelfde'} {noun.one}"

    def _key(self, events: Events) -> str:
        """The value that all of them share, unless the thing says it: ` uit één categorie`."""
        key = events.key
        if key is None or key.name == self._of(events.source).of:
            return ""
        noun = self.vocabulary.noun_of_field(key.name, key.key)
        which = ("dat" if noun.neuter else "die") if self.each else "één"
        return f" {AMONG.get(key.name, 'met')} {which} {noun.one}"

    def _behind(self, events: Events) -> str:
        """What stands behind the verb: the filter, what they came after, what they came since of the same value."""
        reset = events.reset
        since = f" {self._since(events, reset)}" if reset is not None and self._is_behind(reset) else ""
        return f"{self._where(events)}{self._after(events)}{since}"

    def _is_behind(self, reset: Events) -> bool:
        """`sinds de laatste aankoop van dat product` follows after the product is named."""
        return reset.match is not None

    def _where(self, events: Events) -> str:
        match events.filter:
            case None:
                return ""
            case Test(Field(name="weekday", key=None), "==" | "is_in" as operator, bound):
                return f" op {self.compared(operator, bound, Type.TEXT, events.filter.field)}"
            case Test(Field(name="month", key=None), "==" | "is_in" as operator, bound):
                return f" in {self.compared(operator, bound, Type.WHOLE, events.filter.field)}"
            case Test(Field(name="hour", key=None), "<" | ">=" as operator, int(hour)):
                return f" {'vanaf' if operator == '>=' else 'vóór'} {hour} uur"
        return f" (waarbij {self._tests(events.filter)})"

    def _who(self, events: Events) -> str:
        """`die in de afgelopen 7 dagen, sinds de laatste aankoop, `."""
        when = self._span(events) if events.window else ""
        if events.reset is None or self._is_behind(events.reset):
            return f"die {when} " if when else "die "
        since = self._since(events, events.reset)
        return f"die {when}, {since}, " if when else f"die {since} "

    def _since(self, events: Events, reset: Events) -> str:
        did = self._of(reset.source)
        then = "toen " if events.offset else ""
        since = f"sinds {'het' if did.neuter else 'de'} {then}{did.latest}{self._where(reset)}"
        match = reset.match
        if match is None:
            return since
        noun = self.vocabulary.noun_of_field(match.name, match.key)
        return f"{since} {AMONG.get(match.name, 'van')} {'dat' if noun.neuter else 'die'} {noun.one}"

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


def _of_time(said: str) -> str:
    return said.replace(" hoger is dan ", " langer is dan ", 1).replace(
        " lager is dan ", " korter is dan ", 1
    )
