"""What pyproject.toml can't say: the crate of the engine.

`segments.engine._native` is built by cargo from `segments/engine/native`, always in the release profile, against the
stable interface of Python 3.11: one wheel serves every later Python on the same kind of machine.
"""

import shutil
import sys

from setuptools import setup
from setuptools_rust import Binding, RustExtension


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
    setup(rust_extensions=[crate()], options={"bdist_wheel": {"py_limited_api": "cp311"}})
