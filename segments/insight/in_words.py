"""The evidence of a rule in words, for those who don't read the notation of rules."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from segments.insight.told import duration
from segments.language.catalogue import ANY_EVENT, Type
from segments.language.nodes.arithmetic import Calculated, Term, is_duration, power_of_money
from segments.language.nodes.borders import Top
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import Comparison, Condition, Consent, HasValue, ProfileComparison
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import Field
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.splits import Split
from segments.language.nodes.text import bound_text, leaf_text, leaves, rule_text
from segments.language.words.phrases import phrases
from segments.language.words.sentence import Language, Words, speaker
from segments.language.words.shares import share_of

Entry = Mapping[str, Any]


class InWords:
    """Says in one language what is written in the notation of the rules that are known here; else nothing."""

    def __init__(self, segments: Iterable[Segment], language: Language, currency: str = "EUR") -> None:
        self.say = phrases(language)
        self._words = speaker(language, currency)
        self._measures: dict[str, list[Condition]] = {}
        self._conditions: dict[str, Condition] = {}
        for segment in segments:
            for leaf in (*leaves(segment.when), *leaves(segment.until)):
                self._measures.setdefault(leaf_text(leaf), []).append(leaf)
                self._conditions[rule_text(leaf)] = leaf

    def measure(self, text: str) -> str | None:
        """What the `measure` of an entry of evidence is: `the number of visits in the past 7 days`."""
        found = self._found(text)
        return None if found is None else _subject(self._words, *found)

    def value(self, measure: str, text: str | None) -> str | None:
        """A value of a measure: `3`, `EUR 520.00`, `83 %`, `2d 4h`."""
        found = self._found(measure)
        return None if found is None else self._value(found[0], text)

    def bound(self, entry: Entry) -> str | None:
        """What the value must be: `at least 3`; empty of what is true or false. None: no rule has this bound."""
        found, asked = self._found(entry["measure"]), (entry["operator"], entry["bound"])
        for leaf in () if found is None else self._measures[leaf_text(found[0])]:
            operator = getattr(leaf, "operator", "==")
            if (_is_moving(leaf) and operator == entry["operator"]) or (operator, bound_text(leaf)) == asked:
                return self._bound(leaf, entry["bound"])
        return None

    def line(self, entry: Entry) -> str | None:
        """`the number of visits in the past 7 days: 2 (bound: at least 3)`."""
        measure, bound = self.measure(entry["measure"]), self.bound(entry)
        value = self.value(entry["measure"], entry["value"])
        if measure is None or bound is None:
            return None
        say = self.say
        if not bound:
            value = say("unknown") if entry["value"] is None else value
            return say("{measure}: {value}", measure=measure, value=value)
        return say("{measure}: {value} (bound: {bound})", measure=measure, value=value, bound=bound)

    def condition(self, text: str) -> str | None:
        """What would change something, or its opposite: `there are at least 3 visits in the past 7 days`."""
        bare = text.removeprefix("not_(").removesuffix(")") if text.startswith("not_(") else text
        leaf = self._conditions.get(bare)
        if leaf is None:
            return None
        said = self._words.condition(leaf, negated=bare != text)
        return (
            said.replace("die ", f"{self._words.word('customer')} ", 1) if said.startswith("die ") else said
        )

    def _found(self, text: str) -> tuple[Condition, str] | None:
        """The leaf that is written so, and the value of `by` behind it."""
        found = self._measures.get(text)
        at = len(text)
        while found is None and text.endswith("]") and (at := text.rfind("[", 0, at)) > 0:
            found = self._measures.get(text[:at])
        return None if found is None else (found[0], text[at + 1 : -1])

    def _value(self, leaf: Condition, text: str | None) -> str:
        words = self._words
        if text is None:
            return self.say("nothing")
        match leaf:
            case Comparison(measure) if measure.kind.duration:
                return _time(text)
            case Comparison(measure) if measure.name == "alive":
                return words.percent(100 * Decimal(text))
            case Comparison(measure) if measure.field is None or measure.field.name != "day":
                return self._plain(text, measure.type)
            case Calculated(left) if share_of(leaf) is not None:
                return words.percent(100 * Decimal(text))
            case Calculated(left):
                return _time(text) if is_duration(left) else self._plain(text, _unit(left))
            case DateComparison():
                return _time(text)
            case TodayComparison(part) if part in ("weekday", "month"):
                return words.compared("==", text, leaf.type, Field(ANY_EVENT, part, leaf.type))
            case ProfileComparison(bound=str()):
                return words.value(text, Type.TEXT)
            case ProfileComparison(bound=bound) if not isinstance(bound, bool):
                return text
        return words.value(text == "true", None) if text in ("true", "false") else text

    def _plain(self, text: str, type_: Type) -> str:
        try:
            return self._words.value(text if type_ is Type.TEXT else Decimal(text), type_)
        except ArithmeticError:
            return text

    def _bound(self, leaf: Condition, text: str) -> str:
        words = self._words
        match leaf:
            case Comparison(operator=operator, bound=Top(percent=percent)):
                border = words.word("border").format(share=words.vocabulary.number(str(percent)))
                return words.how(operator, f"{border} ({self._value(leaf, text or None)})")
            case Comparison(measure, operator, bound):
                if measure.kind.duration and isinstance(bound, int):
                    return words.how(operator, words.vocabulary.span(bound))
                if measure.name == "alive":
                    return words.how(operator, words.percent(100 * Decimal(str(bound))))
                if operator == "==" and measure.type is not Type.TEXT:
                    return words.how(operator, words.value(bound, measure.type))
                return words.compared(operator, bound, measure.type, measure.field)
            case Calculated(left, operator, right):
                share = share_of(leaf)
                if share is not None:
                    return words.how(operator, words.percent(share[2]))
                if isinstance(right, Duration):
                    return words.how(operator, words.vocabulary.span(right.milliseconds))
                if isinstance(right, Term):
                    return words.how(operator, f"{words.term(right)} ({self._value(leaf, text or None)})")
                return words.how(operator, self._plain(str(right), _unit(left)))
            case DateComparison(operator=operator):
                return words.how(operator, words.span_of(leaf))
            case TodayComparison(part, operator, bound):
                return words.compared(operator, bound, leaf.type, Field(ANY_EVENT, part, leaf.type))
            case ProfileComparison(_, operator, bound):
                return words.compared(operator, bound, None, None)
        return ""


def _is_moving(leaf: Condition) -> bool:
    """Whether the bound is a value itself: a border, or another measure."""
    return isinstance(getattr(leaf, "bound", None), Top) or isinstance(getattr(leaf, "right", None), Term)


def _unit(term: Term) -> Type:
    return Type.MONEY if power_of_money(term) == 1 else Type.WHOLE


def _time(text: str) -> str:
    try:
        return duration(int(Decimal(text)))
    except (ArithmeticError, ValueError):
        return text


def _subject(words: Words, leaf: Condition, key: str) -> str:
    said = _measured(words, leaf)
    return f"{said} ({key})" if key else said


def _measured(words: Words, leaf: Condition) -> str:
    match leaf:
        case Comparison(measure):
            return words.term(measure)
        case Calculated():
            return words.calculated(leaf)
        case ProfileComparison(name):
            return words.word("profile").format(name=name)
        case TodayComparison(part):
            return words.word(f"today_{part}")
        case DateComparison():
            since = "date_since" if leaf.told == "age" else "date_until"
            return words.word(since).format(date=words.of_date(leaf))
        case HasValue(name, value):
            return f"“{value}” {words.word('listed').format(name=name)}"
        case Consent(name):
            return words.word("consent").format(name=name)
        case Split(name):
            return words.word("split").format(share=words.share(leaf), name=name)
        case Segment():
            return words.word("segment").format(name=words.vocabulary.title(leaf))
        case ValueOf(segment, value):
            return words.word("segment_of").format(name=words.vocabulary.title(segment), value=value)
    raise TypeError(leaf)
