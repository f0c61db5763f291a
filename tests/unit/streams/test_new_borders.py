"""Borders that nobody has published yet: taken by `deploy` from the workers, by `try` and a dry run from the history."""

import json

import pytest
from click.testing import CliRunner

from segments.engine import BorderKey, PlannedRules, RuleSet
from segments.insight.ranking import known_names
from segments.language import Segment, purchase, top
from segments.plan.lowering import lower
from streams.cli import deploy, main, rollback
from streams.deployments import borders as asking
from streams.deployments import new_borders
from streams.deployments.new_borders import take_new, unpublished
from streams.deployments.planning import Planned, again, record
from streams.deployments.records import Chains, Deployed, packed
from streams.errors import StreamsError
from streams.http import worths
from streams.settings.settings import Settings
from tests.unit.driving import DAY, START, Driver

spent = purchase.within(days=30).sum(purchase.amount)
SPENT = "purchase.within(days=30).sum(purchase.amount)"
SPENT_IN_WORDS = "the total amount of the purchases in the past 30 days"
KEY = BorderKey(SPENT, "10", "EUR", "UTC")
HALF = BorderKey(SPENT, "50", "EUR", "UTC")
COUNTED = BorderKey("purchase.within(days=30).count()", "10", "EUR", "UTC")
UNITS = {
    "currency": "EUR", "zone": {"name": "UTC", "transitions": []}, "grace": 0, "customer_limit": 10_000,
    "customer_bytes": 1 << 20, "required_consent": None, "profile_sources": [],
}  # fmt: skip
RULE = '''"""The best ten per cent: thank them."""

from segments.language import Segment, purchase, top
from segments.plan.lowering import lower

best = Segment(
    en="Best", nl="Beste", when=purchase.within(days=30).sum(purchase.amount) >= top(percent=10), examples="",
)
'''


def deployed(id, follows, rules=None, borders=(), offset=0, **settings):
    """A record of the chain as it comes back."""
    fields = {"deployment_id": id, "follows": follows, "kind": "borders" if rules is None else "rules"}
    plan = None if rules is None else packed(rules.data.to_bytes())
    more = {"plan": plan, "settings": None if rules is None else UNITS | settings, "models": {}}
    fields |= more | {"borders": list(borders), "rules": packed(b"[]"), "occurred_at": START}
    return Deployed(offset, START, fields)


def told(key, value):
    """A border as a record has it."""
    return {
        "measure": key.measure, "percent": key.percent, "currency": key.currency, "zone": key.zone, "value": value,
        "customers": 3, "taken_at": START,
    }  # fmt: skip


BEST = RuleSet([Segment(id="best", when=spent >= top(percent=10))])


def planned(*segments, **settings):
    """What is to be deployed."""
    rules = RuleSet(segments)
    return Planned(rules, rules.data.to_bytes(), [], UNITS | settings)


ASKED = planned(
    Segment(id="best", when=spent >= top(percent=10)),
    Segment(id="half", when=spent >= top(percent=50)),
    Segment(id="often", when=purchase.within(days=30).count() >= top(percent=10)),
)


@pytest.fixture
def workers(monkeypatch):
    """One partition of a worker, which answers by the code of its page; calls it to say how long it knows events."""
    driver = Driver(BEST.segments[0])
    for number, amount in enumerate((300, 100, 200)):
        driver.purchase(number, f"c{number}", amount=amount)
    known = {}

    def answer(_where, path, _token, _seconds):
        consent = "profiling" if "consent=profiling" in path else None
        assert f"partition=0&measure={SPENT.partition('(')[0]}" in path
        found = worths._asked(driver.partition, list(driver.states), [SPENT], consent)
        return found | {"known_since": known}

    monkeypatch.setattr(new_borders, "standing", lambda _settings: (True, ["one"]))
    monkeypatch.setattr(asking, "owner", lambda *_: "localhost:6066")
    monkeypatch.setattr(asking, "answer_of", answer)
    return known


def taken(chains, asked=ASKED):
    """What is published, and why the rest is not, by percentage and the beginning of the measure."""
    found = take_new(Settings(), asked, chains, 0, lambda _: None)
    return [(each.key, each.border and each.border.value, each.why) for each in found]


CHAINS = Chains((deployed("a", None, BEST, [told(KEY, "7")]),), {0: frozenset("a")})


@pytest.mark.usefixtures("workers")
def test_published_borders_stay_and_new_ones_are_taken():
    """Of a measure that the rules that run know for its window; of another one it is said when to publish it."""
    assert unpublished(ASKED, CHAINS) == [COUNTED, HALF]
    often, half = taken(CHAINS)
    assert half == (HALF, "2", "")
    assert (often[:2], "do not measure it yet" in often[2]) == ((COUNTED, None), True)
    found = take_new(Settings(), ASKED, CHAINS, 0, lambda _: None)
    made = record(
        Settings(),
        ASKED,
        CHAINS,
        START,
        "",
        at_once=False,
        new_borders=[each.border for each in found if each.border],
    )
    assert [(each["percent"], each["value"]) for each in made["borders"]] == [("10", "7"), ("50", "2")]


def test_a_measure_that_warms_up_publishes_nothing(workers):
    """If a partition has known it for less than its window, the instant from which it does is said."""
    workers[SPENT] = START - 29 * DAY
    half = taken(CHAINS)[1]
    assert (half[1], "from 2026-01-02T00:00:00.000Z on" in half[2]) == (None, True)
    workers[SPENT] = START - 30 * DAY
    assert taken(CHAINS)[1][1] == "2"


@pytest.mark.usefixtures("workers")
def test_values_of_other_settings_are_not_asked_for():
    """In another currency or zone the rules that run measure something else; only who has consented counts."""
    other = Chains((deployed("a", None, BEST, currency="USD"),), {0: frozenset("a")})
    assert {each[1] for each in taken(other)} == {None}
    consenting = planned(*ASKED.ruleset.segments, required_consent="profiling")
    assert taken(CHAINS, consenting)[1][2] == "no customer has a value"


@pytest.mark.usefixtures("workers")
def test_nobody_to_ask_publishes_nothing(monkeypatch):
    """Nothing deployed, no worker, or a partition that does not answer: each is said, and nothing is refused."""
    assert "nothing is deployed yet" in taken(Chains(()))[0][2]

    def refuse(*_):
        raise StreamsError("it is busy")

    monkeypatch.setattr(asking, "answer_of", refuse)
    assert "have not answered: 0. it is busy; publish it later" in taken(CHAINS)[1][2]
    monkeypatch.setattr(new_borders, "standing", lambda _settings: (True, []))
    assert "no worker of the group" in taken(CHAINS)[1][2]


def test_a_rollback_brings_borders_back(monkeypatch):
    """Of the rules deployment or of one of borders, by its id; with the same rules it is a change if borders differ."""
    rules = deployed("a", None, BEST, [told(KEY, "7")])
    moved, again_moved = (
        deployed("b", "a", None, [told(KEY, "9")], 1),
        deployed("c", "b", None, [told(KEY, "11")], 2),
    )
    chains = Chains((rules, moved, again_moved), {0: frozenset("abc")})
    for wanted, value in (("a", "7"), ("b", "9"), ("c", "11")):
        found = rollback._find(wanted, chains)
        made = again(Settings(), found, chains, START, "")
        assert ([each["value"] for each in made["borders"]], made["plan"]) == ([value], rules.fields["plan"])
        assert (made["kind"], made["follows"]) == ("rules", "c")
        assert PlannedRules(found.plan).ids == ("best",)
    monkeypatch.setattr(rollback, "read_chains", lambda _settings: chains)
    written = []
    monkeypatch.setattr(rollback.going_live, "publish", lambda *given: written.append(given))
    same = CliRunner().invoke(main, ["rollback", "c", "--yes", "--no-wait"])
    assert (same.exit_code, "nothing would change" in same.stdout, written) == (0, True, [])
    wrong = CliRunner().invoke(main, ["rollback", "a", "--yes", "--no-wait", "--backfill"])
    assert (wrong.exit_code, "--no-wait does not go with --backfill" in wrong.output) == (2, True)
    back = CliRunner().invoke(main, ["rollback", "a", "--yes", "--no-wait"])
    assert f"{SPENT} top(percent=10): 11 becomes 7" in back.stdout, back.output
    assert len(written) == 1


# By the history


@pytest.fixture
def tried(tmp_path):
    """Runs a command on twenty customers who spent 1 to 20 on one day, with a rule of the best ten per cent."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "best.py").write_text(RULE)

    def call(*words, more=()):
        log = tmp_path / "log.jsonl"
        lines = [
            {
                "topic": "transactions", "event_id": f"e{number}", "customer_id": f"c{number}", "order_id": "o",
                "occurred_at": START + number, "kind": "purchase", "amount": f"{number}.00", "currency": "EUR",
            } for number in range(1, 21)
        ]  # fmt: skip
        log.write_text("".join(json.dumps(each) + "\n" for each in [*more, *lines]))
        return CliRunner().invoke(main, [*words, "--file", str(log)], env={"SEGMENTS_RULES": str(folder)})

    return call


BORDERS = [{"measure": SPENT, "percent": "10", "value": "5"}]
LINE = {
    "topic": "segment-deployments", "occurred_at": START, "deployment_id": "d", "borders": BORDERS,
}  # fmt: skip


def line(tmp_path):
    """A deployment in a file, with a border."""
    return LINE | {"rules_from": str(tmp_path / "rules")}


def test_try_takes_the_census_of_the_history(tried):
    """The history is read for the border first; the output has it, and says where it comes from."""
    found = json.loads(tried("try", "best", "--json").stdout)
    assert found["members"] == 2
    assert [(each["value"], each["customers"], each["by_history"]) for each in found["borders"]] == [
        ("19", 20, True)
    ]
    shown = tried("try", "best", "--partitions", "3").stdout
    assert (
        f"border of {SPENT_IN_WORDS} (top 10 %): EUR 19.00, taken from this history, of 20 customers" in shown
    )
    early = json.loads(tried("try", "best", "--json", "--until", "1970-01-02T00:00:00Z").stdout)
    assert [(each["value"], each["by_history"]) for each in early["borders"]] == [(None, True)]


def test_try_takes_published_borders(tried, tmp_path):
    """Those of a file, or of the deployments among the lines."""
    file = tmp_path / "borders.json"
    file.write_text(json.dumps({"borders": [told(KEY, "15")]}))
    found = json.loads(tried("try", "best", "--json", "--borders", str(file)).stdout)
    assert (found["members"], found["borders"][0]["by_history"]) == (6, False)
    deployment = tried("try", "best", "--json", more=[line(tmp_path)])
    assert json.loads(deployment.stdout)["members"] == 16, deployment.output
    shown = tried("try", "best", more=[line(tmp_path)]).stdout
    assert f"border of {SPENT_IN_WORDS} (top 10 %): EUR 5.00, as published" in shown


def test_why_of_a_file_takes_borders(tried, tmp_path):
    """Without any the rule is false; with --borders, or by a deployment among the lines, it is compared with them."""
    file = tmp_path / "borders.json"
    file.write_text(json.dumps({"borders": [told(KEY, "15")]}))
    for borders, more, inside, bound in (
        ((), (), False, ""),
        (("--borders", str(file)), (), True, "15"),
        ((), (line(tmp_path),), True, "5"),
    ):
        answer = json.loads(tried("why", "c17", "--json", *borders, more=more).stdout)["segments"][0]
        assert (answer["inside"], answer["evidence"][0]["bound"]) == (inside, bound)
    asked = CliRunner().invoke(main, ["why", "c17", "--borders", str(file)])
    assert (asked.exit_code, "go with --file" in asked.output) == (2, True)


@pytest.mark.parametrize(
    ("borders", "said"),
    [
        ("five", "expected a list of borders"),
        ([5], "the texts measure, percent and value"),
        ([{"measure": SPENT, "percent": "10", "value": 5}], "the texts measure, percent and value"),
        ([{"measure": SPENT, "percent": "10", "value": "five"}], "expected a decimal"),
    ],
)
def test_borders_of_a_line_are_checked(tried, tmp_path, borders, said):
    """The error names the field and what was expected."""
    answer = tried("try", "best", more=[line(tmp_path) | {"borders": borders}])
    assert (answer.exit_code, said in answer.output) == (1, True), answer.output


def test_borders_by_a_line_have_their_instant(tried, tmp_path):
    """A later deployment of borders moves customers at its place, with its reason."""
    moved = LINE | {"deployment_id": "e", "kind": "borders", "occurred_at": START + 10}
    log = [line(tmp_path) | {"borders": []}, moved]
    answer = tried("why", "c7", "--json", more=log)
    (found,) = json.loads(answer.stdout)["segments"]
    assert (found["inside"], found["entered_at"]) == (True, "2026-01-01T00:00:00.010Z")


def test_a_border_is_of_the_currency_of_its_line(tried, tmp_path):
    """What a line leaves out of a border is what its settings say."""
    other = line(tmp_path) | {"borders": [{**BORDERS[0], "currency": "USD"}]}
    answer = json.loads(tried("why", "c17", "--json", more=[other]).stdout)["segments"][0]
    assert answer["inside"] is False


def test_a_dry_run_takes_new_borders_from_the_history(tried, monkeypatch):
    """Nothing is deployed yet: the border is told, and who would enter by it."""
    monkeypatch.setattr(deploy, "read_chains", lambda _settings: Chains(()))
    answer = tried("deploy", "--dry-run")
    assert f"border {SPENT} top(percent=10): 19, of 20 customers (by the history)" in answer.stdout, (
        answer.output
    )
    assert "best: 2 would enter" in answer.stdout
    as_json = json.loads(tried("deploy", "--dry-run", "--json").stdout)
    assert [each["value"] for each in as_json["borders"]] == ["19"]
    published_before = deployed("a", None, BEST, [told(KEY, "15")])
    fields = {**published_before.fields, "rules": packed(b"[]"), "note": ""}
    chains = Chains((Deployed(0, START, fields),), {0: frozenset("a")})
    monkeypatch.setattr(deploy, "read_chains", lambda _settings: chains)
    assert json.loads(tried("deploy", "--dry-run", "--json").stdout)["borders"] == []


def test_a_measure_by_the_calendar_is_asked_for_by_its_name_in_the_zone():
    """In another zone than UTC the plan knows it with the zone; other measures by their text."""
    month = purchase.during("this month").count() >= top(percent=10)
    rules = [Segment(id="month", when=month), BEST.segments[0]]
    names = known_names(lower(rules, "EUR", "Europe/Amsterdam"))
    text = 'purchase.during("this month").count()'
    assert names == {text: f"{text}@Europe/Amsterdam", SPENT: SPENT}
