"""A worker without Kafka that lives through a log with deployments in any steps, and the logs that it lives through."""

from segments.engine import INPUTS, EngineSettings, Past, Record
from segments.insight.replay import Replay
from segments.language import Segment, days, page_view, purchase, visit
from tests.kit.lives import Life
from tests.unit.driving import CLICK, DAY, HOUR, START, TRANSACTION

SETTINGS = EngineSettings(grace=0)
SEEN = Segment(id="seen", when=page_view.within(days=7).count() >= 2)
PAGES = Segment(id="pages", when=page_view.by(page_view.page).within(days=20).count() >= 4)
BUYER = Segment(id="buyer", when=purchase.within(days=30).sum(purchase.amount) >= 30)
VISITOR = Segment(id="visitor", when=visit.within(days=10).count() >= 3)
QUIET = Segment(id="quiet", when=page_view.within(days=30).idle >= days(2))
BOTH = Segment(id="both", when=[BUYER, SEEN])
TOPICS = {"page_view": "clickstream", "purchase": "transactions"}


def event(offset, at, kind="page_view", customer="c", **fields):
    """A record of an event."""
    base = TRANSACTION if kind == "purchase" else CLICK
    named = {"event_id": f"{kind}{offset}", "customer_id": customer, "occurred_at": START + at, "kind": kind}
    return Record(TOPICS[kind], offset, START + at, customer.encode(), None, base | named | fields)


def erasure(offset, at, customer):
    """A null profile."""
    return Record("profiles", offset, START + at, customer.encode(), None, None)


class Log:
    """What a partition has to read."""

    def __init__(self):
        self.records = {topic: [] for topic in INPUTS}

    def add(self, at, kind="page_view", customer="c", **fields):
        """An event, milliseconds after START."""
        records = self.records[TOPICS[kind]]
        records.append(event(len(records), at, kind, customer, **fields))

    def erase(self, at, customer="c"):
        """An erasure."""
        self.records["profiles"].append(erasure(len(self.records["profiles"]), at, customer))


class FillingLife(Life):
    """A worker that fills measures beside its work."""

    def follow(self, running, filling=None):
        """Make the partition anew; a history that was read is forgotten."""
        super().follow(running, filling)
        self.past = None

    def fill(self, most):
        """Read the history, if that was not done, and fill some customers."""
        filling = self.partition.filling
        if filling is None or filling.done or self.partition.sweeping:
            return
        if self.past is None:
            self.past = Past(0, 1, self.partition.filled_by.rules, SETTINGS)
            ends = {topic: filling.offsets.get(topic, 0) for topic in INPUTS}
            self.past.begin(0, dict.fromkeys(INPUTS, 0), ends)
            for topic in INPUTS:
                self.past.offer(topic, 0, self.log[topic][: ends[topic]], ends[topic])
            self.past.work()
            self.keys = self.past.keys
        keys, self.keys = self.keys[:most], self.keys[most:]
        if keys:
            self.partition.fill(self.past.states, keys)
        else:
            self.partition.filled({})

    def advance(self, most=5000):
        """Apply what there is."""
        self.confirm()
        return super().advance(most)

    def finish(self):
        """To the end of the log, with everything filled."""
        while True:
            for topic in self.fetched:
                self.fetch(topic, 5000)
            more = self.advance()
            filling = self.partition.filling
            self.fill(5000)
            self.commit()
            if not more and (filling is None or filling.done):
                return

    def step(self, random):
        """One of the things that happen to a worker."""
        if random.random() < 0.25:
            self.fill(random.choice([1, 2, 5000]))
        else:
            super().step(random)


def replayed(log, deployments):
    """The same log through `segments replay`: its flips, and the partition at the end."""
    replay = Replay(0, 1, log.records, None, SETTINGS, deployments)
    return [flip for effects in replay.run() for _, flip in effects.segment_events], replay.partition


def told(flips):
    """What matters of flips."""
    return [(flip["segment"], flip["transition"], flip["reason"]) for flip in flips]


def shoppers(random, count=120):
    """A month of seven customers: pages, purchases, late events, erasures."""
    log, at = Log(), 0
    for _ in range(count):
        at += random.randrange(6 * HOUR)
        customer, late = random.choice("abcdefg"), random.choice([0, 0, 0, DAY])
        if random.random() < 0.03:
            log.erase(at, customer)
        elif random.random() < 0.3:
            log.add(max(0, at - late), "purchase", customer, amount=random.randrange(2000))
        else:
            log.add(max(0, at - late), customer=customer, page=random.choice("xyz"))
    return log, at
