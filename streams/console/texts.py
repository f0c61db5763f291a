"""What the console says, in English and Dutch. A text is looked up by its English; a test holds the table to it."""

from collections.abc import Mapping

DUTCH: Mapping[str, str] = {
    # every page
    "Skip to the content": "Naar de inhoud",
    "Segments": "Segmenten",
    "Pages": "Pagina's",
    "Language": "Taal",
    "as of {at}": "per {at}",
    "nothing read yet": "nog niets gelezen",
    "live": "live",
    "reconnecting": "verbindt opnieuw",
    "off": "uit",
    "Updates:": "Bijwerken:",
    "Times are those of {zone}.": "Tijden zijn die van {zone}.",
    "Reading what the workers wrote: {done} of {total} records.": "Leest wat de workers schreven: {done} van {total} records.",
    "These numbers are not complete: nobody serves partitions {partitions}. Start a worker.": "Deze cijfers zijn niet compleet: niemand bedient de partities {partitions}. Start een worker.",
    "These numbers may be old: {problem}": "Deze cijfers kunnen oud zijn: {problem}",
    "Nothing has entered a segment yet. Once workers run and events come, the numbers appear here by themselves.": "Er is nog niemand in een segment gekomen. Zodra er workers draaien en gebeurtenissen binnenkomen, verschijnen de cijfers hier vanzelf.",
    "The rules could not be read, so segments have no titles: {problem}": "De regels konden niet gelezen worden, dus segmenten hebben geen titel: {problem}",
    # login
    "Log in": "Inloggen",
    "Token": "Token",
    "It is the value of SEGMENTS_HTTP_TOKEN.": "Dat is de waarde van SEGMENTS_HTTP_TOKEN.",
    "Five wrong tokens within a minute: wait a minute, then try again.": "Vijf verkeerde tokens binnen een minuut: wacht een minuut en probeer het dan opnieuw.",
    "This is not the token: it is the value of SEGMENTS_HTTP_TOKEN.": "Dit is niet het token: het is de waarde van SEGMENTS_HTTP_TOKEN.",
    # all segments
    "All segments": "Alle segmenten",
    "Filter": "Filter",
    "Segment": "Segment",
    "Members": "Leden",
    "Share": "Aandeel",
    "Trend": "Trend",
    "Entered": "Erin",
    "Left": "Eruit",
    "Latest change": "Laatste wijziging",
    "Trend, entered and left are of the last 7 days; the share is of all customers who ever entered a segment and are still known.": "Trend, erin en eruit gaan over de laatste 7 dagen; het aandeel is van alle klanten die ooit in een segment kwamen en nog bekend zijn.",
    "In none of these segments: {count} of {all} customers who ever entered one": "In geen van deze segmenten: {count} van de {all} klanten die er ooit in een kwamen",
    "Largest overlaps": "Grootste overlappingen",
    "First segment": "Eerste segment",
    "Second segment": "Tweede segment",
    "Customers in both": "Klanten in beide",
    "No two segments share a customer.": "Geen twee segmenten delen een klant.",
    "never": "nooit",
    # errors
    "There is no such page.": "Deze pagina bestaat niet.",
    "This went wrong here. The log of the console tells more.": "Hier ging iets mis. Het logboek van de console vertelt meer.",
}


def dutch(english: str) -> str:
    """The Dutch of a text; KeyError for one that the table lacks."""
    return DUTCH[english]
