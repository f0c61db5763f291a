"""The demo's input: what the sources say is kept, what is invented is the same each time. No network."""

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

import schemas
from deploy.demo import cdnow, ecom
from deploy.demo.errors import SourceError
from deploy.demo.history import EVERYBODY, Slice, moved, ordered
from deploy.demo.invent import DAY, HOUR, Line
from deploy.demo.invented import invented
from deploy.demo.sources import Source, fetch, read_lines

NOW = 1_800_000_000_000

CDNOW_ROWS = [
    " customer_id  date number_of_cds  dollar_value",
    " 00001 19970101  1   11.77",
    " 00002 19970112  1   12.00",
    " 00002 19970112  5   77.00",
    " 00003 19970102  2   20.7",
    " 00003 19980528  1    0.00",
]
ECOM_HEADER = "user_id,session_id,event,timestamp,platform,acquisition_channel,user_cohort,user_lifecycle"


def clicks(*events: str, user: int = 0) -> list[str]:
    """Rows of the clickstream, one event a minute."""
    return [
        f"user_{user:04d},sess_000001,{event},2024-03-13 10:{minute:02d}:14,desktop,email,2024-01,returning"
        for minute, event in enumerate(events)
    ]


def weeks(user: int) -> list[str]:
    """Rows of half a year: a view and a purchase each week."""
    end = "mobile,social,x,new"
    return [
        f"user_{user:04d},s{month}-{day},{event},2024-{month:02d}-{day:02d} 10:00:{second},{end}"
        for month in range(1, 7)
        for day in (1, 8, 15, 22)
        for second, event in ((10, "product_view"), (50, "purchase"))
    ]


def everything() -> list[Line]:
    """A small history of both sources with what is invented for it."""
    rows = [ECOM_HEADER, *(row for user in range(40) for row in weeks(user))]
    bought = [f" {number:05d} 1997{month:02d}11 1 10.00" for number in range(40) for month in range(1, 13)]
    return ordered(
        [*moved(cdnow.purchases(bought), NOW, EVERYBODY), *moved(ecom.events(rows), NOW, EVERYBODY)]
    )


def wheel(folder: Path, member: str, content: bytes) -> tuple[Path, Source]:
    """A package of our own with one file in it, and the source that describes it truly."""
    path = folder / "little-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path, Source("little", "1.0", path.name, digest, member, hashlib.sha256(content).hexdigest())


def customers(lines: Iterable[Line]) -> set[str]:
    """The ids of the customers in these lines."""
    return {line["customer_id"] for line in lines}


def test_cdnow_keeps_who_bought_when_how_much() -> None:
    """Customer, day, number of CDs and amount of each purchase are those of the source."""
    lines = list(cdnow.purchases(CDNOW_ROWS))
    assert [line["customer_id"] for line in lines] == [f"cdnow-0000{n}" for n in (1, 2, 2, 3, 3)]
    assert [line["amount"] for line in lines] == ["11.77", "12.00", "77.00", "20.70", "0.00"]
    assert [line["items"][0]["quantity"] for line in lines] == [1, 1, 5, 2, 1]
    midnight = 852_076_800_000  # 1997-01-01
    assert [(line["occurred_at"] - midnight) // DAY for line in lines] == [0, 11, 11, 1, 512]


def test_cdnow_times_of_day_are_invented_within_shop_hours() -> None:
    """Purchases of one day have different times, all from eight to eleven at night, the same on each run."""
    lines = list(cdnow.purchases(CDNOW_ROWS))
    assert all(8 * HOUR <= line["occurred_at"] % DAY < 23 * HOUR for line in lines)
    assert lines[1]["occurred_at"] != lines[2]["occurred_at"]
    assert lines == list(cdnow.purchases(CDNOW_ROWS))


def test_each_event_of_the_clickstream_has_a_kind() -> None:
    """All nineteen names of the source become a click or a purchase, clicks with the original name kept."""
    names = [*ecom.KINDS, ecom.PURCHASE]
    lines = list(ecom.events([ECOM_HEADER, *clicks(*names)]))
    assert len(names) == 19
    assert [line["attributes"]["source_event"] for line in lines if line["topic"] == "clickstream"] == names[
        :-1
    ]
    assert [line["topic"] for line in lines].count("transactions") == 1
    assert {"page_view", "product_view", "search", "cart_add", "checkout", "login", "support_contact"} <= {
        line["kind"] for line in lines
    }


def test_a_purchase_pays_for_the_cart() -> None:
    """What was put into the cart is what is bought, once, and the amount is the sum of its prices."""
    rows = clicks("product_view", "add_to_cart", "product_view", "add_to_cart", "purchase", "purchase")
    lines = list(ecom.events([ECOM_HEADER, *rows]))
    added = [line["product_id"] for line in lines if line["kind"] == "cart_add"]
    first, second = (line for line in lines if line["kind"] == "purchase")
    assert [item["product_id"] for item in first["items"]] == added
    assert sum(float(item["price"]) for item in first["items"]) == pytest.approx(float(first["amount"]))
    assert len(second["items"]) == 1


def test_clicks_come_in_order_of_time() -> None:
    """Sessions that overlap in the source are interleaved, not put one after the other."""
    rows = [ECOM_HEADER, *clicks("home", "catalog"), *clicks("home", "search", user=7)]
    lines = list(ecom.events(rows))
    assert [line["occurred_at"] for line in lines] == sorted(line["occurred_at"] for line in lines)
    assert [line["customer_id"] for line in lines] == ["ecom-0000", "ecom-0007"] * 2


def test_the_history_ends_now_and_is_in_order() -> None:
    """Each source's last event is at `now`, and time never goes back."""
    lines = everything()
    instants = [line["occurred_at"] for line in lines]
    assert instants == sorted(instants)
    for source in ("cdnow-", "ecom-"):
        assert max(line["occurred_at"] for line in lines if line["customer_id"].startswith(source)) == NOW


def test_event_ids_are_unique_within_a_topic() -> None:
    """No two events of a topic share an id: the engine would take the second for a duplicate."""
    ids = [(line["topic"], line["event_id"]) for line in everything()]
    assert len(ids) == len(set(ids))


def test_what_is_invented_says_so() -> None:
    """Refunds, mails and profiles, and nothing else, have ids that begin with `invented-`."""
    lines = everything()
    labelled = {line.get("kind", "profile") for line in lines if line["event_id"].startswith("invented-")}
    assert labelled == {"refund", "email_open", "profile"}
    assert not [
        line
        for line in lines
        if line.get("kind", "profile") in labelled and not line["event_id"].startswith("invented-")
    ]


def test_refunds_are_of_purchases_that_were_made() -> None:
    """A refund has the order and amount of an earlier purchase of the same customer."""
    lines = everything()
    bought = {line["order_id"]: line for line in lines if line.get("kind") == "purchase"}
    refunds = [line for line in lines if line.get("kind") == "refund"]
    assert refunds
    for refund in refunds:
        purchase = bought[refund["order_id"]]
        assert (purchase["customer_id"], purchase["amount"]) == (refund["customer_id"], refund["amount"])
        assert purchase["occurred_at"] < refund["occurred_at"] <= NOW


def test_a_slice_has_whole_customers() -> None:
    """A smaller history has fewer customers, each with all of their events, and the same ones each time."""
    lines = list(cdnow.purchases([f" {number:05d} 19970111 1 10.00" for number in range(500)] * 2))
    some = list(moved(lines, NOW, Slice(cdnow=20)))
    assert 50 < len(customers(some)) < 150
    assert customers(some) == customers(moved(lines, NOW, Slice(cdnow=20)))
    purchases = [line for line in some if line["topic"] == "transactions" and line["kind"] == "purchase"]
    assert len(purchases) == 2 * len(customers(some))


def test_every_line_is_a_record_of_its_topic() -> None:
    """Each line is accepted by the schema of its topic, and comes back from Avro as it went in."""
    for line in [*everything(), *cdnow.purchases(CDNOW_ROWS)]:
        name = schemas.RECORD_OF_TOPIC[line["topic"]]
        record = schemas.from_json(name, {field: value for field, value in line.items() if field != "topic"})
        assert schemas.decode(name, schemas.encode(name, record)) == record


def test_nothing_is_invented_for_nobody() -> None:
    """An empty history stays empty."""
    assert list(invented([])) == []
    assert list(moved([], NOW, EVERYBODY)) == []


def test_a_data_set_is_read_out_of_its_wheel(tmp_path: Path) -> None:
    """The lines of the file in the wheel, if both have the checksums expected."""
    path, source = wheel(tmp_path, "little/data.txt", b"one\r\ntwo\r\n")
    assert read_lines(source, path) == ["one", "two"]


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    """A wheel that is not the one pinned is not opened: the message names it, and what to do."""
    path, source = wheel(tmp_path, "little/data.txt", b"one\n")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(SourceError, match=r"is not little 1\.0 .* delete it and try again"):
        read_lines(source, path)


def test_a_download_that_fails_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a package index the demo says in one line what it wanted and why it could not have it."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SourceError, match="which pip could not download") as caught:
        fetch(tmp_path)
    assert "lifetimes 0.11.3 and retentioneering 5.2.4" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
