"""Deployments without a broker: the chain, the plan and its settings, what changes, how far workers are."""

import json
from collections import Counter
from datetime import datetime
from itertools import pairwise

import pytest
from click.testing import CliRunner

import schemas
from segments.engine import load
from segments.language.errors import SegmentsError
from streams.cli import deployments, going_live, main, what_runs, worker
from streams.cli.deploy_report import Report, what_changes
from streams.deployments import starting, watching
from streams.deployments.changes import changes, told
from streams.deployments.counting import Counted
from streams.deployments.planning import FailingStories, again, deciding, is_same, plan, record, zone
from streams.deployments.records import Chains, Deployed, chain_of
from streams.deployments.watching import Look, NotTakenOver, PartitionProgress
from streams.deployments.writing import Overtaken
from streams.errors import StreamsError
from streams.kafka import group
from streams.kafka.client_id import address, identity, plans_of, rules_of
from streams.settings.settings import Settings
from streams.settings.types import zone_of

RULE = '''"""Who bought for {least} at least: greet them."""

from segments.language import Segment, purchase

{name} = Segment(
    en="Bought for {least}",
    nl="Kocht voor {least}",
    when=purchase.within(days={days}).sum(purchase.amount) >= {least},
    examples="""
    0d    purchase amount={least}   {does}
    {days}d   leaves
    """,
)
'''


@pytest.fixture
def folder(tmp_path):
    """A folder with one rule; call it to write another."""

    def write(name, least, days=30, does="enters"):
        text = RULE.format(name=name, least=least, days=days, does=does)
        (tmp_path / f"{name}.py").write_text(text)
        return tmp_path

    write("buyer", 2)
    return write


def settings(monkeypatch, **named):
    """Settings of an environment with these alone."""
    for name, value in named.items():
        monkeypatch.setenv(f"SEGMENTS_{name.upper()}", value)
    return Settings()


def deployed(fields, offset=0):
    """A record as it comes back from the topic."""
    data = schemas.encode(schemas.DEPLOYMENT, fields)
    return Deployed(offset, 1_800_000_000_500, schemas.decode(schemas.DEPLOYMENT, data))


def first(monkeypatch, folder):
    """The first deployment of a folder."""
    chosen = settings(monkeypatch)
    planned = plan(chosen, [folder("buyer", 2)], None, stories=True)
    return deployed(record(chosen, planned, Chains(()), 1_800_000_000_000, "", at_once=False))


def linked(id_, follows, kind="rules"):
    """A record of which only the links matter."""
    return Deployed(0, 0, {"deployment_id": id_, "follows": follows, "kind": kind})


def test_the_chain_passes_over_what_follows_something_else():
    """The next by offset whose `follows` is the chain's last; a fill is never followed, a second of one id is none."""
    found = [
        linked("a", None),
        linked("b", None),
        linked("f", "a", "fill"),
        linked("c", "a"),
        linked("d", "a"),
        linked("x", "c", "borders"),
        linked("c", "x"),
        linked("e", "x"),
    ]
    chain = Chains(chain_of(found), {0: frozenset("ae"), 1: frozenset("ac")})
    assert [each.id for each in chain.deployments] == ["a", "c", "x", "e"]
    assert [each.id for each in chain.rules] == ["a", "c", "e"]
    assert (chain.last.id, chain.running.id, chain.lacking) == ("e", "e", (1,))
    assert chain_of([]) == ()


@pytest.mark.parametrize("name", ["UTC", "Europe/Amsterdam", "America/St_Johns", "Asia/Kathmandu"])
def test_a_zone_is_its_offsets(name):
    """At any instant from 1900 to 2100 the transitions tell what the zone tells, a second before a change too."""
    of, found = zone_of(name), zone(name)["transitions"]
    assert found[0]["at"] == -2_208_988_800_000
    for before, each in pairwise(found):
        for at, offset in ((each["at"], each["offset"]), (each["at"] - 1000, before["offset"])):
            assert offset_of(of, at) == offset
    for year in range(1900, 2101, 7):
        at = (year - 1970) * 31_556_952_000
        (last,) = [each for each in found if each["at"] <= at][-1:] or [found[0]]
        assert offset_of(of, at) == last["offset"], year


def offset_of(of, at):
    """Seconds ahead of UTC at an instant in milliseconds."""
    return int(datetime.fromtimestamp(at // 1000, of).utcoffset().total_seconds())


def test_a_setting_that_nobody_sets_keeps_what_is_deployed(monkeypatch, folder):
    """Another grace is deployed than the default: it stays until the environment says one; then it is a change."""
    before = first(monkeypatch, folder)
    fields = {**before.fields, "settings": {**before.settings, "grace": 7_000}}
    of = deployed(fields)
    assert deciding(settings(monkeypatch), of)["grace"] == 7_000
    chosen = settings(monkeypatch, grace="9000", timezone="Europe/Amsterdam")
    planned = plan(chosen, [folder("buyer", 2)], of, stories=False)
    found = changes(planned, of)
    assert [(each["setting"], each["deployed"], each["new"]) for each in found.settings] == [
        ("SEGMENTS_TIMEZONE", "UTC", "Europe/Amsterdam"),
        ("SEGMENTS_GRACE", 7_000, 9_000),
    ]


def test_what_is_deployed_already_is_the_same(monkeypatch, folder):
    """The same files: nothing would change; other words alone are told as such, and are no change of meaning."""
    before = first(monkeypatch, folder)
    planned = plan(settings(monkeypatch), [folder("buyer", 2)], before, stories=False)
    assert is_same(planned, before)
    assert list(told(changes(planned, before))) == [f"nothing would change: {before.id} is deployed"]
    path = folder("buyer", 2) / "buyer.py"
    path.write_text(path.read_text().replace("greet them", "call them"))
    found = changes(plan(settings(monkeypatch), [path.parent], before, stories=False), before)
    assert [(each.kind, each.new_measures) for each in found.rules] == [("reworded", ())]
    assert not found.same


def test_each_change_is_told_with_its_source(monkeypatch, folder):
    """Changed, added with a new measure, and removed; in either language, and as Markdown."""
    before = first(monkeypatch, folder)
    folder("buyer", 3)
    folder("spender", 90, days=60)
    found = changes(plan(settings(monkeypatch), [folder("buyer", 3)], before, stories=True), before)
    assert [(each.id, each.kind, len(each.new_measures)) for each in found.rules] == [
        ("buyer", "changed", 0),
        ("spender", "added", 1),
    ]
    assert "~ buyer (Kocht voor 3): changed" in list(told(found, "nl"))
    markdown = list(told(found, markdown=True))
    assert "- **spender** (Bought for 90): added" in markdown
    assert "  +    when=purchase.within(days=30).sum(purchase.amount) >= 3," in markdown
    assert found.retention == (30 * 86_400_000, 60 * 86_400_000)
    alone = plan(settings(monkeypatch), [folder("spender", 90, days=60) / "spender.py"], before, stories=True)
    assert ("buyer", "removed") in [(each.id, each.kind) for each in changes(alone, before).rules]


def test_why_the_same_rules_are_written_again_is_told(monkeypatch, folder):
    """Partitions that were added later have nothing, or a measure does not know its past; else nothing would change."""
    of = first(monkeypatch, folder)
    report = Report(changes(plan(settings(monkeypatch), [folder("buyer", 2)], of, stories=False), of))
    whole, added = (Chains((of,), dict(enumerate(held))) for held in ([{of.id}], [{of.id}, set()]))
    assert list(what_changes(report, whole, (), "en")) == [f"nothing would change: {of.id} is deployed"]
    assert list(what_changes(report, added, (), "en")) == [
        f"the rules and settings are those of {of.id}",
        "  written again, since partitions that were added later do not have it: 1",
    ]
    assert list(what_changes(report, whole, ["m"], "en"))[1:] == ["  to be filled: m"]


def test_what_is_filled_is_not_told_as_known_later(monkeypatch, folder):
    """With --backfill a new measure knows its past; without it, events from the take-over on."""
    of = first(monkeypatch, folder)
    folder("spender", 90, days=60)
    report = Report(changes(plan(settings(monkeypatch), [folder("buyer", 2)], of, stories=False), of))
    chains, measure = Chains((of,), {0: frozenset([of.id])}), "purchase.within(days=60).sum(purchase.amount)"
    for to_fill, said in (((), "    knows events from the take-over on"), ((measure,), "  to be filled")):
        lines = list(what_changes(report, chains, to_fill, "en"))
        assert [line for line in lines if line.endswith(measure)] == [f"{said}: {measure}"]


def test_a_filling_is_listed(monkeypatch, folder):
    """In its place in the log, with the partitions that are filled by it; those run the rules before it."""
    of = first(monkeypatch, folder)
    fields = {**of.fields, "kind": "fill", "follows": of.id}
    asked, ended = (
        deployed({**fields, "deployment_id": f"{name}-fill"}, at) for name, at in (("b", 2), ("a", 1))
    )
    chains = Chains((of,), {0: frozenset([of.id])}, asked, (ended, asked))
    partition = PartitionProgress(0, of.id, "filling", 7, filling="b-fill")
    monkeypatch.setattr(deployments, "read_chains", lambda _settings: chains)
    monkeypatch.setattr(deployments, "look", lambda _settings: Look({0: partition}, 1))
    lines = [json.loads(line) for line in listed("deployments", "--json").splitlines()]
    here = [{"partition": 0, "state": "filling", "customers": 7}]
    assert [(line["deployment_id"], line["kind"], line["partitions"]) for line in lines] == [
        (of.id, "rules", here),
        ("a-fill", "fill", []),
        ("b-fill", "fill", here),
    ]
    assert listed("deployments").splitlines()[-1] == "  partition 0: filling"


def test_a_failing_story_is_not_deployed(monkeypatch, folder):
    """Named with its file and line."""
    with pytest.raises(FailingStories, match=r"buyer\.py:\d+"):
        plan(settings(monkeypatch), [folder("buyer", 2, does="leaves")], None, stories=True)


def test_a_rollback_is_the_earlier_record_again(monkeypatch, folder):
    """Plan, rules and settings of then, at once, after the chain's last, under an id of its own."""
    one = first(monkeypatch, folder)
    other = deployed({**one.fields, "deployment_id": "other", "follows": one.id, "plan": b""}, 1)
    made = again(settings(monkeypatch), one, Chains((one, other)), 1_800_000_000_000, "")
    assert (made["follows"], made["occurred_at"], made["plan"]) == ("other", 0, one.fields["plan"])
    assert made["deployment_id"] not in (one.id, "other")
    assert deployed(made).occurred_at == 1_800_000_000_500, "the Kafka timestamp"


def test_a_rule_is_held_back_by_its_share():
    """Of its members, of a segment without any of all customers; unknown rules count nobody."""
    found = Counted(customers=1_000, unknown=("new",))
    found.members.update(large=100, small=10)
    found.exits.update(large=20, small=3)
    found.enters.update(empty=201, new=900)
    assert [line.partition(":")[0] for line in found.over(20)] == ["empty", "small"]
    assert found.over(30) == []


def test_a_deployment_is_held_back_by_the_share_of_all_customers():
    """Each customer counts once, however many segments they enter or leave."""
    found = Counted(customers=1_000, moved=201)
    assert found.over_all(20) == ["in all: 201 would enter or leave a segment, of 1,000 customers"]
    assert Counted(customers=1_000, moved=200).over_all(20) == Counted().over_all(0) == []


def test_the_command_waits_for_every_partition(monkeypatch):
    """Done once all run it; else it ends in time, names who is missing, and has exit code 3."""
    looks = [
        Look({0: PartitionProgress(0, "a", "running")}, members=2),
        Look(
            {0: PartitionProgress(0, "b", "running"), 1: PartitionProgress(1, "b", "taking_over", left=5)}, 2
        ),
        Look({number: PartitionProgress(number, "b", "running") for number in (0, 1)}, members=2),
    ]
    said = []
    monkeypatch.setattr(watching, "look", lambda _settings, _before: looks.pop(0))
    assert len(watching.wait(settings(monkeypatch), "b", 2, 30, said.append, list).partitions) == 2
    assert said == ["taken over: 0 of 2 partitions", "taken over: 1 of 2 partitions, 5 left"]
    looks.append(Look(members=1, silent=("one:6066",)))
    with pytest.raises(NotTakenOver, match=r"run it yet: 0, 1 .*one:6066") as caught:
        watching.wait(settings(monkeypatch), "b", 2, 0, said.append, list)
    assert caught.value.exit_code == 3


def test_the_broker_lists_the_workers_now_and_then(monkeypatch):
    """Each look asks the workers; the broker is asked again once one of them is silent, or after two seconds."""
    asked, listed, now = [], [], [100.0]

    def answer(where, *_given):
        asked.append(where)
        if where in silent:
            raise StreamsError("does not answer")
        state = {"partition": 0, "deployment_id": "a", "state": "running", "taken_over": 0, "left": 0}
        return {"partitions": [state | {"enters": {}, "exits": {}}]}

    def standing(_settings):
        listed.append(now[0])
        return True, [("one:6066", [("clickstream", 0)]), (None, []), ("idle:6066", [])]

    monkeypatch.setattr(watching, "standing", standing)
    monkeypatch.setattr(watching, "answer_of", answer)
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    silent, looked = set(), None
    for now[0], silent in ((100, set()), (101, set()), (102, set()), (103, {"one:6066"}), (103.1, set())):
        looked = watching.look(settings(monkeypatch), looked)
        assert (looked.members, looked.silent) == (3, tuple(silent))
    assert (asked, listed) == (["one:6066"] * 5, [100, 102, 103.1])


def test_a_partition_that_has_gone_on_has_taken_it_over(monkeypatch):
    """Another deployment came before all were seen to run this one: it is no reason to wait, and its flips are not told."""
    chains = Chains(tuple(linked(*each) for each in (("a", None), ("b", "a"), ("c", "b"))))
    looked = Look(
        {
            0: PartitionProgress(0, "c", "running", enters=Counter(seen=1)),
            1: PartitionProgress(1, "b", "running"),
        },
        1,
    )
    monkeypatch.setattr(watching, "look", lambda _settings, _before: looked)
    assert (chains.after("b"), chains.after("x")) == (["c"], [])
    found = watching.wait(settings(monkeypatch), "b", 2, 0, lambda _: None, lambda: chains.after("b"))
    assert going_live.flips_of(found, "b") == {}
    with pytest.raises(NotTakenOver, match="yet: 1 "):
        watching.wait(settings(monkeypatch), "c", 2, 0, lambda _: None, lambda: chains.after("c"))


def test_a_filling_that_another_deployment_ended_is_not_waited_for(monkeypatch):
    """The command ends as overtaken, exit code 4, rather than that it waits for what no partition fills any more."""
    monkeypatch.setattr(
        watching, "look", lambda _settings, _before: Look({0: PartitionProgress(0, "b", "running")}, 1)
    )

    def require_wanted():
        raise Overtaken("another one")

    monkeypatch.setattr(watching, "READ_EVERY", 0)
    for call in (require_wanted, lambda: None):
        expected = Overtaken if call is require_wanted else NotTakenOver
        seconds = 30 if call is require_wanted else 0
        with pytest.raises(expected):
            watching.wait_filled(settings(monkeypatch), "a-fill", 1, seconds, lambda _: None, call)


def test_progress_tells_customers_and_flips():
    """Of the partitions that have come to the deployment alone; the others tell of the one before."""
    before = PartitionProgress(0, "a", "running", taken_over=9, enters=Counter(seen=9))
    begun = PartitionProgress(1, "b", "taking_over", 1_200, 5, enters=Counter(seen=2), exits=Counter(old=3))
    assert watching.progress(Look({0: before, 1: begun}, 2), 0, 2, "b") == (
        "taken over: 0 of 2 partitions, 1,200 customers taken over, 5 left, "
        "old 0 entered and 3 left, seen 2 entered and 0 left"
    )


def listed(*words):
    """What a command prints on both ends."""
    return CliRunner().invoke(main, words).output


def test_list_and_show_tell_what_is_deployed(monkeypatch, folder):
    """Of a rule with the same file all is said, of an edited one its source; edits are marked, and files left alone."""
    of = first(monkeypatch, folder)
    monkeypatch.setattr(what_runs, "_running", lambda _settings: of)
    monkeypatch.setenv("SEGMENTS_RULES", str(folder("buyer", 2)))
    (line, which) = listed("list", "--json").splitlines()
    same = json.loads(line)
    assert (same["deployment_id"], same["undeployed_version"]) == (of.id, None)
    assert same["when"] == "purchase.within(days=30).sum(purchase.amount) >= 2"
    assert which == f"what is deployed: {of.id}"
    folder("buyer", 3)
    folder("newcomer", 1)
    edited = json.loads(listed("list", "--json").splitlines()[0])
    assert (edited["version"], edited["deployment_id"]) == (same["version"], of.id)
    assert edited["undeployed_version"] not in (None, same["version"])
    assert "purchase.amount) >= 2" in edited["source"]
    told_ = listed("list")
    assert f"edited: version {edited['undeployed_version']} in SEGMENTS_RULES is not deployed" in told_
    assert "not deployed, in SEGMENTS_RULES: newcomer" in told_
    assert "purchase.amount) >= 2" in listed("show", "buyer")
    assert "newcomer is not deployed: this is the file" in listed("show", "newcomer")
    of_files = json.loads(
        listed("show", "buyer", "--json", "--rules", str(folder("buyer", 3))).splitlines()[-1]
    )
    assert (of_files["deployment_id"], of_files["version"]) == (None, edited["undeployed_version"])
    (folder("buyer", 3) / "wrong.py").write_text("x = (")
    assert "the files of SEGMENTS_RULES are wrong" in listed("list")


class Started:
    """A topic of deployments in memory, for workers that start."""

    def __init__(self, monkeypatch, *deployments):
        self.chain, self.overtaken_by = list(deployments), []
        monkeypatch.setattr(
            starting, "read_chains", lambda _settings: Chains(tuple(self.chain), {0: self.ids})
        )
        monkeypatch.setattr(starting, "write", self.write)
        monkeypatch.setattr(starting, "AGAIN", (0.0, 0.0))

    @property
    def ids(self):
        """What the partition has."""
        return frozenset(each.id for each in self.chain)

    def write(self, _settings, made, _seen):
        """As the command does: one that was overtaken writes nothing."""
        if self.overtaken_by:
            self.chain.append(self.overtaken_by.pop())
            raise Overtaken("another one")
        self.chain.append(deployed(made))


def test_a_worker_deploys_what_its_group_lacks(monkeypatch, folder):
    """Its files where nothing is deployed, with --deploy where they differ; one that was overtaken runs the other's."""
    rules = folder("buyer", 2)
    chosen = settings(monkeypatch, rules=str(rules))
    files = load([rules])
    group = Started(monkeypatch)
    assert starting.settle(chosen, None, deploy=False) is None, "--no-deploy"
    one = starting.settle(chosen, files, deploy=False)
    assert [each.id for each in group.chain] == [one.id]
    folder("buyer", 3)
    edited = load([rules])
    assert starting.settle(chosen, edited, deploy=False).id == one.id
    two = starting.settle(chosen, edited, deploy=True)
    assert [each["id"] for each in two.rules] == ["buyer"]
    assert two.planned.digest == edited.digest
    assert starting.settle(chosen, edited, deploy=True).id == two.id
    assert len(group.chain) == 2

    other = Started(monkeypatch)
    other.overtaken_by.append(one)
    assert starting.settle(chosen, edited, deploy=False).id == one.id
    assert [each.id for each in other.chain] == [one.id]


def test_wrong_files_stop_a_worker_only_where_nothing_is_deployed(monkeypatch, folder, caplog):
    """Once something is deployed they are a line in the log; so is a setting that --deploy would change."""
    rules = folder("buyer", 2)
    wrong = SegmentsError("buyer.py:1: wrong")
    Started(monkeypatch)
    with pytest.raises(SegmentsError, match="wrong"):
        starting.settle(settings(monkeypatch), wrong, deploy=False)
    of = first(monkeypatch, folder)
    group = Started(monkeypatch, of)
    assert starting.settle(settings(monkeypatch), wrong, deploy=True).id == of.id
    assert "the files of SEGMENTS_RULES are wrong: buyer.py:1" in caplog.text
    missing = worker._files(settings(monkeypatch, rules=str(rules / "nowhere")))
    assert starting.settle(settings(monkeypatch), missing, deploy=False).id == of.id
    assert "nowhere does not exist" in caplog.text
    changed = settings(monkeypatch, rules=str(rules), grace="9000")
    assert starting.settle(changed, load([rules]), deploy=True).id == of.id
    assert "SEGMENTS_GRACE differ from what is deployed" in caplog.text
    assert len(group.chain) == 1


def test_a_format_that_a_worker_has_not_announced_is_refused(monkeypatch):
    """Workers tell in their client ids up to which format they read plans; other members of the group are not asked."""
    told = identity("new", "d", "new:6066", 2)
    assert (plans_of(told), rules_of(told), address(told)) == (2, "d", "new:6066")
    ids = [told, identity("old", "", "old:6066"), "a-tool"]
    monkeypatch.setattr(group, "_members", lambda _: [{"client_id": each} for each in ids])
    with pytest.raises(group.UnreadableByWorkers, match=r"read it: old:6066\. Nothing was written: update"):
        group.require_readers(Settings(), 2)
    ids.remove(identity("old", "", "old:6066"))
    group.require_readers(Settings(), 2)
    with pytest.raises(group.UnreadableByWorkers, match="format 3 here"):
        group.require_readers(Settings(), 3)
