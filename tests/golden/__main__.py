"""Write the golden vectors anew: `python -m tests.golden`. A difference is a change of what the engine promises."""

from segments.plan.lowering import lower

from .cases import CASES, ROOT


def main() -> None:
    """Write each case."""
    for name, segments in CASES.items():
        folder = ROOT / "tests" / "golden" / name
        folder.mkdir(exist_ok=True)
        (folder / "plan.json").write_bytes(lower(segments).to_bytes())


if __name__ == "__main__":
    main()
