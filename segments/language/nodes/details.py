"""Details: named measures that an enter carries as text."""

from collections.abc import Mapping

from segments.language.errors import RuleError
from segments.language.nodes.arithmetic import Term
from segments.language.nodes.conditions import Condition
from segments.language.nodes.fields import came, is_a
from segments.language.nodes.literals import shown, text
from segments.language.nodes.measures import Measure

EXAMPLE = 'Write details={"spent": purchase.within(days=30).sum(purchase.amount)}.'

Details = tuple[tuple[str, Measure], ...]
"""Names, ascending, each with its measure."""


class Listed(Measure):
    """`values(field)`: a JSON array of the different values of a field, the latest first; for details alone."""

    __slots__ = ()

    @property
    def is_text(self) -> bool:
        """An array is a text, which nothing is calculated with."""
        return True

    def _compare(self, operator: str, bound: object) -> Condition:
        problem = f"values({self.field}) {operator} {came(bound)}: a list of values is for details alone."
        raise RuleError(problem, "Compare distinct(...), last(...) or count() instead.")

    def is_in(self, *_bounds: object) -> Condition:  # type: ignore[override]
        """Of a list of values there is no `is_in`."""
        return self._compare("is_in", _bounds)


def details(given: object) -> Details:
    """What an author wrote; raises RuleError for what is no name or no measure."""
    if given is None:
        return ()
    if not is_a(Mapping, given) or not isinstance(given, Mapping):
        raise RuleError(f"details={came(given)}: names with measures were expected.", EXAMPLE)
    for name, measure in given.items():
        if not is_a(str, name) or not name:
            raise RuleError(f"details: {shown(name)} is no name.", EXAMPLE)
        text(name, "details=")
        if not isinstance(measure, Measure):
            what = "a calculation" if isinstance(measure, Term) else came(measure).removesuffix(",")
            problem = f'details: "{name}" is {what}: a measure was expected.'
            raise RuleError(problem, "Write a measure without a comparison, say orders.sum(purchase.amount).")
    return tuple(sorted(given.items(), key=lambda each: each[0].encode()))
