"""Pages from templates: language, dates in the zone, and text from outside as nothing but text."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from segments.insight.told import duration
from segments.language.words.sentence import Language
from streams.console.texts import dutch

LANGUAGES: tuple[Language, ...] = ("en", "nl")
COOKIE = "lang"
COOKIE_SECONDS = 365 * 86_400
SHOWN = 300
"""Characters of a text from outside that are shown in a line: ids have 128 bytes, a text of an event up to 4,096."""
REASONS = {
    "erasure": "erased",
    "merged": "merged with another id",
    "rule_added": "the rule is new",
    "rule_changed": "the rule changed",
    "rule_removed": "the rule was removed",
    "borders": "a border moved",
    "late_event": "an event that came late",
    "consent": "a consent",
    "profile": "the profile",
    "event": "an event",
    "timer": "time alone",
}
ARMS = {
    "treated": "the treated",
    "control": "the control group",
    "mixed": "both arms, merged into one customer",
    None: "no arms",
}
BEGIN, END = Markup("<bdi>"), Markup("</bdi>")
"""Of a text from outside, whose direction ends with it; what is added to them is escaped."""
FOLDER = Path(__file__).parent
MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "nl": ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"),
}


class Renderer:
    """Makes pages."""

    def __init__(self, zone: ZoneInfo, language: Language | None, *, logins: bool) -> None:
        self._zone = zone
        self._language = language
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "plain": plain,
            "segment_path": path_of,
            "raw": raw,
            "lines": lines,
            "short": short,
            "coded": coded,
        }
        self._environment.globals |= {"logins": logins, "problem": None}

    def language(self, request: web.Request) -> Language:
        """Of ?lang, the cookie, Accept-Language, SEGMENTS_LANGUAGE, in this order; else English."""
        asked = request.query.get("lang") or request.cookies.get(COOKIE, "")
        for each in LANGUAGES:
            if each == asked:
                return each
        return _accepted(request.headers.get("Accept-Language", "")) or self._language or "en"

    def page(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page in the language of the request."""
        language = self.language(request)
        say = partial(translated, language)
        text = self._environment.get_template(template).render(
            {
                "lang": language,
                "say": say,
                "number": partial(number, language),
                "reason_words": partial(reason_words, language),
                "arm_words": partial(arm_words, language),
                "leaf_text": partial(leaf_text, language),
                "date": partial(self.date, language),
                "iso": iso,
                "path": request.path,
                "query": request.query,
                "languages": self._languages(request),
                **values,
            }
        )
        response = web.Response(text=text, status=status, content_type="text/html")
        if request.query.get("lang") in LANGUAGES:
            response.set_cookie(COOKIE, language, max_age=COOKIE_SECONDS, httponly=True, samesite="Strict")
        return response

    def sayer(self, language: str) -> Callable[..., str]:
        """What says a text of the console in a language."""
        return partial(translated, language)

    def _languages(self, request: web.Request) -> Mapping[str, str]:
        """The address of this page in each language."""
        return {each: str(request.rel_url.update_query(lang=each)) for each in LANGUAGES}

    def date(self, language: str, instant: int | None) -> str:
        """An instant for people: 3 Nov 2026, 14:30:05."""
        moment = moment_of(instant, self._zone)
        if moment is None:
            return "–"
        month = MONTHS[language][moment.month - 1]
        return f"{moment.day} {month} {moment.year}, {moment:%H:%M:%S}"


def moment_of(instant: int | None, zone: ZoneInfo) -> datetime | None:
    """An instant as date and time of a zone; None where there is none, or no date for it."""
    if instant is None:
        return None
    try:
        return datetime.fromtimestamp(instant / 1000, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return None


def iso(instant: int | None) -> str:
    """An instant for programs, UTC."""
    moment = moment_of(instant, ZoneInfo("UTC"))
    return "" if moment is None else moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def translated(language: str, english: str, **values: Any) -> str:
    """A text of the console in a language, with these values in it."""
    return (dutch(english) if language == "nl" else english).format(**values)


def number(language: str, value: float, places: int = 0) -> str:
    """1,234.5 in English, 1.234,5 in Dutch."""
    text = f"{value:,.{places}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text


def reason_words(language: str, reason: str) -> str:
    """Why somebody entered or left, in words; a reason of a later version as it is."""
    return translated(language, REASONS[reason]) if reason in REASONS else shortened(reason, 40)


def arm_words(language: str, arm: str | None) -> str:
    """An arm of an experiment in words; one of a later version as it is."""
    return translated(language, ARMS[arm]) if arm in ARMS else shortened(str(arm), 40)


def leaf_text(language: str, leaf: Mapping[str, Any], text: str | None) -> str:
    """A value or bound of evidence for people: durations in units."""
    if text is None:
        return translated(language, "nothing")
    if leaf.get("kind") == "duration":
        try:
            return duration(int(text))
        except ValueError:
            return text
    return text


def raw(value: object) -> str:
    """A value as it stands in `data-value`: nothing for None."""
    return "" if value is None else str(value)


def plain(text: object) -> Markup:
    """A text from outside: no character that hides, breaks or turns the line, and its direction ends with it."""
    return BEGIN + shortened(str(text), SHOWN) + END


def short(text: object) -> str:
    """The same where there can be no markup: in a title."""
    return shortened(str(text), SHOWN)


def coded(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = [escape(each) for each in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(each) if place % 2 else each for place, each in enumerate(parts)
    )


def lines(text: str) -> Markup:
    """A text of several lines from outside, in full: no character in it hides or turns a line."""
    return Markup("\n").join(
        Markup("<bdi>{}</bdi>").format("".join(map(_visible, each))) for each in text.splitlines()
    )


def shortened(text: str, most: int) -> str:
    """A text without characters that hide, break or turn the line, cut at `most` characters."""
    told = text[: most + 1]
    if not told.isprintable():  # else there is none of them in it
        told = "".join(map(_visible, told))
    return told if len(told) <= most else f"{told[:most]}…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    return f"\\u{ord(character):04x}" if category in ("Cc", "Cf", "Cs", "Zl", "Zp") else character


def path_of(text: str) -> str:
    """An id as one segment of a path."""
    return quote(text, safe="")


def _accepted(header: str) -> Language | None:
    """The first of our languages that a browser wants."""
    wanted = []
    for place, each in enumerate(header.split(",")):
        name, _, parameter = each.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        wanted.append((-weight, place, name.strip().lower()[:2]))
    found = [name for weight, _, name in sorted(wanted) if weight < 0]
    return next((each for name in found for each in LANGUAGES if each == name), None)
