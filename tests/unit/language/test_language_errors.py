"""Errors that teach: each misuse of the language ends with file, line, what was expected, and what to write.

`language_errors.txt` has the misuses, and under each what its author is told.
"""

from pathlib import Path

import pytest

from segments import language
from segments.language.catalogue import SETS, fields_of
from segments.language.checking.lint import Finding, lint
from segments.language.errors import RuleError
from segments.language.loading.load import load
from segments.language.measures import MEASURES

SNAPSHOTS = Path(__file__).with_name("language_errors.txt")
RULE = '''"""Misuse."""
from segments.language import Segment, Stages, any_event, any_of, consent, days, event, not_, page_view, product_view
from segments.language import cart_remove, hours, profile, purchase, refund, split, today, visit, years

rule = {made}(
    en="Misuse", nl="Misbruik",
    {misuse},
)
'''
STORIES = ("No story", "near miss")


def snapshots() -> list[tuple[str, str]]:
    """The misuses of the file, with what was told."""
    blocks = [block.strip() for block in SNAPSHOTS.read_text().split("\n\n")]
    return [(block.partition("\n")[0], block.partition("\n")[2]) for block in blocks if block]


def told(misuse: str, folder: Path) -> str:
    """What the author of a rule is told: where and what, then what to write; 'refused' by the worker too."""
    file = folder / "rule.py"
    made = "Stages" if misuse.startswith("stages=") else "Segment"
    file.write_text(RULE.format(misuse=misuse, made=made))
    try:
        found: list[Finding | RuleError] = [
            each for each in lint(load([file])) if not each.problem.startswith(STORIES)
        ]
    except RuleError as error:
        found = [error]
    assert len(found) == 1, found
    problem = str(found[0]).removesuffix(f" {found[0].mend}").replace(f"{folder}/", "")
    mark = " (refused)" if getattr(found[0], "blocking", False) else ""
    return f"    {problem}{mark}\n    {found[0].mend}"


@pytest.mark.parametrize(("misuse", "expected"), snapshots(), ids=[misuse for misuse, _ in snapshots()])
def test_a_misuse_says_where_what_and_what_to_write(misuse, expected, tmp_path):
    """The author is told file, line, what was expected, what came, and what to write."""
    assert told(misuse, tmp_path) == expected


def test_a_name_like_no_other_is_told_all_that_there_are():
    """The author of `purchase.total` reads the fields of a purchase, and the measures."""
    with pytest.raises(RuleError) as refused:
        _ = language.purchase.total
    assert all(each in refused.value.mend for each in (*fields_of(SETS["purchase"]), *MEASURES))


def test_the_snapshots_are_no_empty_promise():
    """The misuses that everybody makes are among them, and each has two lines to say."""
    misuses = dict(snapshots())
    wanted = [" and ", "chanel", "within(7)", "purchase.count()", "== 0", "days(7)", " | "]
    assert all(any(each in misuse for misuse in misuses) for each in wanted)
    assert all(len(each.splitlines()) == 2 for each in misuses.values())
