"""What a shop's first hour asked for and could not say once, written by `segments/README.md` alone.

One file of `wishes/` is one wish. Wishes that need no rule of their own are shipped: a border (`segments/learned/top_tenth`),
the habit of a customer, stages.
"""

from pathlib import Path

import pytest

from segments.insight.proving import engine, failures
from segments.language.checking.lint import lint
from segments.language.loading.load import load
from tests.kit.stories import oracle

WISHES = load([Path(__file__).with_name("wishes")])
EACH = pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.id)


@EACH
@pytest.mark.parametrize("machine", [engine, oracle], ids=["engine", "oracle"])
def test_a_wish_comes_true(wish, machine):
    """Its stories enter, leave and nearly do, in the engine and in the oracle."""
    assert failures(wish, machine) == []


def test_the_linter_finds_nothing_to_mend():
    """Each has a docstring, both languages, and three kinds of story."""
    assert lint(WISHES) == []
