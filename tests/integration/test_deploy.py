"""`segments deploy` and its kin over a real broker: rule sets become records of every partition's log, all or none."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.cli.consume import line_of
from streams.deployments import planning, writing
from streams.deployments.records import read_chains
from streams.deployments.writing import Overtaken, write
from streams.kafka.read_committed import assign, committed_reader, partitions_of, until
from streams.settings.settings import Settings

pytestmark = pytest.mark.timeout(120)

RULE = '''"""Who bought for {count} at least: greet them."""

from segments.language import Segment, purchase

{name} = Segment(
    en="Bought for {count}",
    nl="Kocht voor {count}",
    when=purchase.within(days=30).sum(purchase.amount) >= {count},
    examples="""
    0d    purchase amount={count}   enters
    30d                             leaves
    """,
)
'''
QUICKLY = ("--yes", "--no-wait")


@pytest.fixture
def rules(tmp_path):
    """A folder with one rule, and a hand that writes more."""

    class Folder:
        path = tmp_path / "rules"

        def write(self, name, count):
            (self.path / f"{name}.py").write_text(RULE.format(name=name, count=count))

        def remove(self, name):
            (self.path / f"{name}.py").unlink()

    folder = Folder()
    folder.path.mkdir()
    folder.write("buyer", 2)
    return folder


@pytest.fixture
def segments(environment, fresh_topics, rules):
    """The command over fresh topics of three partitions, with these rules, in this process: a start takes seconds."""
    fresh_topics(3)

    def call(*arguments, env=None):
        own = {**environment, "SEGMENTS_RULES": str(rules.path), **(env or {})}
        done = CliRunner().invoke(main, arguments, env=own)
        return SimpleNamespace(returncode=done.exit_code, stdout=done.stdout, stderr=done.stderr)

    return call


@pytest.fixture
def settings(environment, monkeypatch, rules):
    """The settings that the commands of this test have."""
    for name in ("SEGMENTS_BROKERS", "SEGMENTS_GROUP", "SEGMENTS_DATA_DIR"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.setenv("SEGMENTS_RULES", str(rules.path))
    return Settings()


def written(settings):
    """All records of the topic, by partition."""
    found = {}
    with committed_reader(settings) as consumer:
        places = partitions_of(consumer, "segment-deployments")
        for batch in until(consumer, assign(consumer, places, from_beginning=True), settings):
            for record in batch:
                found.setdefault(record.partition, []).append(line_of(record))
    return found


def test_rules_go_live_and_back(segments, rules, settings):
    """Deploy, diff, deploy a change, roll back, list: each exit code, and one record in every partition each time."""
    assert segments("deploy", "--no-wait").returncode == 2, "nobody could be asked"
    dry = segments("deploy", "--dry-run", "--exit-code")
    assert (dry.returncode, "+ buyer (Bought for 2): added" in dry.stdout) == (6, True), dry.stderr
    assert written(settings) == {}

    first = segments("deploy", *QUICKLY, "--note", "first", "--json")
    assert first.returncode == 0, first.stderr
    found = written(settings)
    assert [[line["deployment_id"] for line in found[number]] for number in range(3)] == [
        [json.loads(first.stdout)["deployment_id"]]
    ] * 3
    assert [line[0]["rules"] is None for _, line in sorted(found.items())] == [False, True, True]
    assert found[1][0]["settings"]["zone"]["name"] == "UTC"

    again = segments("deploy", *QUICKLY)
    assert (again.returncode, "nothing would change" in again.stdout) == (0, True), again.stderr
    assert len(written(settings)[0]) == 1

    rules.write("buyer", 3)
    rules.write("newcomer", 1)
    told = segments("diff")
    assert "~ buyer (Bought for 3): changed" in told.stdout, told.stderr
    assert "+    when=purchase.within(days=30).sum(purchase.amount) >= 3," in told.stdout
    assert "```diff" in segments("diff", "--markdown").stdout
    other = segments("deploy", *QUICKLY, env={"SEGMENTS_GRACE": "5000"})
    assert (other.returncode, "SEGMENTS_GRACE: 2000 is deployed" in other.stderr) == (1, True)
    second = segments("deploy", *QUICKLY, "--settings", "--json", env={"SEGMENTS_GRACE": "5000"})
    assert second.returncode == 0, second.stderr
    lines = written(settings)[2]
    assert [line["follows"] for line in lines] == [None, lines[0]["deployment_id"]]
    assert segments("diff").stdout.startswith("nothing would change"), (
        "what is not set keeps what is deployed"
    )

    back = segments("rollback", *QUICKLY)
    assert (back.returncode, "- newcomer: removed" in back.stdout) == (0, True), back.stderr
    last = written(settings)[0][-1]
    assert (last["settings"]["grace"], last["plan"]) == (2000, lines[0]["plan"])
    assert last["occurred_at"] == "1970-01-01T00:00:00.000Z"
    listing = segments("deployments", "--json")
    assert listing.returncode == 0, listing.stderr
    listed = [json.loads(line) for line in listing.stdout.splitlines()]
    assert [(each["note"], each["rules"]) for each in listed] == [
        ("first", ["buyer"]),
        ("", ["buyer", "newcomer"]),
        (f"rollback to {listed[0]['deployment_id']}", ["buyer"]),
    ]
    unknown = segments("rollback", "nonsense", *QUICKLY)
    assert (unknown.returncode, "there is no deployment nonsense" in unknown.stderr) == (1, True)
    late = segments("rollback", listed[1]["deployment_id"], "--yes", "--timeout", "0")
    assert (late.returncode, "no worker of the group" in late.stderr) == (3, True)


def test_an_overtaken_deployment_writes_nothing(segments, rules, settings, monkeypatch):
    """Planned on a chain that has gone on, or cut between its partitions: no partition has it, and the error has code 4."""
    assert segments("deploy", *QUICKLY).returncode == 0
    seen = read_chains(settings)
    rules.write("buyer", 4)
    planned = planning.plan(settings, settings.rules, seen.running, stories=False)
    made = planning.record(settings, planned, seen, 1_800_000_000_000, "", at_once=False)
    assert segments("rollback", *QUICKLY).returncode == 1, "there is none before"
    assert segments("deploy", *QUICKLY).returncode == 0
    with pytest.raises(Overtaken, match="was written meanwhile"):
        write(settings, made, seen)
    assert Overtaken.exit_code == 4
    before = written(settings)

    sent = writing.KafkaProducer.send

    def cut(self, topic, *, partition, **record):
        if partition == 2:
            raise ConnectionError("the broker is away")
        return sent(self, topic, partition=partition, **record)

    monkeypatch.setattr(writing.KafkaProducer, "send", cut)
    seen = read_chains(settings)
    with pytest.raises(ConnectionError):
        write(settings, made | {"follows": seen.last.id}, seen)
    monkeypatch.undo()
    assert written(settings) == before
    rules.write("buyer", 5)
    assert segments("deploy", *QUICKLY).returncode == 0, "the next one is not in its way"
    assert [len(lines) for lines in written(settings).values()] == [3, 3, 3]
