"""Models of purchases, fitted by `segments fit`: the file `NAME.model.json`, and what a rule asks of it.

A model is data: the numbers of MBG/NBD (`r`, `alpha`, `a`, `b`) for when customers buy, those of Gamma-Gamma (`p`,
`q`, `v`) for what they spend, and the set of purchases that they were fitted to.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import Any

from segments.language.errors import RuleError, here
from segments.language.nodes.fields import is_a
from segments.language.nodes.literals import shown

FORMAT = 1
SUFFIX = ".model.json"
NUMBERS = ("r", "alpha", "a", "b")
"""The parameters of MBG/NBD; alpha is in days."""
SPEND = ("p", "q", "v")
"""The parameters of Gamma-Gamma; v is in units of the currency."""
MOST_DIGITS = 30
"""Digits of a parameter: more than any fit has, and few enough to calculate with."""


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model."""

    name: str
    """Of its file; empty for a model given as a dict."""
    of: str
    """The set of purchases, as a rule writes it, without its window."""
    within: int | None
    """The window in milliseconds; None: the model was fitted to all purchases, and goes with every window."""
    zone: str
    currency: str
    parameters: tuple[tuple[str, Decimal], ...]
    spend: tuple[tuple[str, Decimal], ...] | None
    """None: it was fitted without amounts, and tells nothing about spend."""
    until: int | None = None
    """The instant up to which it knows purchases, in milliseconds; None: not told."""
    content: str = field(default="", compare=False)
    """What its file holds, as JSON."""

    @property
    def meaning(self) -> str:
        """What of it is part of a rule's version: what it says, and nothing of how it was fitted."""
        numbers = [*self.parameters, *(self.spend or ())]
        return "mbg-nbd,day," + ",".join(
            f"{name}={format(value.normalize(), 'f')}" for name, value in numbers
        )

    @property
    def known_as(self) -> str:
        """Its name; of a model without a file a digest of what it says."""
        return self.name or blake2b(self.meaning.encode(), digest_size=4).hexdigest()


@dataclass(slots=True)
class _Lookup:
    """Where models are looked for while rules are loaded."""

    folders: tuple[Path, ...] = ()
    stand_in: bool = False
    """Whether a model that is missing is stood in for: to learn which rules would read it."""


_lookup = _Lookup()


@contextmanager
def looked_up_in(folders: Sequence[Path], *, stand_in: bool | None = None) -> Iterator[None]:
    """While this runs, models are looked for in these folders, too."""
    before = _lookup.folders, _lookup.stand_in
    _lookup.folders = tuple(folders)
    _lookup.stand_in = before[1] if stand_in is None else stand_in
    try:
        yield
    finally:
        _lookup.folders, _lookup.stand_in = before


def model(given: str | Mapping[str, Any]) -> Model:
    """A model by the name of its file, `NAME.model.json` beside the rules; or of the content of such a file."""
    if isinstance(given, Mapping):
        return read_model(given, "")
    if not is_a(str, given) or not given:
        raise RuleError(f"model({shown(given)}): the name of a model was expected.", 'Write model("buyers").')
    found = _files(given)
    if not found and _lookup.stand_in:
        return Model(given, "", None, "UTC", "EUR", tuple((name, Decimal(2)) for name in NUMBERS), None)
    if not found:
        mend = f"Run `segments fit {given}`, which writes {given}{SUFFIX} beside the rules."
        raise RuleError(f'model("{given}"): there is no file {given}{SUFFIX} beside the rules.', mend)
    if len(found) > 1:
        problem = f'model("{given}"): there are two models of this name, {found[0]} and {found[1]}.'
        raise RuleError(problem, "Rename one of them.")
    try:
        content = json.loads(found[0].read_text(encoding="utf-8"), parse_float=Decimal)
    except ValueError as error:
        raise RuleError(f"{found[0]} is no JSON: {error}.", f"Run `segments fit {given}` again.") from None
    return read_model(content, given)


def _files(name: str) -> list[Path]:
    """The files of this name, in the folder of the rule and in those being loaded, each once."""
    folders = (Path(here().file).parent, *_lookup.folders)
    every = {(each / f"{name}{SUFFIX}").resolve(): each / f"{name}{SUFFIX}" for each in folders}
    return [file for place, file in every.items() if place.is_file()]


def read_model(content: Any, name: str) -> Model:
    """A model of what its file holds; raises RuleError for what can't be one."""
    subject = f'model("{name}")' if name else "model({...})"
    mend = f"Run `segments fit {name or 'NAME'}` again."
    if not isinstance(content, Mapping):
        raise RuleError(f"{subject}: an object was expected.", mend)
    expected = {"format": FORMAT, "model": "mbg-nbd", "unit": "day"}
    for key, value in expected.items():
        if content.get(key) != value:
            problem = f"{subject}: {key} is {shown(content.get(key))}; {value!r} was expected."
            raise RuleError(problem, mend)
    within = content.get("within")
    if within is not None and (type(within) is not int or within <= 0):
        raise RuleError(f"{subject}: within is {shown(within)}; milliseconds were expected.", mend)
    spend = content.get("spend")
    fitted = content.get("fitted")
    until = fitted.get("until") if isinstance(fitted, Mapping) else None
    found = Model(
        name=name,
        of=_text(content, "of", subject, mend, "purchase"),
        within=within,
        zone=_text(content, "zone", subject, mend, "UTC"),
        currency=_text(content, "currency", subject, mend, "EUR"),
        parameters=_numbers(content.get("parameters"), NUMBERS, subject, mend),
        spend=None if spend is None else _numbers(spend, SPEND, subject, mend),
        until=until if type(until) is int else None,
        content=json.dumps(content, default=str),
    )
    if found.spend is not None and dict(found.spend)["q"] <= 1:
        problem = (
            f"{subject}: q is {dict(found.spend)['q']}; with q of 1 or less the mean spend has no limit."
        )
        raise RuleError(problem, f"{mend} A model without spend has null in its place.")
    return found


def _text(content: Mapping[str, Any], key: str, subject: str, mend: str, default: str) -> str:
    value = content.get(key, default)
    if not isinstance(value, str) or not value:
        raise RuleError(f"{subject}: {key} is {shown(value)}; a text was expected.", mend)
    return value


def _numbers(given: Any, names: tuple[str, ...], subject: str, mend: str) -> tuple[tuple[str, Decimal], ...]:
    if not isinstance(given, Mapping) or set(given) != set(names):
        raise RuleError(f"{subject}: parameters {', '.join(names)} were expected.", mend)
    return tuple((name, _number(given[name], name, subject, mend)) for name in names)


def _number(given: Any, name: str, subject: str, mend: str) -> Decimal:
    try:
        value = Decimal(str(given))
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or value <= 0 or isinstance(given, bool):
        raise RuleError(f"{subject}: {name} is {shown(given)}; a number above 0 was expected.", mend)
    if len(value.as_tuple().digits) > MOST_DIGITS or not -MOST_DIGITS < value.adjusted() < MOST_DIGITS:
        raise RuleError(f"{subject}: {name} has more than {MOST_DIGITS} digits.", mend)
    return value
