"""What a model tells of a customer: `orders.alive(m)`, `orders.expected(m, days=90)`, `orders.clv(m, days=365)`."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn, cast

from segments.language.catalogue import DAY, TRANSACTIONS, Type
from segments.language.errors import RuleError, here
from segments.language.nodes.borders import Top, ranked
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.fields import Field, came, is_a
from segments.language.nodes.literals import number, shown
from segments.language.nodes.measures import Measure
from segments.language.nodes.models import Model

OPERATORS = ("<", "<=", ">", ">=")
LONGEST = 3_650
"""Days ahead: ten years."""
EXAMPLE = 90


@dataclass(frozen=True, slots=True, eq=False)
class Predicted(Measure):
    """A measure by a model; while no purchase comes and none leaves the window, it falls."""

    model: Model | None = None
    days: int = 0
    """How far it looks ahead; 0 for `alive`."""

    @property
    def type(self) -> Type:
        """A number; spend is in units of the currency."""
        return Type.WHOLE

    @property
    def columns(self) -> tuple[Field, ...]:
        """The fields of a purchase that it reads."""
        day = Field(self.events.source, DAY.name, DAY.type)
        return (day,) if self.field is None else (day, self.field)

    @property
    def of(self) -> Model:
        """Its model."""
        if self.model is None:
            raise TypeError("a measure by a model has one")
        return self.model

    def _compare(self, operator: str, bound: object) -> Comparison:
        if operator not in OPERATORS:
            problem = (
                f"{self.name} {operator} {came(bound)}: it changes all the time, and is hardly ever that."
            )
            raise RuleError(problem, "Compare it with <, <=, > or >=.")
        if isinstance(bound, Top):
            return ranked(self, operator, bound)
        if isinstance(bound, bool) or not isinstance(bound, int | float | Decimal):
            problem = f"{self.name} is compared with {came(bound)}; a number was expected."
            raise RuleError(problem, f"Write, say, {self.name}(...) {operator} 0.3.")
        exact = number(bound, self.name)
        if exact <= 0 or (self.name == "alive" and exact >= 1):
            between = "between 0 and 1" if self.name == "alive" else "above 0"
            problem = f"{self.name} is compared with {exact}: it is always {between}."
            raise RuleError(problem, f"Write a bound {between}.")
        return Comparison(self, operator, exact, here())

    def is_in(self, *_bounds: object) -> NoReturn:
        """Refused: it is hardly ever one of some numbers."""
        raise RuleError(f"{self.name}.is_in: it changes all the time.", "Compare it with <, <=, > or >=.")

    def _calculated(self, *_other: object) -> NoReturn:
        raise RuleError(f"{self.name} is calculated with.", "Compare it with a number of its own.")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _calculated
    __truediv__ = __rtruediv__ = _calculated


def predicted(measure: Measure, model: object, days: object) -> Predicted:
    """A measure of purchases with its model; `days` is None for `alive`."""
    name = measure.name
    if not is_a(Model, model):
        mend = f'Write {name}(model("buyers"){"" if days is None else ", days=90"}).'
        raise RuleError(f"{name}({came(model)}): a model was expected.", mend)
    if days is not None and (type(days) is not int or not 1 <= days <= LONGEST):
        problem = f"{name}(days={shown(days)}): whole days from 1 to {LONGEST} were expected."
        raise RuleError(problem, f"Write, say, days={EXAMPLE}.")
    model = cast("Model", model)
    field = None
    if name == "clv":
        if model.spend is None:
            problem = f'model("{model.name}") was fitted without amounts, and tells nothing about spend.'
            raise RuleError(problem, "Use expected, or fit it on purchases in the shop's currency.")
        if measure.events.source.topics != (TRANSACTIONS,):
            raise RuleError(f"{measure.events.name} has no amounts.", "Take clv of purchases.")
        field = Field(measure.events.source, "amount", Type.MONEY)
    return Predicted(measure.events, measure.kind, field, model, 0 if days is None else int(str(days)))
