"""A broker with TLS, passwords, client certificates and ACLs: what is documented is enough, and what is missing is named."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.errors import AuthorizationError

from streams.errors import LoginRefused
from streams.kafka import group, topics
from streams.kafka.permissions import NotAllowed, require_allowed
from streams.settings.settings import read_settings
from tests.integration.secure_broker import PASSWORDS, Allowed, SecureBroker, allow, documented
from tests.integration.worker_control import address_of, stop, wait_until, wait_until_ready
from tests.unit.repository import ROOT

GROUP = "guarded"
TOKEN = "open-sesame-5511"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[SecureBroker]:
    """The broker, with the topics of schemas/README.md; nobody is allowed anything yet."""
    broker = SecureBroker(tmp_path_factory.mktemp("secure"))
    broker.start()
    broker.enroll()
    with broker.admin() as admin:
        topics.make(admin, topics.TOPICS, 2, 1, 730 * topics.DAY)  # as the shipped rules remember
    yield broker
    broker.kill()


def allowed(broker: SecureBroker, **users: list[Allowed]) -> None:
    """Give users exactly these."""
    with broker.admin() as admin:
        for user, what in users.items():
            allow(admin, user, what)


@pytest.fixture
def settings(guarded, environment, monkeypatch):
    """The settings of a user: `settings("worker", SEGMENTS_GROUP="other")`."""

    def read(user: str, **more: str):
        for name, value in {**environment, **guarded.settings(user), "SEGMENTS_GROUP": GROUP, **more}.items():
            monkeypatch.setenv(name, value)
        return read_settings()

    return read


def view(customer: str, number: int) -> str:
    """A page view as a line."""
    event = {"event_id": f"{customer}-{number}", "customer_id": customer, "kind": "page_view"}
    return json.dumps(event | {"occurred_at": int((time.time() - 86_400 * (3 - number)) * 1000)}) + "\n"


@pytest.mark.timeout(180)
def test_with_the_documented_acls_everything_works(guarded, spawn, run, config, receiver, tmp_path):
    """Workers by password and by certificate, shop, subscriber, operator and deliverer: each with its rows of the table and no more."""
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    served = {
        "SEGMENTS_GROUP": GROUP,
        "SEGMENTS_HTTP_HOST": "0.0.0.0",
        "SEGMENTS_HTTP_TOKEN_FILE": str(token),
    }
    first = documented("worker") + documented("deployer")
    allowed(guarded, worker=first, certified=documented("worker"), plain=documented("shop"))
    workers = []
    for user in ("worker", "certified"):
        # The first one deploys its rules; the second one may not, and need not.
        workers.append(spawn("worker", "--log-level", "debug", env=guarded.settings(user) | served))
        wait_until_ready(workers[-1])
    plain = guarded.settings("plain") | served
    views = "".join(view(customer, number) for number in range(3) for customer in ("ada", "bob"))
    sent = run("produce", "clickstream", env=plain, stdin=views + view("early", 9))
    assert sent.returncode == 0, sent.stderr

    allowed(guarded, plain=documented("subscriber"))

    wait_until("two enters", lambda: len(_lines(run, plain)) == 2, 40)
    assert {event["segment"] for event in _lines(run, plain)} == {"three_visits_without_conversion"}

    allowed(guarded, plain=documented("operator"))
    for arguments in (("topics", "check"), ("why", "ada"), ("dead-letters", "retry", "--yes")):
        done = run(*arguments, env=plain)
        assert done.returncode == 0, (arguments, done.stderr)
    assert "1 sent again" in done.stdout
    without = run("why", "ada", env=plain | {"SEGMENTS_HTTP_TOKEN_FILE": None})
    assert (without.returncode, "SEGMENTS_HTTP_TOKEN" in without.stderr) == (1, True)
    assert "segments_build_info" in _page(f"{address_of(workers[0]).replace('0.0.0.0', '127.0.0.1')}/metrics")

    allowed(guarded, plain=documented("deliver"))
    delivering = spawn(
        "deliver",
        config(crm={"url": receiver.url}),
        env=guarded.settings("plain") | {"SEGMENTS_GROUP": GROUP},
    )
    receiver.wait(2)
    stop(delivering)

    shown = run("settings", env=plain).stdout
    for worker in workers:
        stop(worker)
        for secret in (*PASSWORDS.values(), TOKEN):
            assert secret not in worker.stderr + worker.stdout + shown
    _forget(guarded, run)


def _forget(guarded, run) -> None:
    """Reset with its own rows beside those of a worker, and not without."""
    mine = {"SEGMENTS_GROUP": GROUP, "SEGMENTS_RULES": str(ROOT / "segments")}
    mine |= guarded.settings("worker")
    refused = run("reset", "--yes", env=mine)
    assert (refused.returncode, "segment-memberships" in refused.stderr) == (1, True), refused
    allowed(guarded, worker=documented("worker") + documented("reset"))
    forgotten = run("reset", "--yes", env=mine)
    assert (forgotten.returncode, "2 memberships forgotten" in forgotten.stdout) == (0, True), forgotten


def _lines(run, environment) -> list[dict]:
    done = run("consume", "segment-events", "--from-beginning", "--until-end", env=environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.timeout(120)
def test_each_acl_that_is_missing_is_named(guarded, settings):
    """Take one row's operation away at a time: the check names it, what it is on, and the command that gives it back."""
    group = "checked"
    with guarded.admin() as admin:
        topics.make(admin, [topics.changelog(group), topics.transfers(group)], 2, 1)
    every = [each for each in documented("worker", group) if each.operation != "CREATE"]
    own = settings("worker", SEGMENTS_GROUP=group)
    allowed(guarded, worker=every)
    _eventually(lambda: require_allowed(own) is None)
    seen = [
        Allowed("TOPIC", name, "DESCRIBE") for name in {each.name for each in every if each.kind == "TOPIC"}
    ]
    for missing in every:
        allowed(guarded, worker=[*seen, *(each for each in every if each is not missing)])
        said = _eventually(lambda: _refusal(own))
        named = rf"missing ACL: {missing.operation} on .*{re.escape(missing.name)}: .*--operation"
        assert re.search(named, said), (missing, said)
        assert said.count("missing ACL") == 1
    allowed(guarded, worker=seen)
    _eventually(lambda: _may_not_ask(own))


def _may_not_ask(own) -> bool:
    """Who may not see the members of a group is refused, not told that there are none."""
    try:
        group.require_stopped(own)
    except AuthorizationError:
        return True
    return False


def _eventually(ask):
    """The broker takes new ACLs in a moment after it has confirmed them."""
    deadline = time.monotonic() + 5
    while not (answer := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


def _refusal(own) -> str:
    try:
        require_allowed(own)
    except NotAllowed as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("missing", "instead"),
    [("TRANSACTIONAL_ID", "DESCRIBE"), ("GROUP", "DESCRIBE"), ("TOPIC", "DESCRIBE")],
)
@pytest.mark.timeout(90)
def test_a_worker_without_an_acl_ends_at_once(guarded, spawn, missing, instead):
    """It ends with 1 within seconds, naming the ACL: also those that only the first commit or the group itself tells of."""
    group = f"refused-{missing.lower()}"
    every = documented("worker", group)
    lacking = next(each for each in every if each.kind == missing and each.operation in ("READ", "WRITE"))
    rest = [each for each in every if each is not lacking]
    allowed(guarded, worker=[*rest, Allowed(missing, lacking.name, instead, lacking.prefixed)])
    worker = spawn("worker", env=guarded.settings("worker") | {"SEGMENTS_GROUP": group})
    assert worker.wait(40) == 1, worker.stderr
    assert f"missing ACL: {lacking.operation} on" in worker.stderr, worker.stderr
    assert lacking.name in worker.stderr.partition("missing ACL")[2].splitlines()[0]


def test_a_login_that_fails_is_no_broker_that_is_away(settings, tmp_path):
    """A wrong password, a missing certificate and an unknown authority are named, and nobody waits for them to pass."""
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    with pytest.raises(LoginRefused, match=r"credentials.*SEGMENTS_SASL_PASSWORD_FILE"):
        require_allowed(settings("worker", SEGMENTS_SASL_PASSWORD_FILE=str(wrong)))
    with pytest.raises(LoginRefused, match="SEGMENTS_TLS_CA_FILE"):
        require_allowed(settings("worker", SEGMENTS_TLS_CA_FILE=""))
    nothing = dict.fromkeys(("SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD_FILE"), "")
    with pytest.raises(LoginRefused, match="SEGMENTS_TLS_CERT_FILE"):
        require_allowed(
            settings(
                "certified",
                SEGMENTS_TLS_CERT_FILE="",
                SEGMENTS_TLS_KEY_FILE="",
                **{f"SEGMENTS_{name}": value for name, value in nothing.items()},
            )
        )


def test_no_secret_is_read_from_two_places(run, tmp_path):
    """A token in the environment and in a file at once is refused, and so is an empty file."""
    token = Path(tmp_path / "token")
    token.write_text("\n")
    both = run("settings", env={"SEGMENTS_HTTP_TOKEN": TOKEN, "SEGMENTS_HTTP_TOKEN_FILE": str(token)})
    assert (both.returncode, "came both" in both.stderr, TOKEN in both.stderr) == (1, True, False)
    empty = run("settings", env={"SEGMENTS_HTTP_TOKEN_FILE": str(token)})
    assert (empty.returncode, "came nothing" in empty.stderr) == (1, True)
