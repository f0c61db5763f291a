"""A visitor who becomes known: two ids of one customer, in two of four partitions."""

from segments.engine import partition_of

DAY = 86_400_000
START = 1_767_225_600_000
VISITOR = next(
    f"anon-{n}" for n in range(99) if partition_of(f"anon-{n}".encode(), 4) != partition_of(b"anna", 4)
)


def viewed(day, customer):
    """A look at a page."""
    at = START + day * DAY
    return {
        "topic": "clickstream", "event_id": f"{customer}{at}", "customer_id": customer, "occurred_at": at,
        "kind": "page_view",
    }  # fmt: skip


def logged_in(day):
    """The link of the visitor."""
    return {
        "topic": "identities", "event_id": "login", "customer_id": VISITOR, "into": "anna",
        "occurred_at": START + day * DAY, "action": "link",
    }  # fmt: skip


LOG = (viewed(0, VISITOR), viewed(2, "anna"), logged_in(3), viewed(4, VISITOR))
