"""The oracle of merged ids: whose each event is, as if one customer had done it all under one id."""

from collections.abc import Mapping


def end_of(customer: str, links: Mapping[str, str]) -> str:
    """The id under which an id goes on: where its links lead, of which none leads round."""
    while customer in links:
        customer = links[customer]
    return customer
