"""Who is drawn by a name, for the oracle: splits and control groups, by SEMANTICS.md."""

from hashlib import blake2b

BUCKETS = 10_000
"""Customers are spread over this many places: hundredths of a percent."""


def bucket(name: str, customer: str) -> int:
    """Where a customer is among the 10,000 of a name."""
    digest = blake2b(f"{name}\0{customer}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % BUCKETS
