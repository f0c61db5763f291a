"""A worker that lives through a log in any steps, and the flips that come of it."""

from random import Random

from segments.engine import DEPLOYMENTS, FILL, INPUTS, POSITION_KEY, RULES, Chain, Partition, position_of


class Life:
    """One partition of one, through a log of topics and its deployments; what is not committed is lost in a crash."""

    STEPS = ("fetch", "fetch", "deployments", "confirm", "advance", "advance", "commit", "crash", "catch up")
    """What may happen to it, drawn by `step`."""

    def __init__(self, log, deployments):
        self.log = {topic: log.get(topic, ()) for topic in INPUTS}
        self.deployments = deployments
        self.states, self.flips = {}, []
        self.start()

    @property
    def ends(self):
        """Where each topic ends."""
        every = {**self.log, DEPLOYMENTS: self.deployments}
        return {topic: records[-1].offset + 1 if records else 0 for topic, records in every.items()}

    def start(self):
        """Go on with what is committed."""
        self.chain = Chain()
        self.chain.add_all(self.deployments)
        record = self.states.get(POSITION_KEY)
        position = None if record is None else position_of(record)
        if position is None or position.deployment is None:
            self.follow(self.chain.first)
            return
        filling = None if position.filling is None else self.chain.at(position.filling[1])
        self.follow(self.chain.at(position.deployment[1]), filling)

    def follow(self, running, filling=None):
        """Make the partition anew."""
        self.partition = Partition.deployed(0, 1, running, self.states, filling=filling)
        for topic in INPUTS:
            if topic not in self.partition.offsets:
                self.partition.begin(topic, 0)
        self.fetched = dict(self.partition.offsets)

    def fetch(self, topic, most=5000):
        """Take in the next offsets of a topic."""
        start = self.fetched[topic]
        end = min(self.ends[topic], start + most)
        if start >= end:
            return
        records = self.deployments if topic == DEPLOYMENTS else self.log[topic]
        run = [each for each in records if start <= each.offset < end]
        if topic == DEPLOYMENTS:
            self.partition.offer_deployments(start, self.chain.add_all(run), end)
        else:
            assert self.partition.offer(topic, start, run, end) is None
        self.fetched[topic] = end

    def confirm(self):
        """Tell the partition where the topics end."""
        self.partition.confirm(self.ends, self.partition.stamp, None)

    def advance(self, most=5000):
        """Apply; where another deployment comes, follow it."""
        more = self.partition.advance(most)
        successor = self.partition.successor
        if successor is None:
            return more
        self.commit()
        if successor.kind == FILL:
            self.follow(self.partition.deployment, successor)
        else:
            self.follow(successor, None if successor.kind == RULES else self.partition.filled_by)
        return True

    def commit(self):
        """Commit what was done."""
        effects = self.partition.collect_effects()
        if effects is not None:
            effects.commit_to(self.states)
            self.flips += [flip for _, flip in effects.segment_events]

    def step(self, random: Random):
        """One of the things that happen to a worker."""
        match random.choice(self.STEPS):
            case "fetch":
                inputs = [topic for topic, records in self.log.items() if records]
                self.fetch(random.choice(inputs), random.randrange(9))
            case "deployments":
                self.fetch(DEPLOYMENTS, 1)
            case "confirm":
                self.confirm()
            case "catch up":
                self.partition.catch_up(random.choice([1, 2, 5000]))
            case "advance":
                self.advance(random.choice([1, 3, 5000]))
            case "commit":
                self.commit()
            case "crash":
                self.start()

    def finish(self):
        """To the end of the log."""
        more = True
        while more:
            for topic in self.fetched:
                self.fetch(topic)
            self.confirm()
            more = self.advance()
            self.commit()


def by_customer(flips):
    """Flips by customer."""
    found = {}
    for flip in flips:
        found.setdefault(flip["customer_id"], []).append(flip)
    return found
