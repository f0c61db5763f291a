"""An erasure and a withdrawn consent, from a worker to all that keeps or sends anything of a customer."""

import time
from pathlib import Path

import pytest

from segments.engine import partition_of
from tests.integration.flips import now
from tests.integration.receiver import Reply
from tests.integration.worker_control import scrape, wait_until
from tests.integration.worker_log import produce
from tests.kit.console import address
from tests.kit.records import SEEN, view

TWICE = SEEN.replace("seen =", "twice =").replace(">= 1", ">= 2")
ANN, CAT = "secret-ann", "cat"
ANN_PHONE, CAT_PHONE = (
    next(
        f"secret-phone-{n}" for n in range(99) if partition_of(f"secret-phone-{n}".encode(), 2) != partition_of(of, 2)
    )
    for of in (ANN.encode(), CAT.encode())
)  # fmt: skip


def agrees(customer, given):
    """A profile."""
    at = now()
    return "profiles", customer, {
        "event_id": f"{customer}-{at}", "customer_id": customer, "occurred_at": at, "attributes": {}, "lists": {},
        "consents": {"marketing": given},
    }  # fmt: skip


def link(customer, into):
    """Two ids are one customer."""
    at = now()
    return "identities", customer, {
        "event_id": f"login-{customer}", "customer_id": customer, "into": into, "occurred_at": at, "action": "link",
        "source": None,
    }  # fmt: skip


def holding(folder):
    """The files of the deliverer and the console that have a byte of a secret id: logs of changes are among them."""
    files = [*(folder / "deliver").iterdir(), *folder.glob("console.db*")]
    assert {"crm.db", "console.db"} <= {each.name for each in files}
    return [each.name for each in files if b"secret-" in each.read_bytes()]


@pytest.mark.timeout(180)
def test_nothing_is_left_of_who_was_erased_while_deliveries_waited(
    kafka, fresh_topics, spawn, run, config, receiver, environment, tmp_path
):
    """Erased by another id of theirs: exits of what was tried, id and segment alone; then no file has a byte of them.

    Of another customer a consent is withdrawn under another id, while the enter waits: it is not sent.
    """
    fresh_topics(2)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "seen.py").write_text(SEEN)
    (rules / "twice.py").write_text(TWICE)
    env = {"SEGMENTS_RULES": str(rules)}
    spawn("worker", env=env)
    address(spawn("console", "--port", "0", env=env))
    deliver = spawn("deliver", config(crm={"url": receiver.url, "consent": "marketing"}), env=env)
    away = []
    receiver.choose = lambda _headers, _body: Reply(503, {"Retry-After": "1"}) if away else Reply()

    produce(kafka.address, [agrees(ANN, True), agrees(CAT, True), view(ANN, now())])
    receiver.wait(1)
    away.append("for a while")
    produce(kafka.address, [link(ANN_PHONE, ANN), link(CAT_PHONE, CAT), view(ANN, now()), view(CAT, now())])
    twice = lambda: any(each.body["data"]["segment"] == "twice" for each in receiver.received)  # noqa: E731
    receiver.wait(0, what=twice)
    data = Path(environment["SEGMENTS_DATA_DIR"])
    gauge, refused = (
        f"segments_delivery_{each}" for each in ('waiting_flips{destination="crm"}', "flips_total")
    )
    wait_until("both enters wait", lambda: scrape(deliver)[gauge] == 2)
    wait_until("the console and the deliverer know her", lambda: len(holding(data)) >= 2)

    produce(kafka.address, [agrees(CAT_PHONE, False)])
    assert run("erase", ANN_PHONE, env=env).stderr.count("a null was written") == 2
    before = len(receiver.received)
    away.clear()
    wait_until("both exits were taken", lambda: len(receiver.taken) == 3)
    wait_until("nothing waits", lambda: scrape(deliver)[gauge] == 0)
    assert scrape(deliver)[refused + '{destination="crm",outcome="no_consent"}'] == 1
    assert [each.customer for each in receiver.taken] == [ANN] * 3
    after = [each for each in receiver.received[before:] if each.customer == ANN]
    assert {each.kind for each in after} == {"segment.exit"}
    bodies = [each.body["data"] for each in receiver.taken[1:]]
    assert sorted(bodies, key=lambda each: each["segment"]) == [
        {"customer_id": ANN, "segment": "seen"}, {"customer_id": ANN, "segment": "twice"},
    ]  # fmt: skip

    wait_until("no file has a byte of her", lambda: not holding(data), 15)
    page = tmp_path / "report.html"
    told = run("report", "--html", str(page), env=env)
    assert told.returncode == 0, told.stderr
    assert "secret-" not in told.stdout + page.read_text() + deliver.stderr
    time.sleep(1)
    assert len(receiver.taken) == 3
