"""The crates that the engine is built with: each with its reason, a licence that goes with ours, and no known fault.

All of it is read from `Cargo.lock`, from what cargo has downloaded for the build and from `advisories.toml`: nothing
is asked for over a network.
"""

import json
import re
import subprocess
import tomllib

import pytest

from tests.unit.repository import ROOT

CRATE = ROOT / "segments" / "engine" / "native"
LOCKED = tomllib.loads((CRATE / "Cargo.lock").read_text())["package"]
ADVISORIES = tomllib.loads((CRATE / "advisories.toml").read_text())
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}
"""Licences that allow what ours, Apache-2.0, allows, with a notice at most."""


def version(text):
    """A version as numbers to be compared; what follows a hyphen or a plus is no number of its own here."""
    return tuple(int(each) for each in re.split(r"[-+]", text)[0].split("."))


def holds(requirement, found):
    """Whether a version satisfies a requirement of the advisory database."""
    for each in requirement.split(","):
        sign, number = re.fullmatch(r"(>=|<=|<|>|=|\^)\s*(\S+)", each.strip()).groups()
        bound = version(number)
        same = found[:1] == bound[:1] and (bound[0] > 0 or found[1] == bound[1])
        told = {
            ">=": found >= bound,
            "<=": found <= bound,
            "<": found < bound,
            ">": found > bound,
            "=": found == bound,
            "^": found >= bound and same,
        }
        if not told[sign]:
            return False
    return True


def affected(crate, number):
    """The advisories that a version of a crate is affected by."""
    return [
        key
        for key, each in ADVISORIES.items()
        if each["crate"] == crate and not any(holds(one, version(number)) for one in each["sound"])
    ]


def licences(text):
    """Each way to satisfy an SPDX expression: the licences that have to be kept together."""
    alternatives = [set()]
    for part in re.split(r" AND ", text.replace("(", "").replace(")", "")):
        alternatives = [held | {one} for held in alternatives for one in re.split(r" OR |/", part)]
    return alternatives


@pytest.mark.parametrize("package", LOCKED, ids=lambda each: f"{each['name']}-{each['version']}")
def test_no_locked_crate_has_a_known_fault(package):
    """No advisory is about the version that is locked."""
    assert affected(package["name"], package["version"]) == []


def test_an_affected_version_is_found():
    """Versions just below and at a mend, of one with two, and of one whose older versions are sound."""
    assert affected("lz4_flex", "0.11.5") == ["RUSTSEC-2026-0041"]
    assert affected("lz4_flex", "0.11.6") == []
    assert affected("lz4_flex", "0.12.0") == ["RUSTSEC-2026-0041"]
    assert affected("hashbrown", "0.15.0") == ["RUSTSEC-2024-0402"]
    assert affected("hashbrown", "0.14.5") == []


def test_licences_go_with_ours():
    """Of each crate that is built for this machine some choice of licences is among those allowed."""
    host = re.search(r"host: (\S+)", subprocess.check_output(["rustc", "-vV"], text=True))[1]
    command = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--features", "python"]
    told = subprocess.check_output([*command, "--filter-platform", host], cwd=CRATE, text=True)
    packages = {each["name"]: each["license"] for each in json.loads(told)["packages"]}
    assert len(packages) > 30
    assert [
        (name, text)
        for name, text in packages.items()
        if not any(choice <= ALLOWED for choice in licences(text or "none"))
    ] == []


def test_licences_are_read():
    """All of what AND joins is asked for, one of what OR joins."""
    assert {"MIT", "Unicode-3.0"} in licences("(MIT OR Apache-2.0) AND Unicode-3.0")
    assert not any(choice <= ALLOWED for choice in licences("GPL-3.0 AND MIT"))
    assert any(choice <= ALLOWED for choice in licences("GPL-3.0 OR MIT"))


def test_each_crate_asked_for_has_its_reason():
    """The page of the crate names every direct dependency."""
    asked = tomllib.loads((CRATE / "Cargo.toml").read_text())["dependencies"]
    named = re.findall(r"`([\w-]+)`", (CRATE / "README.md").read_text())
    assert sorted(set(asked) - set(named)) == []
