"""What pyproject.toml can't say: with SEGMENTS_COMPILE=1 the hot path goes into the wheel as C, made by mypyc.

It is made of the very sources that run without it: `make wheel`. Who installs the wheel needs no compiler.
"""

import os

from setuptools import setup

HOT = [
    *("schemas/binary.py", "streams/decode.py"),
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
        )
    ),
]


def extensions() -> list[object]:
    """The modules to be compiled, none unless it is asked for."""
    if os.environ.get("SEGMENTS_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    return list(mypycify([*HOT], opt_level="3", debug_level="0", group_name="segments"))


if __name__ == "__main__":
    setup(ext_modules=extensions())
