"""What pyproject.toml can't say: the crate of the engine, and what mypyc compiles.

`segments.engine._native` is built by cargo from `segments/engine/native`, always in the release profile. With
SEGMENTS_COMPILE=1 the hot path of the Python code goes into the wheel as C, made by mypyc: `make wheel`. Who installs
the wheel needs no compiler. The source that is generated from the schemas when they are imported is written to
`schemas/generated.py`, and compiled, too.
"""

import os
import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools_rust import Binding, RustExtension

ROOT = Path(__file__).resolve().parent

HOT = [
    "schemas/binary.py",
    "schemas/generated.py",
    "schemas/wire.py",
    "streams/worker/decode.py",
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


def crate() -> RustExtension:
    """The engine's crate; without cargo the build ends with one line that says what to install."""
    if shutil.which("cargo") is None:
        sys.exit(
            "cargo was not found: the engine is built from Rust, install Rust 1.88 or later (rustup.rs)."
        )
    return RustExtension(
        "segments.engine._native",
        path="segments/engine/native/Cargo.toml",
        args=["--locked"],
        features=["python"],
        binding=Binding.PyO3,
        debug=False,
        py_limited_api=True,
    )


if __name__ == "__main__":
    setup(ext_modules=extensions(), rust_extensions=[crate()])
