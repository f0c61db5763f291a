"""The linter: what a rule may not be, or should not lack, each with its reason and what to write instead.

Blocking findings are refused by the worker and by a replay too: a rule that would be true of strangers, that
would have to remember for ever, or that asks for something that can never come. The others are what a
colleague would say: a title is missing, a story is missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from segments.language.checking.checks import check_details, check_goal, check_leaf
from segments.language.checking.contradictions import contradictions
from segments.language.checking.lasting import check_lasting
from segments.language.checking.models import old_models
from segments.language.checking.values import check_stages, check_values, of_no_value
from segments.language.errors import Origin, RefusedRules, RuleError
from segments.language.loading.source import docstring, examples_origin
from segments.language.nodes.arithmetic import Calculated, Product, Quotient, Sum
from segments.language.nodes.borders import Top
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import AllOf, AnyOf, Comparison, Condition, Not
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment
from segments.language.nodes.splits import Split
from segments.language.nodes.text import leaves, literal, plain
from segments.language.stories.reader import Story, read_stories

TO_BE_WRITTEN = "Say here what the segment is for, and what a marketer does with it."
"""What `segments new` writes for the author to replace."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something wrong with a rule, and what to write instead."""

    rule: str
    file: str
    line: int
    problem: str
    mend: str
    blocking: bool
    """The worker and a replay refuse the rule as well."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem} {self.mend}".rstrip()


def lint(segments: Iterable[Segment], zone: str = "UTC", now: int | None = None) -> list[Finding]:
    """All that is to be said about these rules, by rule and line; their stories are read in a time zone.

    `now`, in milliseconds, tells how old a model is; None: nothing is said of that.
    """
    rules = list(segments)
    findings = {finding for segment in rules for finding in (*_refused(segment), *_missing(segment, zone))}
    if now is not None:
        findings |= {_finding(segment, *told) for segment in rules for told in old_models(segment, now)}
    return sorted({*findings, *_experiments(rules)})


def refuse(segments: Sequence[Segment]) -> None:
    """Raises an error that names every blocking finding, if there is one."""
    findings = sorted({finding for segment in segments for finding in _refused(segment) if finding.blocking})
    errors = [RuleError(each.problem, each.mend, Origin(each.file, each.line)) for each in findings]
    if errors:
        raise errors[0] if len(errors) == 1 else RefusedRules(errors)


def _experiments(segments: Sequence[Segment]) -> Iterator[Finding]:
    """Control groups that nothing is compared by, and experiments of which nobody knows how many are held out."""
    first: dict[str, Segment] = {}
    for segment in sorted(segments, key=lambda each: each.id):
        aim = segment.aim
        if aim.control is None:
            continue
        if aim.goal is None:
            problem = f"control={plain(aim.control)} without goal: nothing tells whether it did any good."
            yield _finding(segment, problem, "Write goal=purchase.within(days=7), say, or leave control out.")
        other = first.setdefault(aim.experiment, segment)
        if other.aim.control != aim.control:
            problem = (
                f"experiment={literal(aim.experiment)} has control={plain(aim.control)} here and "
                f"control={plain(other.aim.control or 0)} in {other.id}."
            )
            yield _finding(
                segment, problem, "Give both one percentage, or this one an experiment of its own."
            )


def of_strangers(condition: Condition, *, each: bool = False) -> frozenset[bool]:
    """What a condition may be of a customer of whom nothing is remembered; `each`: at any of its values."""
    if each:
        return of_no_value(condition, of_strangers)
    return frozenset(truth for truth in (True, False) if may_be(truth, condition))


def may_be(truth: bool, condition: Condition) -> bool:
    """Whether a condition may be true, or false, of one of whom nothing is remembered: splits and now may be either."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            every = isinstance(condition, AllOf) is truth
            return (all if every else any)(may_be(truth, part) for part in parts)
        case Not(inner):
            return may_be(not truth, inner)
        case Split() | TodayComparison():
            return True
    return _holds_of_nothing(condition) is truth


def _holds_of_nothing(condition: Condition) -> bool:
    """What a leaf is for a customer of whom nothing is remembered."""
    match condition:
        case Calculated(left, operator, right):
            first, second = _of_nothing(left), _of_nothing(right)
            return first is not None and second is not None and _zero(operator, second - first)
        case Comparison(measure, operator, bound):
            of_nothing = measure.events.key is None and measure.kind.of_nothing == 0
            return of_nothing and _zero(operator, bound)
    return False


def _of_nothing(term: object) -> Fraction | None:
    """The value of a calculation of nothing: counts and sums are 0, unless by value; the others have none."""
    if isinstance(term, int | Decimal):
        return Fraction(term)
    if isinstance(term, Measure):
        return Fraction(0) if term.events.key is None and term.kind.of_nothing == 0 else None
    if not isinstance(term, Sum | Product | Quotient):
        return None
    left, right = map(_of_nothing, term.parts)
    if left is None or right is None or (isinstance(term, Quotient) and not right):
        return None
    if isinstance(term, Sum):
        return left + right if term.sign == "+" else left - right
    return left * right if isinstance(term, Product) else left / right


def _zero(operator: str, bound: object) -> bool:
    """Whether nought compares so with the bound; anything but a number is unlike it, which is false."""
    if operator == "is_in":
        return isinstance(bound, tuple) and any(_zero("==", each) for each in bound)
    if isinstance(bound, Top):
        return operator in ("<", "<=")  # a border is some number above 0
    if isinstance(bound, bool) or not isinstance(bound, int | Decimal | Fraction):
        return False
    results = {
        "==": bound == 0,
        "!=": bound != 0,
        ">=": bound <= 0,
        ">": bound < 0,
        "<=": bound >= 0,
        "<": bound > 0,
    }
    return results[operator]


def _refused(segment: Segment) -> Iterator[Finding]:
    """What the worker refuses, and what it would silently never do."""
    faults = [fault for leaf in leaves(segment.when) + leaves(segment.until) for fault in check_leaf(leaf)]
    for origin, problem, mend, blocking in (*faults, *check_goal(segment), *check_details(segment)):
        yield Finding(segment.id, origin.file, origin.line, problem, mend, blocking)
    for problem, mend in (*check_lasting(segment), *check_values(segment)):
        yield _finding(segment, problem, mend, blocking=True)
    for problem, mend in check_stages(segment):
        yield _finding(segment, problem, mend)
    if segment.until is None:
        if may_be(True, segment.when):
            problem = (
                "The rule is true of a customer of whom nothing is remembered: every stranger would be in it."
            )
            mend = "Add to when what makes a customer known, say any_event.within(days=365).count() >= 1."
            yield _finding(segment, problem, mend, blocking=True)
    elif False in of_strangers(segment.until, each=segment.for_each is not None):
        problem = "until is false when nothing is remembered: a customer who is forgotten could never leave."
        mend = "Add a way out by time: until=any_of(..., any_event.within(days=365).count() == 0)."
        yield _finding(segment, problem, mend, blocking=True)


def _missing(segment: Segment, zone: str) -> Iterator[Finding]:
    """What a colleague would miss; the rule runs without it."""
    if not docstring(segment):
        mend = "Say at the top of the file what the segment is for and what a marketer does with it."
        yield _finding(segment, "The file has no docstring.", mend, line=1)
    elif TO_BE_WRITTEN in docstring(segment):
        mend = "Say what the segment is for and what a marketer does with it."
        yield _finding(segment, "The docstring is still that of the template.", mend, line=1)
    for condition in (segment.when, segment.until):
        for origin, text in contradictions(condition):
            problem = f"{text}: never true together."
            yield Finding(segment.id, origin.file, origin.line, problem, "Write any_of(...) for or.", False)
    for name, text in (("en", segment.en), ("nl", segment.nl)):
        if not text.strip():
            yield _finding(segment, f"{name} is missing.", f'Write {name}="...": the segment in a sentence.')
    try:
        stories = read_stories(segment, zone=zone)
    except RuleError as error:
        for each in error.errors if isinstance(error, RefusedRules) else (error,):
            yield Finding(segment.id, each.origin.file, each.origin.line, each.problem, each.mend, False)
        return
    yield from _untold(segment, stories)


def _untold(segment: Segment, stories: Sequence[Story]) -> Iterator[Finding]:
    """A story that enters, one that leaves and a near miss: the proof that a rule does what its words say."""
    told = {word for story in stories for word in story.told}
    line = examples_origin(segment).line
    for word in ("enters", "leaves"):
        if word not in told:
            mend = f"Add a story to examples with a line that ends in {word!r}."
            yield _finding(segment, f"No story {word}.", mend, line=line)
    if not any(story.happens and "enters" not in story.told for story in stories):
        mend = "Add a story in which something happens and the customer just does not enter."
        yield _finding(segment, "No story is a near miss.", mend, line=line)


def _finding(segment: Segment, problem: str, mend: str, *, line: int = 0, blocking: bool = False) -> Finding:
    return Finding(segment.id, segment.origin.file, line or segment.origin.line, problem, mend, blocking)
