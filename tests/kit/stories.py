"""Stories lived by the oracle, beside `segments.insight.proving.engine`."""

from collections.abc import Sequence
from decimal import Decimal

from segments.insight.proving import Flip, flip_word
from segments.language import Segment
from segments.language.stories.reader import Story
from segments.language.truth.life import Customer, Step
from segments.language.truth.moved import take_borders


def oracle(rules: Sequence[Segment], story: Story, currency: str) -> list[Flip]:
    """A story as the slow truth lives it."""
    customer, clock = Customer(rules, currency, zone=story.zone), float("-inf")
    for line in story.lines:
        now = story.start + line.at
        if line.border:
            borders = {**customer.borders, **{name: Decimal(value) for name, value in line.border}}
            take_borders(customer, borders, max(clock, now), None)
        if line.event is not None:
            topic, record = line.event.topic, line.event.record
            cause = {"topic": topic, "partition": 0, "offset": 0, "event_id": record and record["event_id"]}
            outcome = customer.apply(Step(cause, record, now), clock)
            if record is not None and outcome == "applied":
                clock = max(clock, now)
        customer.fire(story.start + line.last + 1)
    flips = [flip for flip in customer.flips if flip["segment"] == rules[0].id]
    return [Flip(flip["occurred_at"] - story.start, flip_word(flip)) for flip in flips]
