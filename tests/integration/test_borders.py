"""`segments borders` over a real broker: asked of the workers, published in the log, taken over by each partition."""

import json
import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from streams.cli import main
from tests.integration.worker_control import scrape, wait_until, wait_until_ready

RULE = '''"""The best ten per cent: thank them."""

from segments.language import Segment, purchase, top

best = Segment(
    en="Best",
    nl="Beste",
    when=purchase.within(days=30).sum(purchase.amount) >= top(percent=10),
    examples="",
)
'''

CONSUMED = 'segments_records_consumed_total{topic="transactions"}'


def _purchases(amounts):
    now = int(time.time() * 1000)
    for number, amount in enumerate(amounts):
        yield json.dumps(
            {
                "event_id": f"e{number}-{amount}", "customer_id": f"c{number}", "occurred_at": now,
                "kind": "purchase", "order_id": f"o{number}", "amount": f"{amount}.00", "currency": "EUR",
            }
        )  # fmt: skip


def _flips(segments):
    answer = segments("consume", "segment-events", "--from-beginning", "--until-end")
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.fixture
def segments(environment):
    """The command in this process: a start takes seconds."""

    def call(*words, stdin=None, env=None):
        done = CliRunner().invoke(main, words, input=stdin, env={**environment, **(env or {})})
        return SimpleNamespace(returncode=done.exit_code, stdout=done.stdout, stderr=done.stderr)

    return call


@pytest.mark.timeout(180)
def test_borders_are_taken_published_and_moved(tmp_path, fresh_topics, run, segments, spawn):
    """Nobody is in the rule before; then the best ten per cent; too many moves, or no worker, and nothing is written."""
    fresh_topics(2)
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "best.py").write_text(RULE)
    rules = {"SEGMENTS_RULES": str(folder), "SEGMENTS_GRACE": "0"}
    run("produce", "transactions", stdin="\n".join(_purchases(range(1, 21))) + "\n")
    deployed = segments("deploy", "--yes", "--no-wait", env=rules)
    assert deployed.returncode == 0, deployed.stderr
    alone = segments("borders", "update", "--yes", "--timeout", "0", env=rules)
    assert (alone.returncode, "have not answered: 0, 1" in alone.stderr) == (3, True), alone.stderr
    worker = spawn("worker", "--no-deploy", env=rules)
    wait_until_ready(worker)
    wait_until("all is known", lambda: scrape(worker).get(CONSUMED) == 20)
    assert _flips(segments) == []
    assert segments("borders", "update", env=rules).returncode == 2, "nobody could be asked"

    first = segments("borders", "update", "--yes", "--json", env=rules)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert [(each["value"], each["customers"]) for each in told["borders"]] == [("19", 20)]
    assert told["would_enter"] == {"best": 2}
    wait_until("two enter", lambda: len(_flips(segments)) == 2)
    flips = _flips(segments)
    assert {flip["customer_id"] for flip in flips} == {"c18", "c19"}
    assert {(flip["reason"], flip["cause"]["event_id"]) for flip in flips} == {
        ("borders", told["deployment_id"])
    }

    run("produce", "transactions", stdin="\n".join(_purchases([50] * 4)) + "\n")
    wait_until("four more enter", lambda: len(_flips(segments)) == 6)
    many = segments("borders", "update", "--yes", "--max-moved", "5", env=rules)
    assert (many.returncode, "nothing was written" in many.stderr) == (5, True), many.stderr
    drawn = tmp_path / "borders.svg"
    second = segments("borders", "update", "--yes", "--svg", str(drawn), env=rules)
    assert (second.returncode, "19 becomes 53, of 20 customers" in second.stdout) == (0, True), second.stderr
    assert drawn.read_text().startswith("<svg")
    shown = json.loads(segments("borders", "show", "--json").stdout)
    assert [each["value"] for each in shown["borders"]] == ["53"]

    (folder / "half.py").write_text(RULE.replace("best =", "half =").replace("percent=10", "percent=50"))
    (folder / "often.py").write_text(
        RULE.replace("best =", "often =").replace("sum(purchase.amount)", "count()")
    )
    third = segments("deploy", "--yes", "--json", "--max-moved", "100", env=rules)
    assert third.returncode == 0, third.stderr
    often, half = json.loads(third.stdout)["borders"]
    assert (often["value"], "do not measure it yet" in often["why"], half["value"]) == (None, True, "15")
    assert json.loads(third.stdout)["flips"]["half"] == {"enters": 10, "exits": 0}
    shown = json.loads(segments("borders", "show", "--json").stdout)
    assert sorted(each["value"] for each in shown["borders"]) == ["15", "53"]
    assert scrape(worker)["segments_deployments_passed_over_total"] == 0, "each is of the chain"
    back = segments("rollback", told["deployment_id"], "--yes", "--json", env=rules)
    assert json.loads(back.stdout)["flips"] == {
        "best": {"enters": 4, "exits": 0},
        "half": {"enters": 0, "exits": 10},
    }
    tried = segments("try", str(folder / "best.py"), "--json", env=rules | {"SEGMENTS_GROUP": "another"})
    read = {(each["value"], each["by_history"]) for each in json.loads(tried.stdout)["borders"]}
    assert read == {("53", True), ("15", True), ("2", True)}, tried.stderr
