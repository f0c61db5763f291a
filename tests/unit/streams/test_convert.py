"""`segments convert`: a shop's own CSV becomes JSON lines that every other command takes."""

import json
from zoneinfo import ZoneInfo

import pytest

from streams.conversion.values import Reading, yes_or_no

pytestmark = pytest.mark.timeout(60)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ORDERS = """klant;datum;bedrag;bestelling
anna@x.nl;2026-11-28;49,95;1001
bob;29-11-2026 14:30;"1.234,50";1002
anna@x.nl;27-11-2026;€ 10;1000
"""
MAP = "customer_id=klant,occurred_at=datum,amount=bedrag,order_id=bestelling"


@pytest.fixture
def convert(run, tmp_path):
    """Converts a text as a file; the lines that came out, and the process."""

    def finish(text, *arguments, encoding="utf-8", **env):
        (tmp_path / "table.csv").write_bytes(text.encode(encoding))
        done = run("convert", str(tmp_path / "table.csv"), *arguments, env=env)
        return [json.loads(line) for line in done.stdout.splitlines()], done

    return finish


def test_rows_become_lines_in_order_of_time(convert):
    """Columns by the map, semicolons and decimal commas told by themselves, dates in the zone of the settings."""
    lines, done = convert(ORDERS, "--map", MAP, "--dates", "day-first", SEGMENTS_TIMEZONE="Europe/Amsterdam")
    assert done.returncode == 0, done.stderr
    assert [
        (each["customer_id"], each["occurred_at"], each["amount"], each["order_id"]) for each in lines
    ] == [
        ("anna@x.nl", "2026-11-26T23:00:00.000Z", "10", "1000"),
        ("anna@x.nl", "2026-11-27T23:00:00.000Z", "49.95", "1001"),
        ("bob", "2026-11-29T13:30:00.000Z", "1234.50", "1002"),
    ]
    assert {(each["topic"], each["kind"], each["currency"]) for each in lines} == {
        ("transactions", "purchase", "EUR")
    }


def test_ids_are_made_from_the_row(convert):
    """The same file gives the same ids again, in another place of the file too; a row that stands twice is two orders."""
    header, first, *rest = ORDERS.splitlines(keepends=True)
    options = ("--map", MAP.replace(",order_id=bestelling", ""), "--dates", "day-first")
    once, _ = convert(ORDERS, *options)
    again, _ = convert("".join([header, *rest, first, first]), *options)
    ids = {each["event_id"] for each in once}
    assert len(ids) == 3
    assert ids < {each["event_id"] for each in again}
    assert len({each["event_id"] for each in again}) == 4
    assert all(each["order_id"] == each["event_id"] for each in again)


def test_what_comes_out_is_taken_by_replay(convert, run, tmp_path):
    """Two orders of one customer go through the engine, and the first purchase is entered."""
    _, done = convert(ORDERS, "--map", MAP, "--dates", "day-first")
    (tmp_path / "orders.jsonl").write_text(done.stdout)
    replayed = run("replay", str(tmp_path / "orders.jsonl"))
    assert "replayed: 3 applied" in replayed.stderr
    flips = [json.loads(line) for line in replayed.stdout.splitlines()]
    assert {each["customer_id"] for each in flips if each["segment"] == "first_purchase"} == {
        "anna@x.nl",
        "bob",
    }


def test_rows_of_one_order_are_its_lines(convert):
    """An order of two rows has two items, and without a column for it the amount is their total."""
    table = (
        "Name,Email,Created,Item,Qty,Price\n#1,ann,2026-01-02 10:00,boots,1,120.00\n"
        "#2,bob,2026-01-01 10:00,wax,3,5\n#1,ann,,laces,2,2.50\n"
    )
    fields = "order_id=Name,customer_id=Email,occurred_at=Created,items.product_id=Item,items.quantity=Qty"
    lines, done = convert(table, "--map", f"{fields},items.price=Price")
    assert done.returncode == 0, done.stderr
    assert [(each["order_id"], each["amount"]) for each in lines] == [("#2", "15"), ("#1", "125.00")]
    assert lines[1]["items"] == [
        {"quantity": 1, "product_id": "boots", "price": "120.00"},
        {"quantity": 2, "product_id": "laces", "price": "2.50"},
    ]


def test_profiles_and_clicks_are_told_by_their_fields(convert):
    """Consents are yes or no, an attribute is a text unless it is said to be a number; a click has a kind."""
    profiles, done = convert(
        "customer_id,since,city,age,mail\nann,2026-01-01,1012,41,ja\n",
        "--map", "occurred_at=since,attributes.postcode=city,attributes.age:number=age,consents.marketing=mail",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert profiles[0]["topic"] == "profiles"
    assert profiles[0]["attributes"] == {"postcode": "1012", "age": 41.0}
    assert profiles[0]["consents"] == {"marketing": True}
    clicks, _ = convert("customer_id,occurred_at,page\nann,2026-01-01T10:00:00Z,/\n", "--map", "page=page")
    assert (clicks[0]["topic"], clicks[0]["kind"], clicks[0]["page"]) == ("clickstream", "page_view", "/")
    refunds, _ = convert(
        "customer_id,occurred_at,amount\nann,2026-01-01,5\n",
        "--topic",
        "transactions",
        "--set",
        "kind=refund",
    )
    assert refunds[0]["kind"] == "refund"


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        ("klant,dag,n\nann,05-11-2026,5\n", ("--map", "customer_id=klant,occurred_at=dag,amount=n"), "two ways: say --dates"),
        ("klant,dag,n\nann,2026-11-05,1.234\n", ("--map", "customer_id=klant,occurred_at=dag,amount=n"), "two ways: say --decimal"),
        ("klant,dag,n\nann,2026-11-05,-5\n", ("--map", "customer_id=klant,occurred_at=dag,amount=n"), "a refund is a positive amount"),
        ("klant,dag,n\n,2026-11-05,5\n", ("--map", "customer_id=klant,occurred_at=dag,amount=n"), "table.csv:2: klant: is empty"),
        ("klant,dag,n\nann,2026-11-05,5,7\n", ("--map", "customer_id=klant,occurred_at=dag,amount=n"), "4 cells, but 3 columns"),
        ("klant,dag,n\nann,2026-03-29 02:30,5\n", ("--map", "customer_id=klant,occurred_at=dag,amount=n"), "the clock skips it"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_record_stops_with_its_line(convert, table, options, words):
    """The message names file, line and column; with --skip-bad the other rows go on."""
    lines, done = convert(table, *options, SEGMENTS_TIMEZONE="Europe/Amsterdam")
    assert (done.returncode, lines) == (1, [])
    assert words in done.stderr
    if "cells" in words:
        return
    lines, done = convert(
        table + "zoe,2026-11-05,7\n", *options, "--skip-bad", SEGMENTS_TIMEZONE="Europe/Amsterdam"
    )
    assert (done.returncode, "1 skipped" in done.stderr) == (0, True)
    assert [each["customer_id"] for each in lines] == ["zoe"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--map", "customer_id=klant,occurred_at=datum,amount=bedrg"), "did you mean bedrag?"),
        (("--map", "customer_id=klant,occurred_at=datum,amuont=bedrag"), "do not tell the topic"),
        (("--topic", "transactions", "--map", "amuont=bedrag"), "did you mean amount?"),
        (("--map", "occurred_at=datum,amount=bedrag"), "no column is customer_id"),
        (("--map", "customer_id"), "expected FIELD=COLUMN"),
    ],
)
def test_a_map_that_does_not_fit_is_a_wrong_call(convert, options, words):
    """Exit code 2, and the nearest name."""
    lines, done = convert(ORDERS, *options)
    assert (done.returncode, lines) == (2, [])
    assert words in done.stderr


def test_another_encoding_is_asked_for(convert):
    """A file of an older Excel is read with --encoding, and refused with that hint without."""
    table = "customer_id;occurred_at;amount;channel\nann;2026-01-01;5;café\n"
    _, refused = convert(table, "--map", "amount=amount", encoding="cp1252")
    assert (refused.returncode, "--encoding cp1252" in refused.stderr) == (1, True)
    lines, _ = convert(table, "--map", "amount=amount", "--encoding", "cp1252", encoding="cp1252")
    assert lines[0]["channel"] == "café"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-29", 1_774_738_800_000),  # 2026-03-28T23:00Z
        ("2026-03-29 14:30:05.5", 1_774_787_405_500),
        ("2026-10-25 02:30", 1_792_888_200_000),  # twice that night: the first, 00:30Z
        ("2026-10-25T02:30:00Z", 1_792_895_400_000),
        ("2026-10-25 02:30:00 +0100", 1_792_891_800_000),
        ("1792895400000", 1_792_895_400_000),
    ],
)
def test_instants_of_the_zone(text, instant):
    """The start of a day, a time of the zone, the first of two, and offsets that stand there."""
    assert Reading(AMSTERDAM).instant(text) == instant


def test_a_day_that_begins_after_midnight_begins_there():
    """Where the clock skips midnight, the day starts at its first instant."""
    assert (
        Reading(ZoneInfo("America/Sao_Paulo")).instant("2018-11-04") == 1_541_300_400_000
    )  # 03:00Z, 01:00 there


@pytest.mark.parametrize(
    ("text", "decimal", "plain"),
    [
        ("49,95", None, "49.95"), ("1.234,50", None, "1234.50"), ("1,234.50", None, "1234.50"), ("€ 10", None, "10"),
        ("-5.00", None, "-5.00"), ("1.234.567", None, "1234567"), ("1.234", "comma", "1234"), ("1,234", "point", "1234"),
        ("1.5", "point", "1.5"), ("EUR 1 234,5", None, "1234.5"), ("12,-", None, "12"),
    ],
)  # fmt: skip
def test_amounts_as_spreadsheets_write_them(text, decimal, plain):
    """Thousands, decimal commas and points, a currency before or behind."""
    assert Reading(AMSTERDAM, None, decimal).amount(text) == plain


@pytest.mark.parametrize("text", ["(5,00)", "€ (5,00)", "5-", "5,00 -"])
def test_a_sign_that_would_be_lost_is_refused(text):
    """A minus behind the amount, or brackets in its place: a refund must not become a purchase."""
    with pytest.raises(ValueError, match="write the sign before the amount"):
        Reading(AMSTERDAM, None, "comma").amount(text)


def test_a_minus_of_printers_is_a_minus():
    """U+2212 stands where some spreadsheets write a negative amount."""
    assert Reading(AMSTERDAM).amount("\u2212 5.00") == "-5.00"


def test_half_an_hour_that_the_zone_skips():
    """Lord Howe's clock goes from 2:00 to 2:30."""
    howe = Reading(ZoneInfo("Australia/Lord_Howe"))
    with pytest.raises(ValueError, match="the clock skips it"):
        howe.instant("2026-10-04 02:15")
    assert howe.instant("2026-10-04 02:30") == 1_791_041_400_000


def test_yes_and_no_in_two_languages():
    """Anything else is refused rather than taken for no."""
    assert [yes_or_no(each) for each in ("Ja", "1", "true", "nee", "0")] == [True, True, True, False, False]
    with pytest.raises(ValueError, match="expected yes or no"):
        yes_or_no("maybe")
