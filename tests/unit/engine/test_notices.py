"""Records that are accepted and do not do what their sender may have meant are said, wherever somebody looks."""

import io
import json
import logging
import math
from types import SimpleNamespace

import pytest

import schemas
from segments.engine import NOTICES, Effects, Notice, Refusal, notice_text
from segments.insight.tally import Tally
from streams.cli.consume import line_of
from streams.cli.doubts import Doubts
from streams.clock import wall_clock
from streams.history.files import read_log
from streams.settings.settings import Settings, read_settings
from streams.worker import notices
from streams.worker.notices import Notices

DAY = 86_400_000


def log(line: dict[str, object]) -> io.BytesIO:
    """A file of one line."""
    file = io.BytesIO(json.dumps(line).encode())
    file.name = "log"
    return file


def notice(kind: str, offset: int, key: bytes = b"c") -> Notice:
    """A notice about a record of the clickstream."""
    return Notice(kind, "clickstream", offset, key)


@pytest.mark.parametrize("kind", NOTICES)
def test_each_kind_has_words(kind: str) -> None:
    """With the number of records."""
    assert notice_text(kind, 1).endswith(": 1 record")
    assert notice_text(kind, 2_000).endswith(": 2,000 records")


def test_the_log_says_a_kind_once_in_a_while(monkeypatch, caplog) -> None:
    """At once, with the first offset, and a minute later how many more there were; another kind has its own minute."""
    now = [100.0]
    monkeypatch.setattr(notices, "time", SimpleNamespace(monotonic=lambda: now[0]))
    noticed = Notices(3)
    with caplog.at_level(logging.WARNING):
        noticed.note([notice("too_old", 7), notice("too_old", 8)])
        now[0] += 59
        noticed.note([notice("too_old", 9), notice("erased_nobody", 10)])
        now[0] += 1
        noticed.note([notice("too_old", 11)])
    assert [record.getMessage() for record in caplog.records] == [
        "clickstream-3: too old for every rule: 2 records; the first of them is at offset 7",
        f"clickstream-3: {NOTICES['erased_nobody']}: 1 record; the first of them is at offset 10",
        "clickstream-3: too old for every rule: 2 records; the first of them is at offset 9",
    ]


def test_how_many_of_a_customer_were_too_old_is_known(monkeypatch) -> None:
    """Of the customers seen last; what is kept of them is bounded."""
    monkeypatch.setattr(notices, "KEPT", 2)
    noticed = Notices(0)
    noticed.note([notice("too_old", 1, b"a"), notice("too_old", 2, b"b"), notice("erased_nobody", 3, b"b")])
    noticed.note([notice("too_old", 4, b"a"), notice("too_old", 5, b"c")])
    assert [noticed.too_old(key) for key in (b"a", b"b", b"c")] == [2, 0, 1]


def test_a_run_over_files_says_it() -> None:
    """One line for each kind, as `replay`, `try` and `why --file` print them."""
    tally = Tally()
    tally.note(Effects(notices=[notice("too_old", 1), notice("too_old", 2), notice("currency_case", 3)]))
    assert list(tally.lines()) == [
        "transactions whose currency is not in capital letters: events, but no money: 1 record",
        "too old for every rule: 2 records",
    ]


@pytest.fixture
def settings(monkeypatch, tmp_path) -> Settings:
    """Rules that look back seven days."""
    (tmp_path / "seen.py").write_text(
        '"""Seen."""\n\nfrom segments.language import Segment, page_view\n\n'
        'seen = Segment(en="Seen", nl="Gezien", when=page_view.within(days=7).count() >= 1)\n'
    )
    monkeypatch.setenv("SEGMENTS_RULES", str(tmp_path))
    return read_settings()


def test_produce_tells_what_is_too_old(settings) -> None:
    """Older than the longest window of the rules; a profile never is."""
    doubts = Doubts(settings, "clickstream")
    for age in (6 * DAY, 8 * DAY, 9 * DAY):
        doubts.look({"kind": "page_view", "occurred_at": wall_clock() - age})
    assert list(doubts.lines()) == [
        "too old for every rule: 2 records: over 7 days old, workers that are caught up ignore them"
    ]
    profiles = Doubts(settings, "profiles")
    profiles.look({"occurred_at": 0})
    assert list(profiles.lines()) == []


def test_produce_tells_a_currency_in_lower_case(settings) -> None:
    """Of transactions whose currency would be money in capital letters."""
    doubts = Doubts(settings, "transactions")
    for currency in ("eur", "EUR", "usd", "Eur"):
        doubts.look({"kind": "purchase", "occurred_at": wall_clock(), "currency": currency})
    assert list(doubts.lines()) == [
        "transactions whose currency is not in capital letters: events, but no money: 2 records (write EUR)"
    ]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_no_word_for_is_printed_and_refused(number: float) -> None:
    """`consume` prints the profile with the reason, and a replay of that line refuses it for the same reason."""
    event = {"event_id": "e", "customer_id": "c", "occurred_at": 1, "consents": {}}
    value = schemas.encode("Profile", event | {"attributes": {"score": number, "age": 4.0}})
    record = SimpleNamespace(topic="profiles", partition=0, offset=5, timestamp=1, key=b"c", value=value)
    line = line_of(record)
    assert line["attributes"] == {
        "score": str(number).replace("nan", "NaN").replace("inf", "Infinity"),
        "age": 4.0,
    }
    assert line["error"] == f"not_finite: attributes.score is {number}"
    (read,) = read_log([log({name: each for name, each in line.items() if name != "partition"})])[0][
        "profiles"
    ]
    assert isinstance(read.event, Refusal)
    assert read.event.reason == "not_finite"


@pytest.mark.parametrize(("count", "long"), [(200, False), (300, True)])
def test_a_line_that_is_a_long_record_is_refused_by_a_replay(count: int, long: bool) -> None:
    """Over a megabyte of Avro it is too long, as it is for the workers, though each of its texts is short."""
    attributes = {f"a{number}": "x" * 4_000 for number in range(count)}
    line = {
        "topic": "clickstream",
        "event_id": "e",
        "customer_id": "c",
        "occurred_at": 1,
        "kind": "page_view",
    }
    (read,) = read_log([log(line | {"attributes": attributes})])[0]["clickstream"]
    assert read.value is not None
    assert (len(read.value) > 1_048_576) == long
