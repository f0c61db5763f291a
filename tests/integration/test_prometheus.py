"""A real Prometheus over real workers: it loads the rules, and every panel of the dashboard has something to show."""

import math
import subprocess
import threading
import time

import pytest

from deploy.grafana.panels import ROWS
from deploy.prometheus.install import programs
from tests.integration.prometheus_server import RULES, prometheus
from tests.integration.worker_control import address_of, wait_until, wait_until_ready
from tests.integration.worker_log import Shop, produce, send

OF_DELIVERY = "Do the tools hear of it?"
"""The row of panels about `segments deliver`, which does not run here."""

WINDOW = 25
"""Seconds of load that the panels show."""


def now() -> int:
    """Return milliseconds since 1970."""
    return int(time.time() * 1000)


def test_each_alert_fires_and_is_silent_as_its_tests_say():
    """`promtool test rules`, a case in which it fires and one in which it doesn't for each alert."""
    told = subprocess.run(
        [programs() / "promtool", "test", "rules", "segments.tests.yaml"],
        cwd=RULES.parent, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_rules_are_well_formed():
    """`promtool check rules` finds nothing, not even a name that breaks the conventions."""
    told = subprocess.run(
        [programs() / "promtool", "check", "rules", "--lint-fatal", RULES],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.timeout(150)
def test_every_panel_shows_something_and_no_alert_is_wrong(kafka, fresh_topics, spawn, tmp_path) -> None:
    """Two workers under load, scraped each second: no rule fails, no alert wakes anybody, no panel is empty."""
    fresh_topics(4)
    workers = [spawn("worker"), spawn("worker")]
    for worker in workers:
        wait_until_ready(worker)
    targets = [address_of(worker).removeprefix("http://") for worker in workers]
    ended = threading.Event()
    producing = threading.Thread(target=load, args=(kafka.address, ended))
    with prometheus(tmp_path, targets) as server:
        producing.start()
        try:
            wait_until("all is scraped", lambda: server.value('count(up{job="segments"} == 1)') == 2, 20)
            time.sleep(WINDOW)
            empty = [
                f"{row} {panel.title}: {query}"
                for row, panels in ROWS.items()
                if row != OF_DELIVERY
                for panel in panels
                for query in map(asked, panel.queries.values())
                if not shows(server, query)
            ]
            rules = [rule for group in server.get("rules")["groups"] for rule in group["rules"]]
            firing = server.get("query", query='ALERTS{alertstate="firing", severity!="info"}')["result"]
        finally:
            ended.set()
            producing.join()
    assert empty == []
    assert len(rules) > 25
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}
    # Bad records are a part of the load.
    assert {each["metric"]["alertname"] for each in firing} <= {"SegmentsDeadLetters"}


def load(address: str, ended: threading.Event) -> None:
    """Events of the last hour, so that flips by time are due soon, with some that are broken."""
    shop, start = Shop(seed=6, customers=100), now() - 3_600_000
    while not ended.is_set():
        produce(address, shop.events(200, start, 1_000), rate=200)
        send(address, [("clickstream", b"broken", b"c1")])
        start += 200_000
        if start > now() - 400_000:
            start = now() - 3_600_000


def asked(query: str) -> str:
    """A query as Grafana sends it, with its variables filled in."""
    return query.replace("$__rate_interval", "5s").replace("$job", "segments")


def shows(server, query: str) -> bool:
    """Whether a panel would draw anything."""
    found = server.series(query, WINDOW)
    return any(math.isfinite(float(value)) for each in found for _, value in each["values"])
