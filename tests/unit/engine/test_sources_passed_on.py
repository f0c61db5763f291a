"""Profiles of an id that was merged into one of another partition, which runs a rule set with other sources."""

import schemas
from segments.engine import EngineSettings, Fetch, Outbox, Partition, RuleSet, States, partition_of
from segments.language import Segment, profile
from streams.registry.readable import READABLE
from tests.properties.records import START
from tests.simulation.batches import fetched
from tests.simulation.kafka import COMMITTED, Entry

WORTHY = Segment(id="worthy", when=profile("clv") > 1000)
TRANSFERS = "group-transfers"
VISITOR, ACCOUNT = (next(f"c{n}" for n in range(9) if partition_of(b"c%d" % n, 2) == own) for own in (0, 1))


class Half:
    """One of two partitions, as a worker drives it: from batches to batches."""

    def __init__(self, number, sources):
        rules = RuleSet([WORTHY], sources=sources)
        self.states = States()
        self.partition = Partition(
            number, 2, rules, EngineSettings(grace=0), self.states, transfers=TRANSFERS
        )
        self.ends = dict.fromkeys(self.partition.topics, 0)
        for topic in self.partition.topics:
            self.partition.begin(topic, 0)
        self.outbox = Outbox("group", number, 1, 2, 3)

    def take(self, topic, name, event):
        """Take in a record; the batches of transfers that come of it."""
        value = schemas.encode(name, event | {"event_id": topic, "customer_id": VISITOR})
        start = self.ends[topic]
        entry = Entry(topic, start, START, VISITOR.encode(), value, (), COMMITTED)
        return self.run(topic, fetched([entry], start, start + 1), start + 1)

    def take_batches(self, batches):
        """Take in what the other one has sent."""
        for batch in batches:
            batch._set_producer_state(1, 0, 0)
            raw, start = bytearray(batch._build()), self.ends[TRANSFERS]
            raw[0:8] = start.to_bytes(8, "big")
            self.run(TRANSFERS, Fetch(bytes(raw), start).next_run(1 << 30), start + batch.record_count())

    def run(self, topic, records, end):
        """Offer, apply, commit."""
        self.ends[topic] = end
        if topic == TRANSFERS:
            self.partition.offer_fetched_transfers(records, READABLE, [])
        else:
            self.partition.offer_fetched(topic, records, READABLE, [])
        self.partition.confirm(self.ends, self.partition.stamp, None)
        while self.partition.advance():
            pass
        self.done = self.partition.collect(self.outbox, START)
        sent = [batch for _, batches in self.done.elsewhere()[1] for batch in batches]
        self.done.apply_to(self.states)
        return sent


def passed_on(sources):
    """What becomes at the account of a score of the visitor, who was merged into it: outcomes, and who is inside."""
    here, there = Half(0, ("crm",)), Half(1, sources)
    link = {"into": ACCOUNT, "occurred_at": START, "action": "link", "source": None}
    there.take_batches(here.take("identities", schemas.LINK, link))
    score = {"occurred_at": START + 1, "attributes": {"clv": 1200.0}, "consents": {}, "lists": {}}
    sent = here.take("profiles-crm", schemas.PROFILE, score)
    assert sent
    there.take_batches(sent)
    return {outcome for _, outcome in there.done.outcomes}, dict(there.done.reasons), there.partition.members


def test_a_source_that_both_have_tells_the_account():
    """The score is the account's, as if it had been sent with its id."""
    assert passed_on(("crm",)) == ({"applied"}, {}, {"worthy": 1})


def test_a_source_that_the_account_s_rules_lack_is_passed_over():
    """It is no dead letter: the account's partition runs a deployment that does not have the source any more."""
    assert passed_on(()) == ({"ignored"}, {}, {"worthy": 0})
