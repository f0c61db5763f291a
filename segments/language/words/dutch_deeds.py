"""What a customer did, in Dutch: the words of each event set that clauses are made of."""

from dataclasses import dataclass


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
    none: str = ""
    """What stands before the verb if it never happened; empty: it follows from the thing, as in `geen product`."""

    @property
    def never(self) -> str:
        """`geen aankoop`, `niets op de site`, `niet`: what stands before the verb if it never happened."""
        if self.none:
            return self.none
        for some, none in (("een ", "geen "), ("iets", "niets")):
            if self.thing.startswith(some):
                return self.thing.replace(some, none, 1)
        return f"niet{before(self.thing)}"


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
        none="geen contact",
    ),
}
AMONG = {"category": "uit", "day": "op", "channel": "via", "order_id": "in"}
"""What stands before `één categorie`, `3 verschillende dagen`; else `met`."""
SPENT = {"purchase": ("voor", "heeft gekocht"), "refund": ("", "heeft teruggekregen")}
"""How a sum of money is said: `voor minstens € 500,00 heeft gekocht`."""


def before(thing: str) -> str:
    """With a space before it; nothing of nothing."""
    return f" {thing}" if thing else ""
