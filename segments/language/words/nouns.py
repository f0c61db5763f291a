"""The nouns of event sets and fields, English and Dutch beside each other: what a new kind or field needs of words."""

from collections.abc import Mapping

from segments.language.words.grammar import Noun

Nouns = Mapping[str, tuple[Noun, Noun]]
"""By the name that a rule uses: the English noun and the Dutch one."""

EVENTS: Nouns = {
    "any_event": (Noun("event", "events"), Noun("gebeurtenis", "gebeurtenissen")),
    "visit": (Noun("visit", "visits"), Noun("bezoek", "bezoeken", neuter=True)),
    "on_site": (
        Noun("action on the site", "actions on the site"),
        Noun("handeling op de site", "handelingen op de site"),
    ),
    "purchase": (Noun("purchase", "purchases"), Noun("aankoop", "aankopen")),
    "refund": (Noun("refund", "refunds"), Noun("terugbetaling", "terugbetalingen")),
    "purchase.items": (
        Noun("order line", "order lines"),
        Noun("gekochte artikel", "gekochte artikelen", neuter=True, participle=True),
    ),
    "refund.items": (
        Noun("refund line", "refund lines"),
        Noun("teruggestuurde artikel", "teruggestuurde artikelen", neuter=True, participle=True),
    ),
    "page_view": (Noun("page view", "page views"), Noun("paginaweergave", "paginaweergaven")),
    "product_view": (Noun("product view", "product views"), Noun("productweergave", "productweergaven")),
    "search": (Noun("search", "searches"), Noun("zoekopdracht", "zoekopdrachten")),
    "cart_add": (
        Noun("addition to the cart", "additions to the cart"),
        Noun("toevoeging aan de winkelwagen", "toevoegingen aan de winkelwagen"),
    ),
    "cart_remove": (
        Noun("removal from the cart", "removals from the cart"),
        Noun("verwijdering uit de winkelwagen", "verwijderingen uit de winkelwagen"),
    ),
    "checkout": (Noun("checkout", "checkouts"), Noun("afrekenpoging", "afrekenpogingen")),
    "login": (Noun("login", "logins"), Noun("aanmelding", "aanmeldingen")),
    "email_open": (
        Noun("opened mail", "opened mails"),
        Noun("geopende mail", "geopende mails", participle=True),
    ),
    "email_click": (Noun("click in a mail", "clicks in mails"), Noun("klik in een mail", "klikken in mails")),
    "support_contact": (
        Noun("contact with support", "contacts with support"),
        Noun("contact met de klantenservice", "contacten met de klantenservice", neuter=True),
    ),
}
FIELDS: Nouns = {
    "value": (
        Noun("value of the segment", "values of the segment"),
        Noun("waarde van het segment", "waarden van het segment"),
    ),
    "event_id": (Noun("event id", "event ids"), Noun("gebeurtenisnummer", "gebeurtenisnummers", neuter=True)),
    "kind": (Noun("kind", "kinds"), Noun("soort", "soorten")),
    "channel": (Noun("channel", "channels"), Noun("kanaal", "kanalen", neuter=True)),
    "day": (Noun("day", "days"), Noun("dag", "dagen")),
    "hour": (Noun("hour", "hours"), Noun("uur", "uren", neuter=True)),
    "weekday": (Noun("weekday", "weekdays"), Noun("dag van de week", "dagen van de week")),
    "month": (Noun("month", "months"), Noun("maand", "maanden")),
    "total": (Noun("value", "values"), Noun("waarde", "waarden")),
    "session_id": (Noun("session", "sessions"), Noun("sessie", "sessies")),
    "page": (Noun("page", "pages"), Noun("pagina", "pagina's")),
    "product_id": (Noun("product", "products"), Noun("product", "producten", neuter=True)),
    "category": (Noun("category", "categories"), Noun("categorie", "categorieën")),
    "order_id": (Noun("order", "orders"), Noun("bestelling", "bestellingen")),
    "amount": (Noun("amount", "amounts"), Noun("bedrag", "bedragen", neuter=True)),
    "currency": (Noun("currency", "currencies"), Noun("valuta", "valuta's")),
    "quantity": (Noun("quantity", "quantities"), Noun("aantal stuks", "aantallen stuks", neuter=True)),
    "price": (Noun("price", "prices"), Noun("prijs", "prijzen")),
}


def in_english(nouns: Nouns) -> dict[str, Noun]:
    """The English ones by name."""
    return {name: english for name, (english, _) in nouns.items()}


def in_dutch(nouns: Nouns) -> dict[str, Noun]:
    """The Dutch ones by name."""
    return {name: dutch for name, (_, dutch) in nouns.items()}
