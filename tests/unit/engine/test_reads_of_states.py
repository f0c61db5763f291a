"""How often the engine reads a committed state: a store on disk decompresses a block for it."""

from collections import Counter

from segments.language import Segment, page_view
from tests.unit.driving import DAY, Driver


class Counted(dict[bytes, bytes]):
    """States that count how often each key is read."""

    def __init__(self, states: dict[bytes, bytes]):
        super().__init__(states)
        self.reads: Counter[bytes] = Counter()

    def get(self, key, default=None):
        """The state of a key, which is counted."""
        self.reads[key] += 1
        return super().get(key, default)


def test_a_timer_of_a_customer_at_rest_reads_the_state_once():
    """Who leaves because time has passed is read once, and flips at the instant."""
    quiet = Segment(id="seen", when=page_view.within(days=7).count() >= 1)
    before = Driver(quiet)
    before.click(0)
    states = Counted(before.states)
    after = Driver(quiet, states=states)
    after.until(7 * DAY - 1)
    assert after.flips() == []
    assert states.reads[b"c"] == 0
    after.until(7 * DAY)
    assert after.flips() == [("seen", "exit", 7 * DAY)]
    assert states.reads[b"c"] == 1
