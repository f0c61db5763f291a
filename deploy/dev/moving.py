"""Make what `segments consume` printed of the inputs ready to be produced again, to topics with other partitions.

`python -m deploy.dev.moving FOLDER`, with clickstream.jsonl, transactions.jsonl and profiles.jsonl in it. A record
that is produced again has another Kafka timestamp, and that is when an erasure counts: one that came again would erase
what its customer did since. So erasures are left out, with all that they erased, and so are lines that could not be
decoded.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas import from_iso
from segments.language.catalogue import INPUTS


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, one at a time."""
    with file.open(encoding="utf-8") as opened:
        yield from map(json.loads, opened)


def erasures(profiles: Path) -> dict[str, int]:
    """When each customer was erased last."""
    found: dict[str, int] = {}
    for line in lines(profiles):
        if line.get("erase"):
            found[line["customer_id"]] = max(found.get(line["customer_id"], 0), from_iso(line["timestamp"]))
    return found


def is_kept(line: dict[str, Any], erased: dict[str, int]) -> bool:
    """Whether a line is to be produced again."""
    if line.get("erase") or "error" in line or "key" in line:
        return False
    return bool(from_iso(line["occurred_at"]) > erased.get(line["customer_id"], -1))


def main(folder: Path) -> None:
    """Rewrite the files of a folder, and say what was left out."""
    erased = erasures(folder / "profiles.jsonl")
    for topic in INPUTS:
        file, rest = folder / f"{topic}.jsonl", folder / f"{topic}.rest"
        kept = left = 0
        with rest.open("w", encoding="utf-8") as written:
            for line in lines(file):
                if is_kept(line, erased):
                    written.write(json.dumps(line, ensure_ascii=False) + "\n")
                    kept += 1
                else:
                    left += 1
        rest.replace(file)
        sys.stdout.write(f"{topic}: {kept:,} lines kept, {left:,} left out\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
