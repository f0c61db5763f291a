"""The language of rules: all that a rule file imports.

events[.where][.after][.by][.since][.within][.ago].measure  comparison  bound

The rooms behind it:

    checking  what is wrong with a rule
    loading   rule files become segments
    measures  what is counted, summed or timed: a file for each
    nodes     the syntax tree of a rule
    stories   the examples of a rule, as text
    truth     the oracle: the slow and independent definition of what rules mean
    words     a rule as a sentence in English and Dutch

    catalogue the topics, fields, kinds of events, event sets and visits, as data
    zones     time zones, by the package tzdata
    errors    the errors of the language, each with what to write instead
"""

from decimal import Decimal

from segments.language.catalogue import (
    ANY_EVENT,
    CLICKSTREAM,
    EVENT_TOPICS,
    ON_SITE_EVENTS,
    SETS,
    VISIT,
    flips_of,
    of_own_kind,
)
from segments.language.errors import RuleError, SegmentsError, StoryError
from segments.language.nodes.borders import top
from segments.language.nodes.calendar import Today
from segments.language.nodes.conditions import Condition, any_of, consent, not_, profile
from segments.language.nodes.dates import years
from segments.language.nodes.durations import Duration, days, hours, minutes
from segments.language.nodes.events import Events
from segments.language.nodes.fields import is_a
from segments.language.nodes.literals import shown, text
from segments.language.nodes.models import model
from segments.language.nodes.segment import Segment
from segments.language.nodes.splits import split
from segments.language.nodes.stages import Stages

__all__ = [
    "Condition",
    "Decimal",
    "Duration",
    "Events",
    "RuleError",
    "Segment",
    "SegmentsError",
    "Stages",
    "StoryError",
    "any_event",
    "any_of",
    "cart_add",
    "cart_remove",
    "checkout",
    "consent",
    "days",
    "email_click",
    "email_open",
    "entered",
    "event",
    "hours",
    "left",
    "login",
    "minutes",
    "model",
    "not_",
    "on_site",
    "page_view",
    "product_view",
    "profile",
    "purchase",
    "refund",
    "search",
    "split",
    "support_contact",
    "today",
    "top",
    "visit",
    "years",
]

today = Today()
any_event = Events(SETS["any_event"])
visit = Events(SETS["visit"])
on_site = Events(SETS["on_site"])
purchase = Events(SETS["purchase"])
refund = Events(SETS["refund"])
page_view = Events(SETS["page_view"])
product_view = Events(SETS["product_view"])
search = Events(SETS["search"])
cart_add = Events(SETS["cart_add"])
cart_remove = Events(SETS["cart_remove"])
checkout = Events(SETS["checkout"])
login = Events(SETS["login"])
email_open = Events(SETS["email_open"])
email_click = Events(SETS["email_click"])
support_contact = Events(SETS["support_contact"])


def entered(segment: Segment) -> Events:
    """The enters of another segment, as events: `entered(high_value)`."""
    return _flips("entered", segment)


def left(segment: Segment) -> Events:
    """The exits of another segment, as events: `left(high_value)`."""
    return _flips("left", segment)


def _flips(flip: str, segment: Segment) -> Events:
    if not is_a(Segment, segment):
        problem = f"{flip}({shown(segment)}): a segment was expected."
        raise RuleError(problem, f"Import the segment, and write {flip}(high_value), say.")
    return Events(flips_of(flip, segment, segment.id))


def event(kind: str, *, en: str = "", nl: str = "") -> Events:
    """The clicks of a kind of the shop's own: `event("wishlist_add", en="wish list additions")`.

    `en`, `nl`: what such events are called in sentences, in the plural; without them they are called by the kind.
    """
    if not is_a(str, kind) or not kind:
        problem = f"event({shown(kind)}): the name of a kind was expected."
        raise RuleError(problem, 'Write event("wishlist_add").')
    kind, titles = text(kind, "event(...)"), [text(each, "event(...)") for each in (en, nl)]
    others = [each for topic in EVENT_TOPICS if topic is not CLICKSTREAM for each in topic.kinds]
    if kind in (*others, VISIT.name, ANY_EVENT.name, ON_SITE_EVENTS.name):
        raise RuleError(f'event("{kind}") is not a kind of click.', f"Import {kind} from segments.language.")
    if kind in CLICKSTREAM.kinds:
        if any(titles):
            problem = f'event("{kind}", ...): the language has words for {kind}.'
            raise RuleError(problem, f"Write {kind}, without en= and nl=.")
        return Events(SETS[kind])
    return Events(of_own_kind(kind, *titles))
