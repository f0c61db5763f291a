"""What of an answer is logged: the receiver's words, cut, and nothing of a customer."""

import pytest

from streams.delivery.flip import Flip, Place
from streams.delivery.words import LONGEST, without_customers

PLACE = Place("segment-events", 0, 1)


def flip(customer="zoë o'hara", **fields):
    """A flip with something in every field that a message tells."""
    event = {
        "event_id": "e", "customer_id": customer, "value": "blue shoes", "details": {"spent": "129.95"},
        "evidence": [{"measure": "m", "value": "netherlands", "bound": "3", "holds": True}],
    }  # fmt: skip
    return Flip(event | fields, PLACE, PLACE, 0)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no such field: title", "no such field: title"),
        ("unknown contact Zoë O'Hara", "unknown contact …"),
        ('{"id": "zo\\u00eb o\'hara"}', '{"id": "…"}'),
        ("/contacts/zo%C3%AB%20o%27hara: none", "/contacts/…: none"),
        ("likes blue shoes, spent 129.95 in netherlands", "likes …, spent … in …"),
        ("ask ann.smith@example.org or 06-1234 5678", "ask … or …"),
        ("at most 3 a second", "at most 3 a second"),
        ("a \x1b[31mred\x1b[0m word", "a ?[31mred?[0m word"),
    ],
)
def test_an_answer_is_logged_without_what_it_repeats_of_a_customer(said, told):
    """Plain, in JSON, in a URL, in any letters; addresses and long numbers of others, too."""
    assert without_customers(said, [flip()]) == told


def test_a_short_id_is_masked_where_it_is_a_word():
    """Letters of other words stay."""
    assert without_customers("an id al is none; all is well", [flip("al")]) == "an id … is none; all is well"


def test_a_long_answer_is_cut():
    """To one line of a log."""
    assert len(without_customers("word " * 999, [flip()])) == LONGEST
