"""Models fitted to CDNOW: the parameters are those published, in the customers' summary and in the demo's own lines."""

import csv
import json
import zipfile
from io import TextIOWrapper

import pytest

from deploy.demo.sources import CDNOW, cache_folder, lines_of
from segments.insight.fitting.likelihood import Sample, fit_purchases
from segments.language.loading.load import load
from segments.language.nodes.models import read_model
from tests.holdout.__main__ import MARKS, PAGE, lines, ours, table, theirs, written
from tests.unit.repository import ROOT

FITS = json.loads((ROOT / "tests" / "unit" / "vectors.json").read_text())["fit"]
PUBLISHED = {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}
"""MBG/NBD of the sample of 2,357 customers, 39 weeks, by BTYDplus; alpha in weeks."""


@pytest.mark.timeout(300)
def test_the_parameters_are_those_published():
    """Of the sample to a thousandth, where the last digit published allows it; the log-likelihood to a hundredth."""
    lines_of(CDNOW, cache_folder())
    with zipfile.ZipFile(cache_folder() / CDNOW.wheel) as wheel:
        member = wheel.open("lifetimes/datasets/cdnow_customers_summary.csv")
        told = list(csv.DictReader(TextIOWrapper(member, "utf-8")))
    rows = [(int(float(each["frequency"])), float(each["recency"]), float(each["T"])) for each in told]
    fitted = fit_purchases(Sample.of(rows))
    expected = FITS["cdnow_customers_summary.csv of lifetimes, weeks"]
    assert (len(rows), sum(x > 0 for x, *_ in rows)) == (expected["customers"], expected["repeaters"])
    assert fitted.log_likelihood == pytest.approx(expected["log_likelihood"], abs=0.01)
    for name, published in PUBLISHED.items():
        assert fitted.parameters[name] == pytest.approx(expected[name], rel=0.001), name
        assert abs(fitted.parameters[name] - published) < fitted.standard_errors[name], name


def test_lifetimes_expects_the_same():
    """Of every tenth customer, within two per cent by x and one in all: lifetimes counts whole days, and we do not."""
    bought = [each for each in lines() if each["customer_id"].endswith("7")]
    _, their = theirs(bought)
    our = ours(bought)
    assert sum(row["customers"] for row in our["rows"]) > 2_000
    for place, row in enumerate(our["rows"]):
        assert row["expected"] == pytest.approx(their[place], rel=0.02), row["x"]
    assert our["expected"] == pytest.approx(sum(their.values()), rel=0.01)


def test_the_table_stands_in_the_page():
    """The command writes it between its marks, and leaves the rest of the page as it is."""
    our = {
        "rows": [{"x": "0", "customers": 1_234, "expected": 5.25, "actual": 6}],
        "expected": 5.25,
        "actual": 6,
    }
    rows = "\n".join(table(our, {0: 5.04}))
    assert rows.splitlines()[2] == "| 0 | 1,234 | 5.2 | 5.0 | 6 |"
    page = PAGE.read_text()
    assert written(written(page, rows), page.split(MARKS[0])[1].split(MARKS[1])[0].rstrip("\n")) == page


def test_the_model_that_is_shipped_is_of_cdnow():
    """Its parameters are within three standard errors of those of the whole history, which sees a few customers more."""
    content = json.loads((ROOT / "segments" / "learned" / "buyers.model.json").read_text())
    read_model(content, "buyers")
    whole, errors = FITS["1998-07-01T00:00Z"], content["fitted"]["standard_errors"]
    for name in ("r", "alpha", "a", "b", "p", "q", "v"):
        value = float((content["parameters"] | content["spend"])[name])
        assert abs(value - whole[name]) < 3 * errors[name], name
    assert {each.id for each in load([ROOT / "segments" / "learned"])} >= {"at_risk_of_churn"}
