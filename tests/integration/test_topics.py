"""`segments topics`: the topics of schemas/README.md, made, compared and required."""

import pytest
from kafka.admin import ConfigResource

from streams.errors import BrokerAway, TopicsError
from streams.kafka.topics import INPUTS, changelog, require, transfers
from streams.settings.settings import Settings

pytestmark = pytest.mark.timeout(60)

AWAY = {"SEGMENTS_BROKERS": "127.0.0.1:1"}
REMEMBERED = 730 * 86_400_000
"""Milliseconds for which the shipped rules remember: so long the inputs are to keep records."""
COMPACTED = {"profiles", "segment-memberships"}
OURS = [
    "clickstream",
    "dead-letters",
    "delivery-dead-letters",
    "identities",
    "profiles",
    "segment-deployments",
    "segment-events",
    "segment-memberships",
    "segment-outcomes",
    "transactions",
]


@pytest.fixture(autouse=True)
def no_topics(kafka):
    """Each test begins with an empty broker."""
    kafka.clear()


@pytest.fixture
def state(environment):
    """The name of the changelog of this test's group."""
    return changelog(environment["SEGMENTS_GROUP"]).name


@pytest.fixture
def settings(environment, monkeypatch):
    """The settings that the commands of this test have."""
    for name in ("SEGMENTS_BROKERS", "SEGMENTS_GROUP", "SEGMENTS_DATA_DIR"):
        monkeypatch.setenv(name, environment[name])
    return Settings()


@pytest.fixture
def own(environment, state):
    """The names of the topics of this test's group."""
    return {state, transfers(environment["SEGMENTS_GROUP"]).name}


def create(kafka, **topics):
    """Creates topics of one's own, by name with underscores: partitions and settings."""
    wanted = {
        name.replace("_", "-"): {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
        for name, (partitions, configs) in topics.items()
    }
    with kafka.admin() as admin:
        admin.create_topics(wanted, wait_for_metadata=True)


def described(kafka):
    """Number of partitions, cleanup policy and timestamp type of each topic."""
    names = kafka.topics()
    with kafka.admin() as admin:
        partitions = {each["name"]: len(each["partitions"]) for each in admin.describe_topics(names)}
        resources = [ConfigResource("TOPIC", name) for name in names]
        configs = admin.describe_configs(resources, config_filter="all")["topic"]
    wanted = ("cleanup.policy", "message.timestamp.type")
    return {name: (partitions[name], *(configs[name][each]["value"] for each in wanted)) for name in names}


def test_create_makes_our_topics(run, kafka, state, own):
    """All topics and the changelog, with the same partitions and LogAppendTime, compacted where promised."""
    done = run("topics", "create", "--partitions", "3")
    assert (done.returncode, done.stderr) == (0, "")
    compacted = {*COMPACTED, state}
    assert described(kafka) == {
        name: (3, "compact" if name in compacted else "delete", "LogAppendTime") for name in [*OURS, *own]
    }
    assert run("topics", "check").returncode == 0


def test_create_twice_changes_nothing(run, kafka):
    """The second time all of them exist, and that is well."""
    run("topics", "create")
    before = described(kafka)
    done = run("topics", "create")
    assert (done.returncode, done.stdout.count("exists"), described(kafka)) == (0, len(OURS) + 2, before)


def test_a_dry_run_creates_nothing(run, kafka):
    """It says what would be created."""
    done = run("topics", "create", "--dry-run")
    assert (done.returncode, done.stdout.count("missing"), kafka.topics()) == (0, len(OURS) + 2, [])


def test_the_number_of_partitions_is_a_setting(run, kafka, state):
    """SEGMENTS_PARTITIONS is the default of --partitions, for check as well."""
    assert run("topics", "create", env={"SEGMENTS_PARTITIONS": "2"}).returncode == 0
    assert described(kafka)[state][0] == 2
    assert run("topics", "check", env={"SEGMENTS_PARTITIONS": "3"}).returncode == 1


def test_create_refuses_to_mix_numbers_of_partitions(run, kafka):
    """One topic with another number of partitions: nothing is created beside it, and the mend is told."""
    create(kafka, clickstream=(2, {"message.timestamp.type": "LogAppendTime"}))
    done = run("topics", "create", "--partitions", "4")
    assert done.returncode == 1
    assert "clickstream: expected 4 partitions, came 2" in done.stderr
    assert "--partitions 2" in done.stderr
    assert kafka.topics() == ["clickstream"]


def test_create_takes_the_number_of_those_that_exist(run, kafka, own):
    """Beside topics of eight partitions what is missing gets eight, unless another number is asked for."""
    append = {"message.timestamp.type": "LogAppendTime", "retention.ms": str(REMEMBERED)}
    create(kafka, clickstream=(8, append), transactions=(8, append))
    assert "missing  profiles (8 partitions, compact)" in run("topics", "create", "--dry-run").stdout
    asked = run("topics", "create", "--partitions", "4")
    assert (asked.returncode, "have all with --partitions 8, or delete it" in asked.stderr) == (1, True)
    assert run("topics", "create", env={"SEGMENTS_PARTITIONS": "4"}).returncode == 1
    done = run("topics", "create")
    assert (done.returncode, done.stderr) == (0, "")
    assert {partitions for partitions, *_ in described(kafka).values()} == {8}
    assert described(kafka).keys() == {*OURS, *own}


def test_create_reports_what_exists_and_differs(run, kafka):
    """A topic with another clean-up policy stays as it is and is named; the others are created."""
    create(kafka, profiles=(4, {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime"}))
    done = run("topics", "create")
    assert (done.returncode, done.stdout.count("created")) == (1, len(OURS) + 1)
    assert "profiles: expected cleanup.policy=compact, came delete" in done.stderr


def test_check_names_each_difference_with_its_mend(run, kafka):
    """Missing, other partitions, clean-up policy, timestamps, the largest record: one line for each."""
    run("topics", "create")
    kafka.delete("clickstream", "transactions", "profiles", "dead-letters")
    append = {"message.timestamp.type": "LogAppendTime"}
    create(kafka, clickstream=(5, append), profiles=(4, append), dead_letters=(4, {}))
    done = run("topics", "check")
    assert (done.returncode, done.stdout) == (1, "")
    lines = sorted(done.stderr.removeprefix("Error: ").splitlines())
    assert [line.partition(": ")[0] for line in lines] == [
        "clickstream",
        "clickstream",
        "dead-letters",
        "dead-letters",
        "dead-letters",
        "profiles",
        "profiles",
        "transactions",
    ]
    assert "expected 4 partitions, came 5" in lines[0]
    assert f"--add-config retention.ms={REMEMBERED}" in lines[1]
    assert "--add-config max.message.bytes=16777216" in lines[2]
    assert "--add-config message.timestamp.type=LogAppendTime" in lines[3]
    assert "--add-config retention.ms=34560000000" in lines[4]
    assert "--add-config cleanup.policy=compact" in lines[5]
    assert f"--add-config delete.retention.ms={REMEMBERED}" in lines[6]
    assert "missing: create it with `segments topics create`" in lines[7]


def test_topics_take_the_largest_records_that_are_written(run, kafka, state):
    """Dead letters and memberships of 16 MB, states of 8 MB; one that takes less is named, one that takes more is not."""
    run("topics", "create")
    names = ("dead-letters", "segment-memberships", state)
    with kafka.admin() as admin:
        resources = [ConfigResource("TOPIC", name) for name in names]
        found = admin.describe_configs(resources, config_filter="all")["topic"]
        assert [found[name]["max.message.bytes"]["value"] for name in names] == [
            "16777216",
            "16777216",
            "8388608",
        ]
        sizes = {names[0]: "16777215", names[1]: "33554432", names[2]: "1048588"}
        admin.alter_configs(
            [
                ConfigResource("TOPIC", name, configs={"max.message.bytes": size})
                for name, size in sizes.items()
            ]
        )
    done = run("topics", "check")
    assert done.returncode == 1
    assert sorted(done.stderr.removeprefix("Error: ").splitlines()) == [
        f"{name}: expected max.message.bytes={expected}, came {sizes[name]}: "
        "`kafka-configs.sh --bootstrap-server $SEGMENTS_BROKERS --alter --entity-type topics "
        f"--entity-name {name} --add-config max.message.bytes={expected}`"
        for name, expected in sorted([(names[0], 16_777_216), (names[2], 8_388_608)])
    ]


def test_inputs_and_outputs_keep_records_long_enough(run, kafka, settings):
    """400 days, or what is asked for; erasures as long as events, deployments for ever; a worker refuses less of erasures."""
    assert run("topics", "create", "--retention", "500").returncode == 0
    names = ("clickstream", "segment-events", "segment-deployments", "profiles")
    with kafka.admin() as admin:
        resources = [ConfigResource("TOPIC", name) for name in names]
        found = admin.describe_configs(resources, config_filter="all")["topic"]
        kept = [int(found[name]["retention.ms"]["value"]) for name in names[:3]]
        assert kept == [500 * 86_400_000, 400 * 86_400_000, -1]
        assert found["segment-deployments"]["max.message.bytes"]["value"] == "8388608"
        assert int(found["profiles"]["delete.retention.ms"]["value"]) == 500 * 86_400_000
        assert run("topics", "check", "--retention", "500").returncode == 0
        less = ConfigResource("TOPIC", "profiles", {"delete.retention.ms": str(499 * 86_400_000)})
        admin.alter_configs([less])
    with pytest.raises(
        TopicsError, match=r"^profiles: expected delete\.retention\.ms=43200000000, came 43113600000"
    ):
        require(settings)
    longer = run("topics", "check", "--retention", "501")
    assert "clickstream: expected retention.ms=43286400000, came 43200000000" in longer.stderr
    needed = f"clickstream: expected retention.ms={REMEMBERED}, came 43200000000"
    assert needed in run("topics", "check").stderr, "the rules remember for longer"


def test_check_needs_no_changelog(run, kafka, state):
    """A group that never ran has none yet: its first worker makes it."""
    run("topics", "create")
    kafka.delete(state)
    assert run("topics", "check").returncode == 0


@pytest.mark.parametrize(
    "arguments", [("create", "--partitions", "0"), ("check", "--partitions", "x"), ("drop",)]
)
def test_wrong_calls_are_usage_errors(run, arguments):
    """A number of partitions that is none, or an unknown subcommand: exit code 2."""
    done = run("topics", *arguments)
    assert done.returncode == 2
    assert arguments[-1] in done.stderr


@pytest.mark.parametrize("subcommand", ["create", "check"])
def test_a_broker_that_is_away_is_said_in_one_line(run, subcommand):
    """Within a few seconds, with the address and what to do."""
    done = run("topics", subcommand, env=AWAY, timeout=15)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "no Kafka broker answers at 127.0.0.1:1" in done.stderr
    assert "segments broker start" in done.stderr


def test_what_kafka_refuses_is_told(run):
    """Three replicas on one broker: Kafka's own reason, and no traceback."""
    done = run("topics", "create", "--replication", "3")
    assert done.returncode == 1
    assert "Kafka refused to create it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_requires_the_topics_and_makes_its_own(fresh_topics, kafka, settings, state, own):
    """What a worker asks for at its start: all topics with one number of partitions; its own it makes."""
    fresh_topics(partitions=2)
    kafka.delete(*own)
    assert require(settings) == 2
    assert {name: described(kafka)[name] for name in own} == {
        state: (2, "compact", "LogAppendTime"),
        transfers(settings.group).name: (2, "delete", "LogAppendTime"),
    }


def test_a_worker_refuses_missing_inputs(run, kafka, settings):
    """An input topic that is missing is named with its mend."""
    run("topics", "create")
    kafka.delete("transactions")
    with pytest.raises(TopicsError, match=r"^transactions: missing: create it"):
        require(settings)


def test_a_worker_refuses_unlike_numbers_of_partitions(run, kafka, settings):
    """Customers would not meet in one partition."""
    run("topics", "create")
    kafka.delete("clickstream")
    create(kafka, clickstream=(3, {}))
    with pytest.raises(TopicsError, match=r"^clickstream: expected 4 partitions, came 3"):
        require(settings)


@pytest.mark.parametrize("topic", INPUTS)
def test_a_worker_refuses_inputs_with_timestamps_of_producers(run, kafka, settings, topic):
    """With CreateTime a device with a wrong clock would move the clock of a partition: the setting that mends it is told."""
    cleanup = "compact" if topic == "profiles" else "delete"
    own = {"cleanup.policy": cleanup, "delete.retention.ms": str(REMEMBERED)}
    create(kafka, **{topic: (4, own), "segment_events": (4, {})})
    assert run("topics", "create").returncode == 1
    with pytest.raises(TopicsError) as refused:
        require(settings)
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"{topic}: expected message.timestamp.type=LogAppendTime, came CreateTime")
    assert f"--entity-name {topic} --add-config message.timestamp.type=LogAppendTime" in line


def test_a_state_of_another_number_is_not_to_be_deleted(run, kafka, settings, state):
    """Where the inputs have got partitions, what the group remembers is the last thing to delete."""
    run("topics", "create", "--partitions", "2")
    with kafka.admin() as admin:
        admin.create_partitions(dict.fromkeys(set(kafka.topics()) - {state}, 3))
    with pytest.raises(TopicsError) as refused:
        require(settings)
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"{state}: expected 3 partitions, came 2")
    assert "More partitions" in line
    assert "delete" not in line


def test_a_worker_without_broker_is_told_so(settings):
    """The same error as the commands give."""
    away = settings.model_copy(update={"brokers": "127.0.0.1:1"})
    with pytest.raises(BrokerAway, match=r"no Kafka broker answers at 127\.0\.0\.1:1"):
        require(away)


def test_fresh_topics_are_empty_and_quick(fresh_topics, kafka):
    """The fixture of the other tests: topics made anew, whatever was there before."""
    assert sorted(fresh_topics(partitions=3)) == kafka.topics()
    assert {partitions for partitions, *_ in described(kafka).values()} == {3}
    fresh_topics(partitions=1)
    assert {partitions for partitions, *_ in described(kafka).values()} == {1}
