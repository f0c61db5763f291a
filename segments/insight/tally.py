"""What became of the records of a log: applied, late, refused and why, each reason once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from segments.engine import Effects, notice_text


@dataclass(slots=True)
class Tally:
    """Counts over the effects of a run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Records by outcome: `applied`, `duplicate`, `ignored`, `dead_letter`."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Those refused, by reason."""
    examples: dict[str, str] = field(default_factory=dict)
    """By reason the first record that was refused for it, with the error."""
    errors: dict[str, str] = field(default_factory=dict)
    """By reason the first error, with the reason."""
    notices: Counter[str] = field(default_factory=Counter)
    """Records that did not do what their sender may have meant, by kind."""
    late: int = 0
    """Events applied at an instant that their customer had already passed."""

    def note(self, effects: Effects) -> None:
        """Add what a partition did."""
        for (_, outcome), count in effects.outcomes.items():
            self.outcomes[outcome] += count
        self.late += effects.late
        self.notices.update(notice.kind for notice in effects.notices)
        for letter in effects.dead_letters:
            self.reasons[letter.reason] += 1
            record = letter.record
            text = f"{record.topic} offset {record.offset}: {letter.reason}: {letter.error}"
            self.examples.setdefault(letter.reason, text)
            self.errors.setdefault(letter.reason, f"{letter.reason}: {letter.error}")

    def lines(self) -> Iterator[str]:
        """A line for each reason of a refusal and for each kind of notice, and one if events came late."""
        for reason, count in sorted(self.reasons.items()):
            more = f" (and {count - 1:,} more {reason})" if count > 1 else ""
            yield f"refused: {self.examples[reason]}{more}"
        for kind, count in sorted(self.notices.items()):
            yield notice_text(kind, count)
        if self.late:
            yield self.late_line()

    def late_line(self) -> str:
        """How many events came late, and what becomes of them."""
        return (
            f"late: {self.late:,} of {self.outcomes['applied']:,} events came after a later one of their customer; "
            "what they change flips at that later instant"
        )
