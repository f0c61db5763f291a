"""The engine with a bug in it, many times over: each bug is caught."""

import sys
import time
from pathlib import Path

import pytest

from segments import engine
from tests.properties.judging import judges
from tests.properties.mutants import ALL
from tests.properties.mutating import mutated, sources
from tests.properties.running import LONG

pytestmark = LONG


def test_every_mutant_is_caught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Plausible bugs of all parts of the engine, one at a time; the score is printed, and one that survives fails."""
    found, texts = judges(), sources()
    assert not any(judge.catches(engine, own_rules=True) for judge in found[:1]), "the engine as it is"
    survivors, lines = [], []
    for mutant in ALL:
        with mutated(mutant, tmp_path, texts) as changed:
            start = time.perf_counter()
            caught = next(
                (
                    f"{judge.name} {number}"
                    for judge in found
                    if (number := judge.catches(changed, mutant.writes_rules))
                ),
                "",
            )
            lines.append(f"{mutant.name:<55}{caught or 'SURVIVES':<24}{time.perf_counter() - start:5.1f}")
        survivors += [] if caught else [mutant.name]
    with capsys.disabled():
        score = f"{len(ALL) - len(survivors)} of {len(ALL)} mutants caught"
        sys.stdout.write("\n".join(["", f"{'mutant':<55}{'caught by story':<24}    s", *lines, score, ""]))
    assert not survivors
