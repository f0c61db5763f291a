"""Models of purchases: the formulas to the last digit, and fits by the command on histories with a known answer."""

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from segments.insight.fitting.readers import asked_by
from segments.language import RuleError
from segments.language.checking.lint import lint
from segments.language.loading.load import load
from segments.language.nodes.models import looked_up_in, model, read_model
from segments.language.truth.buying import alive, expected, history, spend
from streams.cli import main
from tests.unit.repository import ROOT

VECTORS = json.loads((ROOT / "tests" / "unit" / "vectors.json").read_text())
MODELS = {
    name: {key: Decimal(value) for key, value in numbers.items()}
    for name, numbers in VECTORS["models"].items()
}
DAY = VECTORS["day_ms"]
START = VECTORS["start"]
CLOSE = Decimal("1e-22")
"""Relative: the vectors have 25 digits."""


def case(vector):
    """The words by which a vector is known in a report."""
    return f"{vector['model']} x={vector['x']} T={vector.get('T_ms', vector.get('bound'))}"


@pytest.mark.parametrize("vector", VECTORS["values"], ids=case)
def test_values_are_those_of_the_papers(vector):
    """alive, expected, spend and clv have each digit that was computed elsewhere."""
    numbers, x = MODELS[vector["model"]], vector["x"]
    last, now = Decimal(vector["t_x_ms"]) / DAY, Decimal(vector["T_ms"]) / DAY
    found = {
        "alive": alive(numbers, x, last, now),
        "expected": expected(numbers, x, last, now, vector["days"]),
        "spend": spend(numbers, (Decimal(vector["z"] or 0),) * vector["n"]),
    }
    found["clv"] = found["expected"] * found["spend"]
    for name, value in found.items():
        assert abs(value / Decimal(vector[name]) - 1) < CLOSE, name


def test_purchases_of_one_day_of_the_zone_are_one():
    """A purchase day begins with its first purchase in the window, and its total is of all of them."""
    at = [START, START + 23 * DAY // 24, START + 3 * DAY, START + 3 * DAY + 1]
    amounts = [Decimal(20), Decimal(5), None, Decimal(7)]
    found = history(list(zip(at, amounts, strict=True)), "UTC")
    assert (found.days, found.totals) == ((at[0], at[2]), (Decimal(7),))
    found = history(list(zip(at, amounts, strict=True)), "Europe/Amsterdam")
    assert (found.days, found.totals) == ((at[0], at[1], at[2]), (Decimal(5), Decimal(7)))


def drawn(count, seed, *, r=0.8, alpha=30.0, a=0.9, b=2.5, length=400):
    """Purchases of customers who behave as the model says, as JSON lines."""
    chance, lines = random.Random(seed), []
    for number in range(count):
        rate, leaves = chance.gammavariate(r, 1 / alpha), chance.betavariate(a, b)
        scale, day = chance.gammavariate(4.0, 1 / 20.0), chance.uniform(0, 100)
        while day < length:
            lines.append((day, number, chance.gammavariate(6.0, 1 / scale)))
            if chance.random() < leaves:
                break
            day += chance.expovariate(rate)
    for place, (day, number, amount) in enumerate(sorted(lines)):
        at = START + int(day * DAY)
        yield {
            "topic": "transactions", "event_id": f"e{place}", "customer_id": f"c{number}", "occurred_at": at,
            "kind": "purchase", "order_id": f"o{place}", "amount": f"{amount + 0.01:.2f}", "currency": "EUR",
            "items": [],
        }  # fmt: skip


@pytest.fixture
def fit(tmp_path, monkeypatch):
    """Runs `segments fit buyers` on these lines."""
    monkeypatch.setenv("SEGMENTS_RULES", str(tmp_path))

    def run(lines, *options):
        file = tmp_path / "log.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return CliRunner().invoke(main, ["fit", "buyers", "--file", str(file), *options])

    return run


def test_the_fit_finds_the_numbers_that_the_customers_were_drawn_with(fit, tmp_path):
    """Each parameter is within three standard errors, the check adds up, and the file can be read by a rule."""
    result = fit(drawn(2500, seed=7), "--until", str(START + 400 * DAY), "--holdout", "90")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "buyers.model.json").read_text())
    fitted = content["fitted"]
    truth = {"r": 0.8, "alpha": 30.0, "a": 0.9, "b": 2.5, "p": 6.0, "q": 4.0, "v": 20.0}
    for name, value in (content["parameters"] | content["spend"]).items():
        assert abs(float(value) - truth[name]) < 3 * fitted["standard_errors"][name], name
    holdout = fitted["holdout"]
    assert (holdout["days"], [row["x"] for row in holdout["rows"]]) == (90, [*"0123456", "7+"])
    assert holdout["actual"] == sum(row["actual"] for row in holdout["rows"])
    assert 0.9 < holdout["expected"] / holdout["actual"] < 1.1
    assert {key: content[key] for key in ("format", "model", "of", "within", "unit", "zone", "currency")} == {
        "format": 1, "model": "mbg-nbd", "of": "purchase", "within": None, "unit": "day", "zone": "UTC",
        "currency": "EUR",
    }  # fmt: skip
    with looked_up_in([tmp_path]):
        found = model("buyers")
    assert {name: str(value) for name, value in found.parameters} == content["parameters"]
    picture = (tmp_path / "buyers.model.svg").read_text()
    assert 'role="img"' in picture
    assert f"counted ({holdout['actual']:,})" in picture


def test_a_fit_of_too_few_customers_is_refused(fit, tmp_path):
    """Under 300 customers with a second purchase day nothing is written, and the exit code is 1."""
    result = fit(drawn(300, seed=1))
    assert result.exit_code == 1
    assert "at least 300 are needed" in result.output
    assert not (tmp_path / "buyers.model.json").exists()


def test_a_history_shorter_than_the_window_is_refused(fit, tmp_path):
    """A window that reaches back before the first event would make customers look new."""
    result = fit(drawn(1000, seed=2), "--within", "500")
    assert result.exit_code == 1
    assert "shorter than --within 500 days" in result.output
    assert not (tmp_path / "buyers.model.json").exists()


def test_customers_who_never_cease_have_no_maximum(fit, tmp_path):
    """Who buys every ten days for ever has no dropout to be fitted."""
    line = next(drawn(1, seed=0))
    lines = [
        {**line, "customer_id": f"c{number}", "event_id": f"{number}-{each}", "order_id": f"{number}-{each}",
         "occurred_at": START + each * 10 * DAY}
        for each in range(15) for number in range(400)
    ]  # fmt: skip
    result = fit(lines, "--of", "purchase")
    assert result.exit_code == 1, result.output
    assert "has no maximum" in result.output
    assert not (tmp_path / "buyers.model.json").exists()


def test_amounts_of_another_currency_make_no_model_of_spend(fit, tmp_path):
    """The model of purchases is fitted all the same, to what the rules ask; spend is null, and a warning says why."""
    ruled(tmp_path, gone=("buyers", WEB, 365), silent=("buyers", WEB, 365), other=("others", "", 90))
    result = fit(
        [{**line, "currency": "USD", "channel": "web"} for line in drawn(1500, seed=3)], "--within", "200"
    )
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "buyers.model.json").read_text())
    assert (content["spend"], content["of"], content["within"]) == (None, f"purchase{WEB}", 200 * DAY)
    assert "0 customers have an amount in the currency" in result.output
    assert f"fitted to purchase{WEB}.within(days=365), as gone, silent asks" in result.output


def test_customers_who_stop_at_once_are_warned_of(fit):
    """If nothing comes in the last days, the ratio of expected and counted says so."""
    lines = [each for each in drawn(1500, seed=4) if each["occurred_at"] < START + 300 * DAY]
    result = fit(lines, "--until", str(START + 400 * DAY), "--holdout", "100")
    assert result.exit_code == 0, result.output
    assert "outside 0.8 to 1.25" in result.output


def test_a_set_that_is_no_set_of_purchases_is_refused(fit):
    """`--of` takes what a rule could write, without a window or a measure."""
    for wrong in ("purchase.count()", "purchase.by(purchase.channel)", "visit", "nothing", "purchase.items"):
        result = fit([], "--of", wrong)
        assert (result.exit_code, wrong in result.output) == (1, True), wrong


CONTENT = {
    "format": 1, "model": "mbg-nbd", "of": "purchase", "within": 365 * DAY, "unit": "day", "zone": "UTC",
    "currency": "EUR", "parameters": {"r": "0.5", "alpha": "43.281", "a": "0.891", "b": "1.614"},
    "spend": {"p": "6.25", "q": "3.74", "v": "15.44"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format is 2"),
        ({"model": "bg-nbd"}, "'mbg-nbd' was expected"),
        ({"within": "a year"}, "milliseconds were expected"),
        ({"parameters": {"r": "1"}}, "parameters r, alpha, a, b were expected"),
        ({"parameters": {**CONTENT["parameters"], "a": "-1"}}, "a number above 0 was expected"),
        ({"parameters": {**CONTENT["parameters"], "b": "nan"}}, "a number above 0 was expected"),
        ({"spend": {"p": "6", "q": "1", "v": "15"}}, "q is 1"),
    ],
)
def test_a_file_that_is_no_model_is_refused(change, said):
    """The error names what is wrong and what to run."""
    read_model(CONTENT, "buyers")
    with pytest.raises(RuleError, match=said):
        read_model({**CONTENT, **change}, "buyers")


def test_a_model_is_looked_for_in_all_folders_once(tmp_path):
    """A missing one names the command, and two of one name are refused."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    with looked_up_in(folders), pytest.raises(RuleError, match="segments fit buyers"):
        model("buyers")
    Path(folders[0] / "buyers.model.json").write_text(json.dumps(CONTENT))
    with looked_up_in(folders):
        assert model("buyers").parameters[0] == ("r", Decimal("0.5"))
    Path(folders[1] / "buyers.model.json").write_text(json.dumps(CONTENT))
    with looked_up_in(folders), pytest.raises(RuleError, match="two models of this name"):
        model("buyers")


RULE = '''"""Silent customers."""

from segments.language import Segment, model, purchase

{name} = Segment(en="", nl="", when=purchase{where}.within(days={days}).alive(model("{model}")) < 0.3, examples="")
'''
WEB = '.where(purchase.channel == "web")'


def ruled(folder, **rules):
    """Writes rules that read a model: of each its name, what narrows the purchases, and the window in days."""
    for name, (of, where, days) in rules.items():
        (folder / f"{name}.py").write_text(RULE.format(name=name, model=of, where=where, days=days))


def test_a_model_is_of_what_the_rules_ask(fit, tmp_path):
    """The set and the window are those of the rules that read it; with --of nobody asks them."""
    ruled(tmp_path, gone=("buyers", WEB, 365), silent=("buyers", WEB, 365), other=("others", "", 90))
    found = asked_by("buyers", [tmp_path])
    assert (found.of, found.within) == (f"purchase{WEB}", 365 * DAY)
    assert found.rules == ("gone", "silent")
    result = fit([], "--of", "purchase")
    assert (result.exit_code, "fitted to" in result.output) == (1, False)


def test_rules_that_ask_a_model_differently_are_refused(fit, tmp_path):
    """Of two sets or windows neither is taken; the error names the rules and what each asks."""
    ruled(tmp_path, gone=("buyers", WEB, 365), silent=("buyers", "", 90))
    result = fit([])
    assert result.exit_code == 1
    assert f"gone asks about purchase{WEB}.within(days=365)" in result.output
    assert "silent asks about purchase.within(days=90)" in result.output


def test_a_model_that_no_rule_reads_is_of_all_purchases(fit, tmp_path):
    """It is said, and what the rules of other models ask is of no effect; a wrong rule is an error."""
    ruled(tmp_path, other=("others", "", 90))
    assert "no rule reads buyers yet: it is fitted to purchase" in fit([]).output
    (tmp_path / "wrong.py").write_text("wrong = 1\n")
    result = fit([])
    assert (result.exit_code, "wrong.py" in result.output) == (1, True), result.output


def test_purchases_of_linked_ids_are_those_of_one_customer(fit, tmp_path):
    """Every other order under the id of a telephone, with a login each, gives the model of who did it all."""
    lines = list(drawn(1000, seed=4))
    assert fit(lines).exit_code == 0
    one = json.loads((tmp_path / "buyers.model.json").read_text())
    names = sorted({line["customer_id"] for line in lines})
    links = [
        {
            "topic": "identities", "event_id": f"l-{name}", "customer_id": f"phone-{name}", "into": name,
            "occurred_at": START, "action": "link",
        }
        for name in names
    ]  # fmt: skip
    phones = [
        line | {"customer_id": f"phone-{line['customer_id']}"} if place % 2 else line
        for place, line in enumerate(lines)
    ]
    assert fit([*links, *phones]).exit_code == 0
    assert json.loads((tmp_path / "buyers.model.json").read_text()) == one


def test_customers_who_bought_once_make_no_model(fit, tmp_path):
    """Without a second purchase day of anybody the error says that there are none."""
    once = {line["customer_id"]: line for line in drawn(500, seed=6)}
    result = fit(list(once.values()))
    assert (result.exit_code, "0 customers bought on a second day" in result.output) == (1, True), (
        result.output
    )
    assert not (tmp_path / "buyers.model.json").exists()


def test_an_old_fit_is_told_by_the_linter(tmp_path):
    """From the day after 180 days on, and it refuses nothing; a model that does not tell its age is not old."""
    ruled(tmp_path, gone=("buyers", "", 365))
    (tmp_path / "buyers.model.json").write_text(json.dumps({**CONTENT, "fitted": {"until": START}}))
    rules = load([tmp_path])

    def said(now):
        return [
            (each.problem, each.blocking) for each in lint(rules, now=now) if "was fitted" in each.problem
        ]

    assert said(None) == said(START + 180 * DAY) == []
    assert said(START + 181 * DAY) == [
        ('model("buyers") was fitted 181 days ago: customers may buy otherwise by now.', False)
    ]
    (tmp_path / "buyers.model.json").write_text(json.dumps(CONTENT))
    assert not [
        each for each in lint(load([tmp_path]), now=START + 999 * DAY) if "was fitted" in each.problem
    ]


def test_the_command_knows_the_age_of_a_model(tmp_path):
    """`segments lint` takes the wall clock: a model of the year 2020 is old."""
    ruled(tmp_path, gone=("buyers", "", 365))
    until = 1_577_836_800_000
    (tmp_path / "buyers.model.json").write_text(json.dumps({**CONTENT, "fitted": {"until": until}}))
    assert 'model("buyers") was fitted' in CliRunner().invoke(main, ["lint", str(tmp_path)]).output
