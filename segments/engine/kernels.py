"""Source text of the measures: three bodies for each, over one stream at one instant.

Each body sees `s` (the stream: instants and columns), `floor` (only later events count) and `now`, and returns

    test    whether the comparison holds
    value   the measure, None if it has none
    change  an instant after `now` before which the test cannot change by time alone (NEVER: it cannot)

`change` may be early, never late: whoever uses it looks again at that instant.
"""

from dataclasses import dataclass
from decimal import Decimal

from segments.language.conditions import Comparison
from segments.language.fields import Type, Value

EXPIRY = "j = bisect_right(s[0], floor)\nreturn s[0][j] + {window} if j < len(s[0]) else NEVER"
NOTHING_COUNTS = ("count", "sum", "distinct")
"""The measures that are 0 of nothing."""
ALWAYS = {True: "return True", False: "return False"}


@dataclass(frozen=True, slots=True)
class Kernel:
    """The bodies of a leaf, and whether it holds of nothing."""

    test: str
    value: str
    change: str
    nothing: bool


def number(bound: Value, money: bool) -> str | None:
    """A numeric bound as source text, money in cents; None if it is no number."""
    if isinstance(bound, bool | str):
        return None
    exact = (Decimal(bound) if not isinstance(bound, float) else Decimal(repr(bound))) * (100 if money else 1)
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


def _count(leaf: Comparison, window: int) -> Kernel:
    """Counting up to a bound needs no counting: the k-th latest event is within the window, or not."""
    value = "return len(s[0]) - bisect_right(s[0], floor)"
    threshold = _threshold(leaf)
    if threshold is None:
        return Kernel(
            _compared("len(s[0]) - bisect_right(s[0], floor)", leaf),
            value,
            EXPIRY.format(window=window),
            _nothing(leaf),
        )
    k, rising = threshold
    if k <= 0:
        return Kernel(ALWAYS[rising], value, "return NEVER", rising)
    reached = f"len(s[0]) >= {k} and s[0][-{k}] > floor"
    test = f"return {reached}" if rising else f"return not ({reached})"
    return Kernel(test, value, f"return s[0][-{k}] + {window} if {reached} else NEVER", not rising)


def _threshold(leaf: Comparison) -> tuple[int, bool] | None:
    """`(k, True)` for a comparison that means `>= k`, `(k, False)` for one that means `< k`."""
    bound = leaf.bound
    if not isinstance(bound, int | Decimal) or isinstance(bound, bool) or bound != int(bound):
        return None
    k = int(bound)
    return {">=": (k, True), ">": (k + 1, True), "<": (k, False), "<=": (k + 1, False)}.get(leaf.operator)


def _compared(subject: str, leaf: Comparison) -> str:
    text = comparison(subject, leaf.operator, leaf.bound, leaf.measure.type)
    return "return False" if text is None else f"return {text}"


def _column(leaf: Comparison, name: str, column: int, window: int) -> Kernel:
    """Measures of a field: over the values that the floor leaves."""
    values = f"values = s[{column}][bisect_right(s[0], floor):]\n"
    subject = {
        "sum": "sum(filter(None, values))",
        "max": "max(values)",
        "min": "min(values)",
        "distinct": "len({*values} - {None})",
    }.get(name)
    change = EXPIRY.format(window=window)
    if name == "last":
        test = f"if s[0][-1] <= floor: return False\n{_compared(f's[{column}][-1]', leaf)}"
        value = f"return s[{column}][-1] if s[0][-1] > floor else None"
        return Kernel(
            test, value, f"return s[0][-1] + {window} if s[0][-1] > floor else NEVER", nothing=False
        )
    if name == "mean":
        test = values + f"if not values: return False\n{_mean(leaf)}"
        return Kernel(
            test, values + "return (sum(values), len(values)) if values else None", change, nothing=False
        )
    assert subject is not None
    if name == "sum":
        body, value = (
            values + _compared(subject, leaf),
            values + f"return None if {{*values}} <= {{None}} else {subject}",
        )
    elif name == "distinct":
        body, value = values + _compared(subject, leaf), values + f"return {subject}"
    else:
        body = values + f"if not values: return False\n{_compared(subject, leaf)}"
        value = values + f"return {subject} if values else None"
    if name == "sum" and leaf.measure.field is not None and leaf.measure.field.name == "amount":
        change = _sum_change(leaf, column, window)
    return Kernel(body, value, change, _nothing(leaf))


def _mean(leaf: Comparison) -> str:
    """The sum against the bound times the number: exact, without a division."""
    if leaf.operator == "is_in":
        bounds = leaf.bound if isinstance(leaf.bound, tuple) else (leaf.bound,)
        texts = [text for each in bounds if (text := like(each, leaf.measure.type)) is not None]
        return (
            f"return any(sum(values) == each * len(values) for each in ({', '.join([*texts, ''])}))"
            if texts
            else "return False"
        )
    text = like(leaf.bound, leaf.measure.type) if not isinstance(leaf.bound, tuple) else None
    return "return False" if text is None else f"return sum(values) {leaf.operator} {text} * len(values)"


def _sum_change(leaf: Comparison, column: int, window: int) -> str:
    """Amounts are not negative, so by time alone their sum only falls: find the event whose end crosses the bound."""
    opposite = {">=": "<", ">": "<=", "<": "<", "<=": "<="}.get(leaf.operator)
    text = None if isinstance(leaf.bound, tuple) else like(leaf.bound, Type.MONEY)
    if opposite is None or text is None:
        return EXPIRY.format(window=window)
    return (
        f"j = bisect_right(s[0], floor)\nrest = sum(filter(None, s[{column}][j:]))\n"
        f"if rest {opposite} {text}: return NEVER\n"
        f"for j in range(j, len(s[0])):\n    rest -= s[{column}][j] or 0\n"
        f"    if rest {opposite} {text}: return s[0][j] + {window}\nreturn NEVER"
    )


def _duration(leaf: Comparison, name: str, window: int) -> Kernel:
    """`idle` looks at the latest event, `age` at the earliest; both leave the window with it."""
    bound, operator = int(leaf.bound), leaf.operator  # type: ignore[arg-type]  # a Duration was demanded
    find = "j = bisect_right(s[0], floor)\n" if name == "age" else ""
    none, at = ("j == len(s[0])", "s[0][j]") if name == "age" else ("s[0][-1] <= floor", "s[0][-1]")
    steps = {">=": [0], "<": [0], ">": [1], "<=": [1]}.get(operator, [0, 1])
    crossings = "".join(
        f"if {at} + {bound} + {step} > now: return {at} + {bound} + {step}\n"
        for step in steps
        if bound + step < window
    )
    return Kernel(
        f"{find}return False if {none} else now - {at} {operator} {bound}",
        f"{find}return None if {none} else now - {at}",
        f"{find}if {none}: return NEVER\n{crossings}return {at} + {window}",
        nothing=False,
    )
