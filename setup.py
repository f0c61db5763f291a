"""What pyproject.toml can't say: with SEGMENTS_COMPILE=1 the hot path goes into the wheel as C, made by mypyc.

It is made of the very sources that run without it: `make wheel`. Who installs the wheel needs no compiler. The source
that is generated from the schemas when they are imported is written to `schemas/generated.py`, and compiled, too.
"""

import os
import sys
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent

HOT = [
    *("schemas/binary.py", "schemas/generated.py", "schemas/wire.py", "streams/decode.py"),
    *(
        f"segments/engine/{name}.py"
        for name in (
            "admission",
            "customer",
            "customers",
            "due",
            "evidence",
            "flips",
            "inputs",
            "keyed",
            "machine",
            "murmur",
            "partition",
            "records",
            "remember",
            "state",
        )
    ),
]


def extensions() -> list[object]:
    """The modules to be compiled, none unless it is asked for."""
    if os.environ.get("SEGMENTS_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    sys.path.insert(0, str(ROOT))
    from schemas import source

    (ROOT / "schemas" / "generated.py").write_text(source.module())
    return list(mypycify([*HOT], opt_level="3", debug_level="0", group_name="segments"))


if __name__ == "__main__":
    setup(ext_modules=extensions())
