"""Release the schemas that changed: `make schemas`, after an `.avsc` was edited.

A schema that differs from its newest release in more than its docs is copied to `schemas/released/`, and gets the next
id in `ids.json` and its line in `SHA256SUMS`. The tests refuse a change that is not compatible.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from schemas import records


def without_docs(schema: Any) -> Any:
    """A schema as machines see it."""
    if isinstance(schema, list):
        return [without_docs(each) for each in schema]
    if isinstance(schema, dict):
        return {key: without_docs(value) for key, value in schema.items() if key != "doc"}
    return schema


def release_edited(folder: Path = records.FOLDER) -> list[str]:
    """Release what changed in a folder of schemas; the names of the files that were written to `released/`."""
    ids: dict[str, dict[str, Any]] = records.read(folder / "ids.json")
    written = []
    for path in sorted(folder.glob("*.avsc")):
        versions = [each["version"] for each in ids.values() if each["record"] == path.stem]
        version = max(versions, default=0)
        newest = folder / "released" / f"{path.stem}.{version}.avsc"
        if version and without_docs(records.read(path)) == without_docs(records.read(newest)):
            continue
        released = newest.with_name(f"{path.stem}.{version + 1}.avsc")
        released.write_bytes(path.read_bytes())
        ids[str(1 + max(map(int, ids), default=0))] = {"record": path.stem, "version": version + 1}
        written.append(released.name)
    lines = ",\n".join(f'  "{number}": {json.dumps(entry)}' for number, entry in ids.items())
    (folder / "ids.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    sums = [
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n"
        for each in sorted((folder / "released").glob("*.avsc"))
    ]
    (folder / "released" / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    return written


if __name__ == "__main__":
    print("\n".join(release_edited()) or "no schema changed")  # noqa: T201 - a tool's answer
