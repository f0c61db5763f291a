"""Everyday operations as deploy/operations.md describes them: a reset, and an upgrade of the code while events come."""

import shutil
from pathlib import Path

import pytest
from kafka.admin import ConfigResource

from tests.integration.worker_control import scrape, stop, wait_until_ready
from tests.integration.worker_log import (
    DAY,
    EVENT_CLOCK,
    Shop,
    actual,
    assert_same,
    expected,
    now,
    produce,
    read,
    wait_until_caught_up,
)
from tests.unit.repository import PACKAGES, ROOT


@pytest.mark.timeout(150)
def test_a_group_is_reset(kafka, fresh_topics, spawn, run, environment):
    """Not while workers run; then everybody is null, and with RocksDB too all is computed anew, the same as before."""
    fresh_topics(2)
    group = environment["SEGMENTS_GROUP"]
    produce(kafka.address, Shop(seed=5, customers=40).events(1_500, now() - 30 * DAY, 60_000))
    own = EVENT_CLOCK | {"SEGMENTS_STORE": "rocksdb"}
    _keep(kafka, {"clickstream": {"retention.ms": str(7 * DAY)}})
    worker = spawn("worker", env=own)
    wait_until_caught_up(kafka.address, group)
    assert "clickstream keeps records for 7 days and the rules remember" in worker.stderr
    refused = run("reset", "--yes")
    assert (refused.returncode, "stop all of them" in refused.stderr) == (1, True)
    stop(worker)

    before = actual(kafka.address)
    dry = run("reset")
    assert "would be forgotten" in dry.stdout, dry.stderr
    assert _members(kafka)
    done = run("reset", "--yes")
    assert (done.returncode, " forgotten\n" in done.stdout) == (0, True), done.stderr
    assert not _members(kafka)

    long = {
        topic: {"retention.ms": str(3_000 * DAY)} for topic in ("clickstream", "identities", "transactions")
    }
    _keep(kafka, long | {"profiles": {"delete.retention.ms": str(3_000 * DAY)}})
    worker = spawn("worker", env=own)
    wait_until_caught_up(kafka.address, group)
    stop(worker)
    assert "keeps records" not in worker.stderr
    assert "offset" not in worker.stderr, "the group's offsets are as new"
    twice = {customer: events + events for customer, events in before.items()}
    assert_same(twice, actual(kafka.address))


def _keep(kafka, settings: dict[str, dict[str, str]]) -> None:
    """Sets for how long topics keep what."""
    with kafka.admin() as admin:
        admin.alter_configs([ConfigResource("TOPIC", name, each) for name, each in settings.items()])


def _members(kafka) -> set[bytes]:
    """The customers with a membership record."""
    latest = {each.key: each.value for each in read(kafka.address, "segment-memberships")}
    return {key for key, value in latest.items() if value is not None and key is not None}


@pytest.mark.timeout(200)
def test_an_upgrade_of_the_code_loses_and_doubles_nothing(kafka, fresh_topics, spawn, environment, tmp_path):
    """Two workers are replaced one by one by another version, in one group and amid a backlog: the flips are the replay's."""
    fresh_topics(4)
    group = environment["SEGMENTS_GROUP"]
    newer = {"PYTHONPATH": str(_another_version(tmp_path / "newer", "9.9.9"))}
    produce(kafka.address, Shop(seed=6, customers=200).events(12_000, now() - 30 * DAY, 60_000))
    slow = EVENT_CLOCK | {"SEGMENTS_MAX_BATCH": "5", "SEGMENTS_COMMIT_INTERVAL": "0"}
    names = [{"SEGMENTS_WORKER_NAME": f"{group}-{number}"} for number in range(2)]
    workers = [spawn("worker", env=slow | name) for name in names]
    for worker in workers:
        wait_until_ready(worker)
    seen = []
    for place, name in enumerate(names):
        seen.append(len(read(kafka.address, "segment-events")))
        stop(workers[place])
        workers[place] = spawn("worker", env=slow | name | newer)
        wait_until_ready(workers[place])
        versions = sorted(_version(worker) for worker in workers)
        assert versions == (["0.1.0", "9.9.9"] if place == 0 else ["9.9.9", "9.9.9"])
    wait_until_caught_up(kafka.address, group)
    for worker in workers:
        stop(worker)
    flips = actual(kafka.address)
    assert seen[1] < sum(map(len, flips.values())), "the backlog was over before the upgrade"
    assert_same(expected(kafka.address), flips)


def _another_version(folder: Path, version: str) -> Path:
    """The same code with another version: what pip would install."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    about = folder / f"segments-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: segments\nVersion: {version}\n")
    return folder


def _version(worker) -> str:
    names = [name for name in scrape(worker) if name.startswith("segments_build_info")]
    return names[0].partition('version="')[2].partition('"')[0]
