"""How old models and borders are: a deployment carries it, and workers export it."""

import json

import pytest

from segments.engine import Border, Chain, deployment_of, with_borders
from segments.language import Segment, model, page_view, purchase, top
from streams.deployments.planning import plan, record
from streams.deployments.records import Chains
from streams.settings.settings import Settings
from streams.telemetry.gauges import PartitionGauges, PartitionState
from streams.worker.monitor import _learned
from tests.unit.driving import DAY, START, Driver

RULE = '''"""Silent customers."""

from segments.language import Segment, model, purchase

gone = Segment(en="", nl="", when=purchase.within(days=365).alive(model("buyers")) < 0.3, examples="")
'''
BUYERS = {
    "format": 1, "model": "mbg-nbd", "of": "purchase", "within": None, "unit": "day", "zone": "UTC",
    "currency": "EUR", "parameters": {"r": "0.5", "alpha": "6", "a": "0.9", "b": "1.6"}, "spend": None,
}  # fmt: skip
spent = purchase.within(days=30).sum(purchase.amount)


def deployment(offset, kind, models, **fields):
    """A record as a partition has it."""
    told = {
        "deployment_id": f"d{offset}",
        "follows": None,
        "occurred_at": START,
        "kind": kind,
        "plan_format": 1,
    }
    told |= {"settings": None, "borders": [], "models": models, **fields}
    return deployment_of(offset, START, told, None)


def test_a_deployment_has_the_models_that_its_rules_read(tmp_path):
    """By name with what the file holds, so that the age of each is known wherever the deployment is."""
    (tmp_path / "gone.py").write_text(RULE)
    content = {**BUYERS, "fitted": {"until": START, "customers": 5}}
    (tmp_path / "buyers.model.json").write_text(json.dumps(content))
    settings = Settings(rules=str(tmp_path))
    made = record(
        settings, plan(settings, [tmp_path], None, stories=False), Chains(()), START, "", at_once=False
    )
    assert {name: json.loads(text) for name, text in made["models"].items()} == {"buyers": content}
    assert deployment(0, "rules", made["models"]).fitted == (("buyers", START),)


@pytest.mark.parametrize("wrong", ["", "[]", "{}", '{"fitted": null}', '{"fitted": {"until": "today"}}'])
def test_a_model_that_tells_no_age_has_none(wrong):
    """Written by hand, or by another program: nothing is told, and nothing fails."""
    assert deployment(0, "rules", {"buyers": wrong}).fitted == ()


def test_borders_go_with_the_models_of_the_rules_before():
    """A deployment of borders has none of its own."""
    rules = Driver(Segment(id="seen", when=page_view.within(days=1).count() >= 1)).partition.rules
    settings = {"grace": 0, "currency": "EUR", "customer_limit": 10, "customer_bytes": 1 << 20}
    told = {"follows": None, "occurred_at": START, "plan_format": 1, "settings": settings, "borders": []}
    models = {"buyers": json.dumps({"fitted": {"until": START}})}
    first = {**told, "deployment_id": "d0", "kind": "rules", "models": models}
    second = {**told, "deployment_id": "d1", "kind": "borders", "models": {}, "follows": "d0"}
    chain = Chain()
    followed = chain.add_all([deployment_of(0, START, first, rules), deployment_of(1, START, second, None)])
    assert [each.fitted for each in followed] == [(("buyers", START),)] * 2


def test_the_oldest_border_that_is_read_is_told():
    """One that nobody reads is left out, one that is not published is counted; rules without borders tell nothing."""
    rules = (
        Segment(id="best", when=spent >= top(percent=10)),
        Segment(id="half", when=spent >= top(percent=50)),
        Segment(id="often", when=purchase.within(days=30).count() >= top(percent=10)),
    )
    partition = Driver(*rules).partition
    keys = partition.rules.data.borders
    assert _learned(partition) == (None, 3, ())
    read = Driver(rules[0]).partition
    taken = [Border(key, "5", 9, START + place * DAY) for place, key in enumerate(keys)]
    read.rules = with_borders(read.rules, taken)
    (wanted,) = [place for place, key in enumerate(keys) if key in read.rules.data.borders]
    assert _learned(read) == (START + wanted * DAY, 0, ())
    assert _learned(
        Driver(Segment(id="r", when=purchase.within(days=30).alive(model(BUYERS)) < 0.3)).partition
    ) == (None, None, ())


def test_the_ages_are_exported_as_instants():
    """A partition that reads no border and no model has no series."""
    learned = PartitionState(
        1, serving=True, borders_taken_at=START, borders_missing=2, fitted=(("buyers", START + DAY),)
    )
    families = PartitionGauges(lambda: [PartitionState(0, serving=True), learned]).collect()
    found = {
        sample.name.removeprefix("segments_"): (sample.labels, sample.value)
        for family in families for sample in family.samples if "borders" in sample.name or "model" in sample.name
    }  # fmt: skip
    assert found == {
        "borders_taken_timestamp_seconds": ({"partition": "1"}, START / 1000),
        "borders_missing": ({"partition": "1"}, 2),
        "model_fitted_timestamp_seconds": ({"partition": "1", "model": "buyers"}, (START + DAY) / 1000),
    }
