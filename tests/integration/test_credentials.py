"""Passwords and certificates that are replaced while a worker runs, as whoever rotates them does it."""

import time

import pytest
from kafka.admin import UserScramCredentialUpsertion

from streams.kafka import topics
from tests.integration.secure_broker import PASSWORDS, SecureBroker, allow, documented
from tests.integration.worker_control import ready, stop, wait_until, wait_until_ready

pytestmark = pytest.mark.timeout(300)

GROUP = "rotated"


def rotated(broker, password):
    """Give the SCRAM user another password."""
    with broker.admin() as admin:
        admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("worker", "SCRAM-SHA-512", password)]
        )


def test_a_password_is_read_again_and_a_refused_login_ends_the_worker(tmp_path, spawn):
    """With a new password in the file all connections are made anew with it; with one that is refused the worker ends."""
    broker = SecureBroker(tmp_path / "secure")
    broker.start()
    try:
        broker.enroll()
        with broker.admin() as admin:
            topics.make(admin, topics.TOPICS, 2, 1)
            allow(admin, "worker", [*documented("worker", GROUP), *documented("deployer", GROUP)])
        env = broker.settings("worker") | {"SEGMENTS_GROUP": GROUP}
        file = tmp_path / "password"
        file.write_text(PASSWORDS["worker"] + "\n")
        env["SEGMENTS_SASL_PASSWORD_FILE"] = str(file)
        worker = spawn("worker", env=env)
        wait_until_ready(worker)

        rotated(broker, "second-43")
        file.write_text("second-43\n")
        broker.kill()
        wait_until("it is not ready", lambda: not ready(worker)["ready"], 60)
        broker.start()
        wait_until_ready(worker, 90)
        assert worker.process.poll() is None

        rotated(broker, "third-44")
        broker.kill()
        time.sleep(1)
        broker.start()
        assert worker.wait(90) == 1, worker.stderr
        said = worker.stderr.partition("the worker ends after a failure: ")[2].splitlines()[0]
        assert "can't be used" in said
        assert "SEGMENTS_SASL_PASSWORD_FILE" in said
        for secret in ("second-43", "third-44", PASSWORDS["worker"]):
            assert secret not in worker.stderr
        file.write_text("third-44\n")
        again = spawn("worker", env=env)
        wait_until_ready(again, 90)
        stop(again)
    finally:
        broker.kill()
