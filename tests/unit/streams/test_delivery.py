"""Delivery without a network: the file of destinations, what is sent to whom, order, schedule, what is kept."""

import base64
import ipaddress
import random
from email.utils import format_datetime
from itertools import pairwise

import pytest

from schemas.instants import EPOCH, MILLISECOND
from streams.delivery.config import SCHEDULE, ConfigError, Destination, is_refused, read_config
from streams.delivery.flip import Flip, Place
from streams.delivery.lanes import SOON, Bucket, Lanes, Positions, Waiting
from streams.delivery.ledger import Ledger, delivered
from streams.delivery.policy import Membership, Sent, verdict
from streams.delivery.sending import LONGEST_WAIT, Outcome, answer
from streams.errors import StreamsError

SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
NOW = 1_795_945_203_000
CRM = Destination("crm", "https://crm.example.org", ("s",))


def flip(customer="ann", transition="enter", offset=0, **more):
    """A flip of the segment big, with what delivery looks at."""
    retried = more.pop("retried", False)
    event = {
        "event_id": f"{customer}-{offset}", "customer_id": customer, "segment": "big", "transition": transition,
        "reason": "event", "episode": 1, "occurred_at": 5,
    }  # fmt: skip
    place = Place("segment-events", 0, offset)
    return Flip(event | more, place, place, NOW, b"", retried)


# ---- the file


@pytest.fixture
def config(tmp_path):
    """Reads a file with a section [crm] of these lines."""
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    (tmp_path / "secret").write_text(f"{secret}\n{secret}\n")
    (tmp_path / "short").write_text("whsec_c2hvcnQ=\n")

    def read(*lines):
        (tmp_path / "deliver.toml").write_text("\n".join(["[crm]", *lines]))
        return read_config(tmp_path / "deliver.toml")[0]

    return read


HTTPS = 'url = "https://crm.example.org/hook"'
SECRET = 'secret_file = "secret"'


def test_a_section_is_a_destination(config):
    """Secrets come from a file beside it; a text stands for a list of one."""
    found = config(
        HTTPS, SECRET, 'segments = ["big"]', 'consent = "marketing"', "rate = 5", 'language = "nl"'
    )
    assert (found.name, found.segments, found.consents, found.rate) == ("crm", {"big"}, ("marketing",), 5.0)
    assert len(found.secrets) == 2
    assert "whsec" not in repr(found)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((SECRET,), "url: expected https://"),
        ((HTTPS,), "secret_file: expected a file"),
        (('url = "http://crm.example.org"', SECRET), "plain http goes to the loopback alone"),
        (('url = "https://me:secret@crm.example.org"', SECRET), "a URL holds no secret"),
        (('url = "https://10.0.0.7/hook"', SECRET), "leads to a private network"),
        (('url = "https://[fd00::1]/hook"', SECRET), "leads to a private network"),
        (('url = "https://169.254.169.254/"', SECRET), "leads to a private network"),
        ((HTTPS, 'secret_file = "missing"'), "can't be read"),
        ((HTTPS, 'secret_file = "short"'), "24 to 64 bytes"),
        ((HTTPS, SECRET, 'arms = ["control"]'), "the control group is never sent"),
        ((HTTPS, SECRET, 'also = ["event"]'), "expected some of merged"),
        ((HTTPS, SECRET, "batch = 501"), "from 1 to 500"),
        ((HTTPS, SECRET, 'format = "segment"', "batch = 101"), "at most 100"),
        ((HTTPS, SECRET, 'secret = "whsec_"'), "did you mean secret_file?"),
        ((HTTPS, SECRET, "rate = 0"), "a number from 0.001"),
        ((HTTPS, SECRET, 'allow_private = "yes"'), "true or false"),
    ],
)
def test_a_wrong_file_is_refused_with_section_and_key(config, lines, words):
    """Before anything is sent, and with what to write."""
    with pytest.raises(ConfigError, match=r"\[crm\]") as error:
        config(*lines)
    assert words in str(error.value)


def test_the_loopback_needs_no_tls_and_a_private_network_can_be_allowed(config):
    """For a receiver on this machine, and for one inside of the house."""
    assert config('url = "http://127.0.0.1:8080/hook"', SECRET).url.startswith("http:")
    assert config('url = "http://localhost:8080/hook"', SECRET).url.startswith("http:")
    assert config('url = "https://10.0.0.7/hook"', SECRET, "allow_private = true").allow_private


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("93.184.215.14", False), ("10.1.2.3", True), ("172.16.0.1", True), ("192.168.1.1", True), ("127.0.0.1", False),
        ("169.254.169.254", True), ("100.64.0.1", True), ("0.0.0.0", True), ("224.0.0.1", True), ("::1", False),
        ("fe80::1", True), ("::ffff:10.0.0.1", True), ("2606:4700::1111", False),
    ],
)  # fmt: skip
def test_private_addresses_are_refused(address, refused):
    """Of both families, those in disguise too."""
    assert is_refused(ipaddress.ip_address(address)) is refused


# ---- what is sent to whom

INSIDE = Membership(1, 5, None)


@pytest.mark.parametrize(
    ("one", "sent", "now", "said"),
    [
        (flip(), None, INSIDE, "send"),
        (flip(), None, None, "overtaken"),
        (flip(), None, Membership(3, 9, None), "overtaken"),
        (flip(), None, Membership(1, 6, None), "overtaken"),  # of a new life: the same episode, another instant
        (flip(), None, Membership(1, 5, "control"), "arm"),
        (flip(arm="control"), None, INSIDE, "arm"),
        (flip(arm="treated"), None, INSIDE, "send"),
        *((flip(reason=each), None, INSIDE, "reason") for each in ("merged", "rule_added", "rule_changed")),
        (flip(reason="borders"), None, INSIDE, "send"),
        (flip(transition="exit"), None, None, "never_entered"),
        *((flip(transition="exit", reason=each), Sent(-1, None), None, "send") for each in ("event", "erasure", "merged")),
        (flip(offset=7), Sent(7, "ann-7"), INSIDE, "had"),
        (flip(transition="exit", offset=7), Sent(9, "ann-9"), None, "had"),
        (flip(offset=7, retried=True), Sent(7, "ann-7"), INSIDE, "send"),
        (flip(offset=7, retried=True), Sent(9, "ann-9"), INSIDE, "had"),
        (flip(offset=-1, reason="full"), Sent(9, "ann--1"), INSIDE, "send"),
        (flip(reason="erasure"), None, INSIDE, "overtaken"),  # an enter of who was erased, and workers do not know yet
    ],
)  # fmt: skip
def test_what_is_sent(one, sent, now, said):
    """An enter if it is still so, and not of the control group; an exit if an enter was tried; nothing twice."""
    assert verdict(one, CRM, sent, now, ()) == said


def test_consent_is_asked_of_enters_alone():
    """All consents of the destination must be given; an exit is sent whatever the consent."""
    to = Destination("crm", "", ("s",), consents=("mail", "profiling"))
    assert verdict(flip(), to, None, INSIDE, {"mail"}) == "no_consent"
    assert verdict(flip(), to, None, INSIDE, {"mail", "profiling"}) == "send"
    assert verdict(flip(transition="exit"), to, Sent(-1, None), None, ()) == "send"


def test_reasons_and_arms_can_be_asked_for():
    """`also` lets enters through that nothing happened for; `arms` narrows to experiments."""
    to = Destination("crm", "", ("s",), also=frozenset({"rule_added"}), arms=frozenset({"treated"}))
    assert verdict(flip(reason="rule_added", arm="treated"), to, None, INSIDE, ()) == "send"
    assert verdict(flip(), to, None, INSIDE, ()) == "arm"


# ---- order and schedule


def lanes(window=100):
    """Lanes with the same jitter each time."""
    return Lanes(window, random.Random(7))


def test_the_flips_of_a_customer_go_one_after_another():
    """The first of each customer is taken; the next one when that is settled."""
    waiting, (a, b, c) = (
        lanes(),
        (Waiting(flip(*each)) for each in (("ann", "enter", 0), ("ann", "exit", 1), ("bob",))),
    )
    for each in (a, b, c):
        waiting.add(each)
    assert waiting.next_batch(NOW, 10) == [a, c]
    assert waiting.next_batch(NOW, 10) == []
    waiting.settled(a)
    assert waiting.next_batch(NOW, 10) == [b]
    assert (waiting.held, waiting.room) == (2, 98)


def test_attempts_follow_the_schedule_of_standard_webhooks():
    """5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h after one another, up to a tenth longer; then it is given up."""
    waiting, one, now, tries = lanes(), Waiting(flip()), NOW, []
    waiting.add(one)
    while True:
        assert waiting.next_batch(now, 1) == [one]
        tries.append(now)
        if not waiting.failed(one, now):
            break
        now = waiting.next_at()
        assert waiting.next_batch(now - 1, 1) == []
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert len(tries) == 10
    for pause, planned in zip(pauses, SCHEDULE[1:], strict=True):
        assert planned <= pause <= planned * 1.1
    assert any(pause > planned for pause, planned in zip(pauses, SCHEDULE[1:], strict=True))
    assert DAY * 3 < tries[-1] - tries[0] < DAY * 3.6


def test_who_is_asked_to_come_back_at_once_has_three_days_all_the_same():
    """`Retry-After: 0` uses up no attempt of the schedule before its time, and no attempt follows without a pause."""
    waiting, one, now = lanes(), Waiting(flip()), NOW
    waiting.add(one)
    for _ in range(40):
        assert waiting.next_batch(now, 1) == [one]
        assert waiting.failed(one, now, 0)
        assert SOON <= waiting.next_at() - now <= 1.1 * SOON
        now = waiting.next_at()
    assert (one.step, now - NOW < 5 * SECOND) == (0, True)
    now = NOW + 6 * SECOND
    waiting.next_batch(now, 1)
    assert waiting.failed(one, now, 0)
    assert one.step == 1
    now = NOW + sum(SCHEDULE)
    waiting.next_batch(now, 1)
    assert not waiting.failed(one, now, 0)


def test_who_failed_while_a_destination_was_away_is_due_when_it_is_back():
    """Not at their own instant, hours later. A single customer whose flips fail is not woken by others' successes."""
    away = lanes()
    flips = [Waiting(flip(f"c{each}")) for each in range(4)]
    for each in flips:
        away.add(each)
    now = NOW
    for _ in range(4):
        for each in away.next_batch(now, 10):
            away.failed(each, now)
        now = max(each.due for each in flips)
    (first, *_), back = away.next_batch(now, 1), now
    away.succeeded(back)
    away.settled(first)
    assert len(away.next_batch(back, 10)) == 3

    alone, bad = lanes(), Waiting(flip("bad"))
    alone.add(bad)
    alone.next_batch(NOW, 1)
    alone.failed(bad, NOW)
    alone.succeeded(NOW + HOUR)
    assert alone.next_at() > NOW


def test_an_exit_wakes_the_enter_that_it_overtakes():
    """The enter waits for hours; its exit makes it due, to be dropped."""
    waiting, enter = lanes(), Waiting(flip())
    waiting.add(enter)
    waiting.next_batch(NOW, 1)
    waiting.failed(enter, NOW)
    for offset in (1, 3):
        waiting.add(Waiting(flip(transition="exit", offset=offset)))
    assert waiting.next_batch(NOW, 9) == [enter]
    assert waiting.next_batch(NOW, 9) == []  # woken twice, and under way once


def test_an_exit_does_not_wake_an_enter_that_is_under_way():
    """Else one customer would have two requests at a time; the exit is next when the enter is settled."""
    waiting, enter, exit_ = lanes(), Waiting(flip(), due=NOW), Waiting(flip(transition="exit", offset=1))
    waiting.add(enter)
    assert waiting.next_batch(NOW, 9) == [enter]
    waiting.add(exit_)
    assert waiting.next_batch(NOW, 9) == []
    waiting.settled(enter)
    assert waiting.next_batch(NOW, 9) == [exit_]


def test_a_destination_that_asks_for_a_pause_gets_it():
    """Nobody is sent until then, and it is no attempt."""
    waiting, one, other = lanes(), Waiting(flip()), Waiting(flip("bob"))
    waiting.add(one)
    waiting.add(other)
    waiting.next_batch(NOW, 1)
    assert waiting.throttled(one, NOW, 30 * SECOND)
    assert waiting.next_batch(NOW + 29 * SECOND, 9) == []
    assert waiting.next_at() == NOW + 30 * SECOND
    assert set(map(id, waiting.next_batch(NOW + 30 * SECOND, 9))) == {id(one), id(other)}
    assert one.step == 0


def test_who_is_asked_to_wait_again_and_again_is_given_up_after_three_days():
    """The length of the schedule after the first attempt, however many attempts were made in between."""
    waiting, one, pause = lanes(), Waiting(flip()), SECOND * 3_600
    waiting.add(one)
    tries = 0
    now = NOW
    while waiting.next_batch(now, 1) and waiting.throttled(one, now, pause):
        tries, now = tries + 1, waiting.next_at()
    assert sum(SCHEDULE) <= now - NOW < sum(SCHEDULE) + pause
    assert tries == -(-sum(SCHEDULE) // pause)
    assert one.step == 0


def test_an_outage_is_remembered_over_a_restart():
    """Those who failed before it are due at once when the destination takes something again."""
    again = lanes()
    flips = [
        Waiting(flip(f"c{each}"), 4, 4, NOW + 5 * HOUR, failed_at=NOW - HOUR, failing_since=NOW - HOUR)
        for each in range(4)
    ]
    for each in flips:
        again.add(each)
    fresh = Waiting(flip("new"), due=NOW)
    again.add(fresh)
    assert again.next_batch(NOW, 9) == [fresh]
    again.succeeded(NOW)
    again.settled(fresh)
    assert set(map(id, again.next_batch(NOW, 9))) == set(map(id, flips))


def test_a_bucket_lets_a_burst_through_and_then_its_rate():
    """Ten at once, then five a second; what is not needed comes back."""
    bucket = Bucket(5, 10)
    assert sum(bucket.spend(NOW) for _ in range(20)) == 10
    assert bucket.next_at(NOW) - NOW in range(199, 203)
    assert sum(bucket.spend(NOW + each) for each in range(0, 10 * SECOND, 10)) in (49, 50)
    bucket.give_back(3)
    assert sum(bucket.spend(NOW + 10 * SECOND) for _ in range(9)) in (3, 4)


def test_a_position_is_that_of_the_oldest_that_is_open():
    """However the later ones are settled."""
    positions = Positions()
    places = [Place("t", 0, each) for each in (5, 6, 9)]
    for each in places:
        positions.came(each)
    positions.settled(places[2])
    assert positions.all() == {("t", 0): 5}
    positions.settled(places[0])
    assert positions.all() == {("t", 0): 6}
    positions.settled(places[1])
    assert positions.all() == {("t", 0): 10}


# ---- answers


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "wait"),
    [
        (200, {}, Outcome.TAKEN, None), (204, {}, Outcome.TAKEN, None), (301, {}, Outcome.FAILED, None),
        (400, {}, Outcome.REFUSED, None), (413, {}, Outcome.REFUSED, None), (422, {}, Outcome.REFUSED, None),
        (401, {}, Outcome.FAILED, None), (404, {}, Outcome.FAILED, None), (410, {}, Outcome.DISABLED, None),
        (429, {}, Outcome.THROTTLED, SECOND), (429, {"Retry-After": "7"}, Outcome.THROTTLED, 7 * SECOND),
        (500, {}, Outcome.FAILED, None), (502, {"Retry-After": "9"}, Outcome.FAILED, 9 * SECOND),
        (503, {"Retry-After": format_datetime(EPOCH + (NOW + HOUR) * MILLISECOND, usegmt=True)}, Outcome.THROTTLED, HOUR),
        (503, {"Retry-After": "soon"}, Outcome.FAILED, None),
        (429, {"Retry-After": "999999999"}, Outcome.THROTTLED, LONGEST_WAIT),
    ],
)  # fmt: skip
def test_what_an_answer_means(status, headers, outcome, wait):
    """Taken, tried again, given up, waited for, or the end; `Retry-After` in seconds or as a date, a day at most."""
    found = answer(status, headers, "words", NOW)
    assert found.outcome is outcome
    assert found.wait == wait


# ---- what is kept


@pytest.fixture
def file(tmp_path):
    """The file of a destination."""
    return tmp_path / "deliver" / "crm.db"


def nobody(_customer):
    """Nobody is known."""
    return False


def everybody(_customer):
    """All are known."""
    return True


def test_an_enter_that_was_tried_is_known_after_a_restart(file):
    """So is how often it was tried, and when it is due again; an enter that was not tried is not."""
    ledger = Ledger(file)
    identity = ledger.id
    one = Waiting(flip(offset=4), 3, 2, NOW, failed_at=NOW - 9, failing_since=NOW - 99)
    ledger.trying([one.flip])
    ledger.failed([one])
    ledger.note("held_until", str(NOW + 7))
    ledger.close()
    again = Ledger(file)
    assert again.id == identity
    assert again.sent(one.flip.key) == Sent(3, None)
    assert verdict(flip(transition="exit", offset=3), CRM, again.sent(one.flip.key), None, ()) == "had"
    assert again.sent(("bob", "big", None)) is None
    found = again.waiting(flip(offset=4))
    assert (found.attempts, found.step, found.due) == (3, 2, NOW)
    assert (found.failed_at, found.failing_since, again.held_until) == (NOW - 9, NOW - 99, NOW + 7)
    again.settled([one.flip], delivered=True, known=everybody)
    assert again.sent(one.flip.key) == Sent(4, "ann-4")
    assert again.waiting(one.flip).attempts == 0
    again.close()


def test_one_process_delivers_to_a_destination(file):
    """A second one is refused, and the file is nobody else's to read."""
    ledger = Ledger(file)
    with pytest.raises(StreamsError, match="another process delivers to crm"):
        Ledger(file)
    assert file.stat().st_mode & 0o777 == 0o600
    ledger.close()
    Ledger(file).close()


@pytest.mark.parametrize("taken", [True, False])
def test_nothing_stays_of_who_was_erased(file, taken):
    """Neither rows nor bytes of them, once the exit is settled, and before that no more than the exit needs."""
    ledger = Ledger(file)
    for segment in ("big", "small"):
        ledger.trying([flip("secret-customer", segment=segment)])
    ledger.settled([flip("secret-customer", "exit", 3, segment="small")], delivered=True, known=everybody)
    ledger.failed([Waiting(flip("secret-customer", "exit", 4))])
    ledger.forget("secret-customer")
    assert ledger.sent(("secret-customer", "small", None)) is None
    assert ledger.sent(("secret-customer", "big", None)) is not None
    ledger.settled([flip("secret-customer", "exit", 4)], delivered=taken, known=nobody)
    assert ledger.sent(("secret-customer", "big", None)) is None
    for each in file.parent.iterdir():
        assert b"secret-customer" not in each.read_bytes(), each
    ledger.close()


def test_who_was_erased_meanwhile_is_swept_out_at_a_start(file):
    """But for enters, whose exits are yet to be read."""
    ledger = Ledger(file)
    ledger.trying([flip("ann"), flip("bob")])
    ledger.settled([flip("bob", "exit", 3)], delivered=True, known=everybody)
    ledger.sweep(nobody)
    assert ledger.sent(("bob", "big", None)) is None
    assert ledger.sent(("ann", "big", None)) is not None
    ledger.close()


def test_attempts_of_flips_that_nobody_reads_again_are_forgotten(file):
    """Those before the group's position, and those of a `--full` that did not end; the others are kept."""
    ledger = Ledger(file)
    full = Place("segment-memberships", 0, 99)
    flips = [
        flip(offset=3),
        flip(offset=4),
        Flip({**flip(offset=98).event, "reason": "full"}, full, full, NOW),
    ]
    ledger.failed([Waiting(each, 1, 1, NOW) for each in flips])
    ledger.drop_attempts({("segment-events", 0): 4})
    assert [ledger.waiting(each).attempts for each in flips] == [0, 1, 0]
    ledger.close()


def test_a_file_that_is_none_is_refused_in_words(file):
    """By `deliver`, and by `export`, which reads it; where there is no folder, nobody knows what was sent."""
    assert delivered(file.parent, "ann") is None
    file.parent.mkdir()
    assert delivered(file.parent, "ann") == {}
    file.write_bytes(b"no database" * 1_000)
    for read in (lambda: Ledger(file), lambda: delivered(file.parent, "ann")):
        with pytest.raises(StreamsError, match=r"crm\.db: can't be read .* put a backup in its place"):
            read()


def test_offsets_of_a_topic_that_was_made_anew_count_no_more(file):
    """Else its flips would be taken for those that were had."""
    ledger = Ledger(file)
    ledger.trying([flip(offset=40)])
    ledger.settled([flip(offset=40)], delivered=True, known=everybody)
    ledger.begin_anew({0: 41})
    assert ledger.sent(("ann", "big", None)) == Sent(40, "ann-40")
    ledger.begin_anew({0: 3})
    assert ledger.sent(("ann", "big", None)) == Sent(-1, "ann-40")
    ledger.close()
