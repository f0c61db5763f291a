"""What a flip waited for, as a scrape tells it."""

import pytest

import schemas
from segments.engine import INPUTS, load
from segments.language import Segment, minutes, page_view
from streams.telemetry.metrics import Metrics
from streams.transport import Run
from streams.worker import waits
from streams.worker.ledger import Ledger
from streams.worker.outbox import Outbox
from streams.worker.service import seconds_to_due
from tests.unit.driving import START, Driver
from tests.unit.repository import ROOT
from tests.unit.wire_batches import EXAMPLES, batch, known, made, runs

BEGIN = 1_795_000_000_000
"""When Kafka took in the first record, in milliseconds."""
GRACE = 2_000
FIRST = load([ROOT / "segments" / "first_purchase.py"])
"""A purchase enters it, and thirty days of time alone leave it."""


class Shop:
    """A partition whose customers make their first purchase, and the waits of its transactions."""

    def __init__(self, monkeypatch, *, event_clock=False):
        self.now = BEGIN
        monkeypatch.setattr(waits, "wall_clock", lambda: self.now)
        self.metrics = Metrics()
        self.partition = made(rules=FIRST)
        self.ledger = Ledger(dict.fromkeys(INPUTS, 0))
        self.waits = waits.Waits(self.metrics, event_clock=event_clock)
        self.outbox = Outbox("segments", 0, "changelog")
        self.ends = dict.fromkeys(INPUTS, 0)

    def buys(self, customer, timestamp):
        """A purchase comes in, with its Kafka timestamp."""
        event = EXAMPLES["Transaction"] | {
            "kind": "purchase", "customer_id": customer, "event_id": customer, "occurred_at": timestamp,
        }  # fmt: skip
        start = self.ends["transactions"]
        pair = customer.encode(), schemas.encode("Transaction", event)
        (run,) = runs(batch([pair], base=start, timestamps=[timestamp]), start)
        _, accepted = self.partition.offer_fetched("transactions", run, known(), [])
        self.ends["transactions"] += 1
        self.ledger.accept(Run("transactions", 0, start, None, start + 1), accepted)

    def advance(self, now, clock=None):
        """A turn of the engine that ends at `now`."""
        self.partition.confirm(self.ends, self.partition.stamp, clock)
        self.partition.advance()
        self.now = now
        self.waits.advanced(self.partition.gathered)

    def commit(self, began, committed):
        """A transaction, from one instant to the other; how many flips a record caused in it."""
        transaction = self.outbox.collect(self.partition)
        self.now = began
        self.waits.began()
        self.now = committed
        self.waits.committed(transaction, self.ledger, GRACE)
        return len(transaction.causes)

    def told(self, wait):
        """How many flips waited for it, and for how many seconds together."""
        labels = {"wait": wait}
        name = "segments_flip_wait_seconds"
        value = self.metrics.registry.get_sample_value
        return value(f"{name}_count", labels), pytest.approx(value(f"{name}_sum", labels))


def test_each_flip_has_the_turn_that_applied_its_record(monkeypatch):
    """Two purchases, applied in two turns of one transaction: each waited from its own timestamp to its own turn."""
    shop = Shop(monkeypatch)
    shop.buys("anna", BEGIN)
    shop.advance(BEGIN + 300)
    shop.buys("bert", BEGIN + 400)
    shop.advance(BEGIN + 450)
    flips = shop.commit(BEGIN + 500, BEGIN + 510)
    assert flips == 2
    assert shop.told("inputs") == (2, 0.300 + 0.050)
    assert shop.told("gathering") == (2, 0.200 + 0.050)
    assert shop.told("transaction") == (2, 2 * 0.010)
    assert shop.told("grace") == (0, 0)
    whole = shop.metrics.registry.get_sample_value("segments_event_to_flip_seconds_sum")
    assert whole == pytest.approx(0.510 + 0.110)


def test_a_turn_without_flips_is_none(monkeypatch):
    """What is committed after an idle turn waited for its own turn alone."""
    shop = Shop(monkeypatch)
    shop.advance(BEGIN + 100)
    shop.buys("anna", BEGIN + 200)
    shop.advance(BEGIN + 250)
    assert shop.commit(BEGIN + 260, BEGIN + 270) == 1
    assert shop.told("inputs") == (1, 0.050)


def test_a_timer_waits_for_the_grace(monkeypatch):
    """From its instant to the turn in which it fired; nothing is told where the clock is that of the events."""
    day = 24 * 3_600_000
    for event_clock in (False, True):
        shop = Shop(monkeypatch, event_clock=event_clock)
        shop.buys("anna", BEGIN)
        shop.advance(BEGIN + 10)
        shop.commit(BEGIN + 20, BEGIN + 30)
        clock = BEGIN + 400 * day
        shop.advance(clock + 50, clock)
        shop.commit(clock + 60, clock + 70)
        count, _ = shop.told("grace")
        assert (count > 0) is not event_clock
        assert shop.told("gathering")[0] == 1 + count


def test_the_grace_is_that_of_the_rule_set_that_runs():
    """A flip by time is waited for as long as the partition's own settings say, whatever those of the process are."""
    shop = Driver(Segment(id="idle", when=page_view.within(days=1).idle >= minutes(1)), grace=5_000)
    assert seconds_to_due(shop.partition, START) == float("inf")
    shop.click(0)
    assert seconds_to_due(shop.partition, START) == 60 + 5 + 0.001
