"""A profile source goes live by a deployment, while a worker runs that was started without it."""

import json
import time

import pytest

from tests.integration.worker_control import stop, wait_until, wait_until_ready

pytestmark = pytest.mark.timeout(180)

RULE = '''"""Worth writing to: an adult, and worth over a thousand by the score of a model."""

from segments.language import Segment, profile

worthy = Segment(
    en="An adult worth over 1000",
    nl="Een volwassene van meer dan 1000 waard",
    when=[profile("age") >= 18, profile("clv") > 1000],
    examples="""
    0d  profile age=30 clv=1200     enters
    1d  profile age=30 clv=900      leaves
    2d  profile age=17 clv=1200
    """,
)
'''


def test_a_source_is_read_from_its_beginning_without_a_restart(run, spawn, fresh_topics, tmp_path):
    """A score written before and after the deployment counts beside the age; a null of the source erases."""
    fresh_topics(2)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "worthy.py").write_text(RULE)
    env = {"SEGMENTS_RULES": str(rules), "SEGMENTS_SESSION_TIMEOUT": "6000"}
    scored = env | {"SEGMENTS_PROFILE_SOURCES": "scores"}
    now = time.time_ns() // 1_000_000

    def call(*arguments, env=scored, stdin="", code=0):
        done = run(*arguments, env=env, stdin=stdin)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def sent(topic, customer, at, **attributes):
        line = {"event_id": f"{topic}{at}", "customer_id": customer, "occurred_at": now + at}
        call("produce", topic, stdin=json.dumps(line | {"attributes": attributes}))

    def flips():
        lines = call("consume", "segment-events", "--from-beginning", "--until-end").splitlines()
        return [(each["customer_id"], each["transition"], each["reason"]) for each in map(json.loads, lines)]

    worker = spawn("worker", env=env)
    wait_until_ready(worker)
    missing = call("deploy", "--yes", "--settings", code=1)
    assert "profiles-scores: missing: create it with `segments topics create`" in missing
    assert "created  profiles-scores" in call("topics", "create")
    sent("profiles", "ada", -5000, age=30)
    sent("profiles-scores", "ada", -4000, clv=1200)
    assert flips() == []
    call("deploy", "--yes", "--settings")
    wait_until("ada enters", lambda: flips() == [("ada", "enter", "profile")])
    sent("profiles-scores", "ada", -3000, clv=900)
    wait_until("ada leaves", lambda: flips()[1:] == [("ada", "exit", "profile")])
    sent("profiles-scores", "ada", -2000, clv=1300)
    wait_until("ada enters again", lambda: len(flips()) == 3)
    call("erase", "ada")
    wait_until("ada is erased", lambda: flips()[3:] == [("ada", "exit", "erasure")])
    stop(worker)
