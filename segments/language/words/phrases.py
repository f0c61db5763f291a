"""What commands say about rules and customers, in English and Dutch.

A phrase is looked up by its English: `say("{customer}, as of {at}", customer=…, at=…)`. A test holds the table to the
phrases that are said.
"""

from collections.abc import Callable, Mapping

from segments.language.words.sentence import Language

Say = Callable[..., str]
"""Takes the English phrase, and the values of its placeholders by name."""

DUTCH: Mapping[str, str] = {
    # the evidence of a rule
    "{measure} is {value}, bound {operator} {bound}": "{measure} is {value}, grens {operator} {bound}",
    "{measure}: {value} (bound: {bound})": "{measure}: {value} (grens: {bound})",
    "unknown": "onbekend",
    "{measure}: {value}": "{measure}: {value}",
    " (known since {since})": " (bekend sinds {since})",
    " (as of {at})": " (per {at})",
    "nothing": "niets",
    "… and {count} more alternatives, of which {holding} hold": "… en nog {count} mogelijkheden, waarvan er {holding} kloppen",
    "{texts}; or one of {count} more": "{texts}; of een van nog {count}",
    # segments why
    "{customer}, as of {at}": "{customer}, per {at}",
    "the beginning": "het begin",
    "by deployment {id}": "volgens uitrol {id}",
    "edited: version {version} in SEGMENTS_RULES is not deployed": "bewerkt: versie {version} in SEGMENTS_RULES is niet uitgerold",
    "{name} goes on as {into}": "{name} gaat verder als {into}",
    "what {name} did is missing: its state waits among the dead letters": "wat {name} deed ontbreekt: de toestand wacht bij de dead letters",
    "with what {name} did, which was merged": "met wat {name} deed, dat is samengevoegd",
    "Nothing is remembered of this customer, who is therefore in no segment.": "Van deze klant is niets bekend; de klant zit dus in geen enkel segment.",
    "{notice}, since the worker took the partition over": "{notice}, sinds de worker de partitie overnam",
    "in ": "in ",
    "out": "uit",
    " since {at}": " sinds {at}",
    "would change it: {what}": "dit zou het veranderen: {what}",
    "it would change if {what}": "het zou veranderen als {what}",
    "; or if ": "; of als ",
    "by time alone: {what}": "vanzelf, door verloop van tijd: {what}",
    "it does not change": "verandert niet",
    "leaves at {at} or later": "eruit op {at} of later",
    "enters at {at} or later": "erin op {at} of later",
    "warming until {at}: it knows only later events": "onvolledig tot {at}: alleen latere gebeurtenissen zijn bekend",
    # segments show
    "purpose": "waarvoor",
    "title": "titel",
    "in words": "in woorden",
    "when": "voorwaarde",
    "until": "verlaten",
    "for each": "voor elke waarde van",
    "stages": "fases",
    "goal": "doel",
    "goal in words": "doel in woorden",
    "state": "bewaart",
    "flips by time": "verandert door verloop van tijd",
    "retention": "bewaartermijn",
    "lawful basis": "grondslag",
    "required consent": "vereiste toestemming",
    "for at least": "minstens zo lang",
    "at most every": "hoogstens eens per",
    "details": "vermeldt erbij",
    "stories": "verhalen",
    "known since": "bekend sinds",
    "warming until": "onvolledig tot",
    # segments list, and what is kept
    "remembers {retention}; {by_time}": "onthoudt {retention}; {by_time}",
    "time alone can flip it": "kan ook vanzelf veranderen, door verloop van tijd",
    "only events flip it": "verandert alleen door een gebeurtenis",
    "lawful basis: {basis}": "grondslag: {basis}",
    "edited: version {version} in SEGMENTS_RULES is not deployed (segments deploy)": "bewerkt: versie {version} in SEGMENTS_RULES is niet uitgerold (segments deploy)",
    "the profile: until the customer is erased": "het profiel: tot de klant wordt gewist",
    "the membership of {name}": "of de klant in het segment {name} zit",
    "since when the rule has been true: until it is not": "sinds wanneer de regel waar is: tot die het niet meer is",
    "the latest enter: for {span}": "de laatste keer dat de klant erin kwam: {span} lang",
    "{what}: {count} bytes each": "{what}: {count} bytes per stuk",
    "; shared with {others}": "; ook bewaard voor {others}",
    "{others} and {count} more": "{others} en nog {count} segmenten",
    "a customer with {each} of each: {count} bytes": "samen {count} bytes voor een klant die van alles {each} heeft",
    ", {count} of them shared": ", waarvan {count} ook voor andere segmenten",
    # segments test
    "FAILS": "FOUT ",
    "ok   ": "goed ",
    "{count} story": "{count} verhaal",
    "{count} stories": "{count} verhalen",
    "{failed} of {stories}": "{failed} van {stories}",
    "the stories cannot be read": "de verhalen zijn niet te lezen",
    "{count} rule": "{count} regel",
    "{count} rules": "{count} regels",
    "{count} story fails": "{count} verhaal komt niet uit",
    "{count} stories fail": "{count} verhalen komen niet uit",
    "all stories come true": "alle verhalen komen uit",
    "The story tells: {told}; happened: {happened}.": "Volgens het verhaal: {told}; in werkelijkheid: {happened}.",
    "{word} at {at}": "{word} op {at}",
    "{word} from {start} to before {end}": "{word} vanaf {start} en voor {end}",
    ", then ": ", dan ",
    "There is no {about}: write another time, or mend the rule.": "Er is geen {about}: schrijf een andere tijd, of verbeter de regel.",
    "Nothing flips at {at}: leave {word} out there, or mend the rule.": "Op {at} verandert er niets: haal {word} daar weg, of verbeter de regel.",
    "Write a line {line}, or mend the rule.": "Schrijf erbij: {line}, of verbeter de regel.",
    "At {at} the order is {order}. {mend}": "Op {at} is de volgorde {order}. {mend}",
    "at {at}:": "op {at}:",
    "The event is refused: {reason}. {error}": "De gebeurtenis wordt geweigerd: {reason}. {error}",
    # segments try
    "too narrow: nobody is in it": "te streng: niemand zit erin",
    "too broad: nearly everybody is in it": "te ruim: bijna iedereen zit erin",
    "Nothing is remembered of any customer: there is nothing to try the rule on.": "Van geen enkele klant is iets bekend: er is niets om de regel op te proberen.",
    "border of {name}: there is none, so nobody is in by it": "grens van {name}: die is er niet, dus zit er daardoor niemand in",
    "border of {name}: {value}, taken from this history, of {count} customers": "grens van {name}: {value}, uit deze geschiedenis, van {count} klanten",
    "border of {name}: {value}, as published": "grens van {name}: {value}, zoals gepubliceerd",
    "in it now    {members} of {customers} customers known ({share})": "nu erin      {members} van {customers} bekende klanten ({share})",
    "{customers} customers known, {none} of them in no segment ({share})": "{customers} bekende klanten, van wie {none} in geen enkel segment ({share})",
    "members": "leden",
    "share": "aandeel",
    "entered": "erin",
    "left": "eruit",
    "entered and left: in the last {count} days": "erin en eruit: in de laatste {count} dagen",
    "values of each condition in groups of one width; the bound stands at │": "waarden van elke voorwaarde in groepen van één breedte; de grens staat bij │",
    "{measure}, bound {bound}: {holds} hold it": "{measure}, grens {bound}: {holds} klanten voldoen eraan",
    "; median {middle}, 90th percentile {high}": "; mediaan {middle}, 90e percentiel {high}",
    ", {near} lie just below the bound, from {low} on": ", {near} liggen net onder de grens, vanaf {low}",
    "no customer is in two segments": "geen enkele klant zit in twee segmenten",
    "customers in two segments": "klanten in twee segmenten",
    "… and {count} pairs more, with --json": "… en nog {count} paren, met --json",
    "for example, who entered last": "voorbeelden: wie er als laatste in kwam",
    "records: {counts}": "records: {counts}",
    "none": "geen",
    ", as of {at}": ", per {at}",
    "the topics no longer hold all that the rules remember: what came in before {at} is missing": "de topics hebben niet meer alles wat de regels onthouden: wat voor {at} binnenkwam ontbreekt",
    "{first} to {last}, UTC": "{first} tot en met {last}, UTC",
    ", {count} days a column": ", {count} dagen per kolom",
    "enters": "erin",
    "leaves": "eruit",
    ", at most {count} a day": ", hoogstens {count} per dag",
    "median stay  {span}": "mediaan      {span} erin",
    "median stay  not known: most of those who entered in these days are still in it": "mediaan      onbekend: de meesten die in deze dagen binnenkwamen, zitten er nog in",
    "of the {members} in it": "van de {members} die erin zitten",
    "none of them is in another segment": "niemand van hen zit in een ander segment",
    " (of {size})": " (van {size})",
    "against the version that runs, {version}{same}: {members} are in that": "vergeleken met de versie die draait, {version}{same}: daarin zitten er {members}",
    ", which means the same": ", die hetzelfde betekent",
    "stay": "blijven",
    "enter": "komen erin",
    "leave": "gaan eruit",
    "for example, who enters": "voorbeelden: wie erin komt",
    "for example, who leaves": "voorbeelden: wie eruit gaat",
    ", since {at}": ", sinds {at}",
}


def phrases(language: Language) -> Say:
    """What says phrases in this language."""

    def say(text: str, **values: object) -> str:
        return (DUTCH[text] if language == "nl" else text).format(**values)

    return say


ENGLISH = phrases("en")
