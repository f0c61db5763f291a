"""Source text of the measures: two bodies for each, over one stream at one instant.

Each body sees `s` (the stream: instants and columns), `floor` (only later events count) and `now`, and returns

    look    whether the comparison holds, and an instant after `now` before which that can't change by time alone
    value   the measure, None if it has none

The instant may be early, never late: whoever uses it looks again then. NEVER: time alone changes nothing.
"""

from dataclasses import dataclass
from decimal import Decimal

from segments.language.catalogue import Type
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.literals import Value

START = "j = bisect_right(s[0], floor)\n"
EXPIRY = "s[0][j] + {window} if j < len(s[0]) else NEVER"
"""When the first event that counts ceases to, `START` having found it."""
LATEST = 64
"""Of so many values it is looked first whether they are as distinct as is asked."""
NOTHING_COUNTS = ("count", "sum", "distinct")
"""The measures that are 0 of nothing."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The bodies of a leaf, and whether it holds of nothing."""

    look: str
    value: str
    nothing: bool


def number(bound: Value, money: bool) -> str | None:
    """A numeric bound as source text, money in cents; None if it is no number."""
    if isinstance(bound, bool | str):
        return None
    exact = Decimal(bound) * (100 if money else 1)
    return str(int(exact)) if exact == int(exact) else f"Decimal({str(exact)!r})"


def like(bound: Value, kind: Type) -> str | None:
    """A bound as source text if it is of the type of what it is compared with, else None."""
    if kind is Type.TEXT:
        return repr(bound) if isinstance(bound, str) else None
    return number(bound, kind is Type.MONEY)


def comparison(subject: str, operator: str, bound: Value | tuple[Value, ...], kind: Type) -> str | None:
    """`subject operator bound` as source text; None if it can't be true, the types being unlike."""
    if operator == "is_in":
        bounds = bound if isinstance(bound, tuple) else (bound,)
        texts = [text for each in bounds if (text := like(each, kind)) is not None]
        return f"{subject} in ({', '.join(texts)},)" if texts else None
    text = like(bound, kind) if not isinstance(bound, tuple) else None
    return None if text is None else f"{subject} {operator} {text}"


def kernel(leaf: Comparison, column: int | None) -> Kernel:
    """The bodies of a comparison of a measure; `column` is where its field stands in the stream."""
    name, window = leaf.measure.name, leaf.measure.events.window or 0
    if name in ("idle", "age"):
        return _duration(leaf, name, window)
    if name == "count":
        return _count(leaf, window)
    return _column(leaf, name, column or 0, window)


def _nothing(leaf: Comparison) -> bool:
    if leaf.measure.name not in NOTHING_COUNTS:
        return False
    text = comparison("0", leaf.operator, leaf.bound, leaf.measure.type)
    return text is not None and bool(eval(text, {"Decimal": Decimal}))  # noqa: S307 - text of our own making


def _compared(subject: str, leaf: Comparison) -> str:
    return comparison(subject, leaf.operator, leaf.bound, leaf.measure.type) or "False"


def _count(leaf: Comparison, window: int) -> Kernel:
    """Counting up to a bound needs no counting: the k-th latest event is within the window, or not."""
    value = "return len(s[0]) - bisect_right(s[0], floor)"
    threshold = _threshold(leaf)
    if threshold is None:
        look = f"{START}return {_compared('len(s[0]) - j', leaf)}, {EXPIRY.format(window=window)}"
        return Kernel(look, value, _nothing(leaf))
    k, rising = threshold
    if k <= 0:
        return Kernel(f"return {rising}, NEVER", value, rising)
    reached = f"if len(s[0]) >= {k} and s[0][-{k}] > floor: return {rising}, s[0][-{k}] + {window}\n"
    return Kernel(f"{reached}return {not rising}, NEVER", value, not rising)


def _threshold(leaf: Comparison) -> tuple[int, bool] | None:
    """`(k, True)` for a comparison that means `>= k`, `(k, False)` for one that means `< k`."""
    bound = leaf.bound
    if not isinstance(bound, int | Decimal) or isinstance(bound, bool) or bound != int(bound):
        return None
    k = int(bound)
    return {">=": (k, True), ">": (k + 1, True), "<": (k, False), "<=": (k + 1, False)}.get(leaf.operator)


def _column(leaf: Comparison, name: str, column: int, window: int) -> Kernel:
    """Measures of a field: over the values that the floor leaves."""
    values = f"{START}values = s[{column}][j:]\n"
    subject = {
        "sum": "sum(filter(None, values))",
        "max": "max(values)",
        "min": "min(values)",
        "distinct": "len({*values} - {None})",
        "mean": "(sum(values), len(values))",
        "last": f"s[{column}][-1]",
    }[name]
    if name == "last":
        look = f"if s[0][-1] <= floor: return False, NEVER\nreturn {_compared(subject, leaf)}, s[0][-1] + {window}"
        return Kernel(look, f"return {subject} if s[0][-1] > floor else None", nothing=False)
    none = "" if name in NOTHING_COUNTS else "if not values: return False, NEVER\n"
    compared = _mean(leaf) if name == "mean" else _compared(subject, leaf)
    each = f"{values}{none}return {compared}, {EXPIRY.format(window=window)}"
    look = _reached(leaf, name, column, window) or each
    value = f"{values}return {subject}"
    if name == "sum":
        value = f"{values}return None if {{*values}} <= {{None}} else {subject}"
    elif none:
        value += " if values else None"
    return Kernel(look, value, _nothing(leaf))


def _mean(leaf: Comparison) -> str:
    """The sum against the bound times the number: exact, without a division."""
    if leaf.operator == "is_in":
        bounds = leaf.bound if isinstance(leaf.bound, tuple) else (leaf.bound,)
        texts = [text for each in bounds if (text := like(each, leaf.measure.type)) is not None]
        return (
            f"any(sum(values) == each * len(values) for each in ({', '.join([*texts, ''])}))"
            if texts
            else "False"
        )
    text = like(leaf.bound, leaf.measure.type) if not isinstance(leaf.bound, tuple) else None
    return "False" if text is None else f"sum(values) {leaf.operator} {text} * len(values)"


def _reached(leaf: Comparison, name: str, column: int, window: int) -> str | None:
    """The body of a measure that by time alone only falls (rises: `min`), against a bound that it may reach.

    From the latest event backwards only as many are looked at as reach the bound; with the last of them it is lost.
    """
    amount = leaf.measure.field is not None and leaf.measure.field.name == "amount"
    steps = {
        # Amounts are not negative; other fields may be.
        "sum": ("found += v or 0", "found") if amount else None,
        "distinct": ("if v is not None: found.add(v)", "len(found)"),
        "max": ("", "v"),
        "min": ("", "v"),
    }
    operator = leaf.operator
    falling = {"<": ">=", "<=": ">"}
    holds = name not in NOTHING_COUNTS or operator not in falling
    operator = operator if holds else falling[operator]
    rising = ("<=", "<") if name == "min" else (">=", ">")
    text = None if isinstance(leaf.bound, tuple) else like(leaf.bound, leaf.measure.type)
    if operator not in rising or text is None or (step := steps.get(name)) is None:
        return None
    if name in NOTHING_COUNTS and _nothing(leaf) == holds:
        return f"return {holds}, NEVER"
    too_few = _too_few(column, f"{operator} {text}", holds)
    begin = {"sum": "found = 0\n", "distinct": f"{too_few}found = set()\n"}.get(name, "")
    return (
        f"{begin}for t, v in zip(reversed(s[0]), reversed(s[{column}])):\n    if t <= floor: break\n"
        f"    {step[0] or 'pass'}\n    if {step[1]} {operator} {text}: return {holds}, t + {window}\n"
        f"return {not holds}, NEVER"
    )


def _too_few(column: int, bound: str, holds: bool) -> str:
    """The end of a search for distinct values that aren't there: a set of all is made faster than one by one.

    Where the latest have enough, it need not be made: then the search soon ends.
    """
    latest, all_ = f"s[{column}][-{LATEST}:]", f"s[{column}][bisect_right(s[0], floor):]"
    few = " and ".join(f"not len({{*{each}}}) {bound}" for each in (latest, all_))
    return f"if {few}: return {not holds}, NEVER\n"


def _duration(leaf: Comparison, name: str, window: int) -> Kernel:
    """`idle` looks at the latest event, `age` at the earliest; both leave the window with it."""
    bound, operator = int(leaf.bound), leaf.operator  # type: ignore[arg-type]  # a Duration was demanded
    find = START if name == "age" else ""
    none, at = ("j == len(s[0])", "s[0][j]") if name == "age" else ("s[0][-1] <= floor", "s[0][-1]")
    steps = {">=": [0], "<": [0], ">": [1], "<=": [1]}.get(operator, [0, 1])
    crossings = "".join(
        f"if {at} + {bound + step} > now: return holds, {at} + {bound + step}\n"
        for step in steps
        if bound + step < window
    )
    return Kernel(
        f"{find}if {none}: return False, NEVER\nholds = now - {at} {operator} {bound}\n"
        f"{crossings}return holds, {at} + {window}",
        f"{find}return None if {none} else now - {at}",
        nothing=False,
    )
