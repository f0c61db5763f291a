"""Three customers: one looks twice and buys, one looks twice, one looks once."""


def view(customer, number):
    """A look at a page."""
    told = {
        "topic": "clickstream",
        "kind": "page_view",
        "customer_id": customer,
        "event_id": f"{customer}{number}",
    }
    return told | {"occurred_at": f"2026-01-0{number}T00:00:00Z"}


def order(customer, number):
    """A purchase."""
    told = {"topic": "transactions", "kind": "purchase", "amount": "5.00", "currency": "EUR", "order_id": "o"}
    told |= {"customer_id": customer, "event_id": f"o{customer}"}
    return told | {"occurred_at": f"2026-01-0{number}T00:00:00Z"}


EVENTS = [view("ann", 1), view("bob", 1), view("eve", 1), view("ann", 2), view("bob", 2), order("ann", 3)]
