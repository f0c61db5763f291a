"""Write the golden vectors anew: `python -m tests.golden [--draw]`."""

import sys

import click

from segments.plan.lowering import lower
from tests.golden import linked
from tests.golden.cases import FOLDER, drawn, told
from tests.golden.vectors import effects, lived, log, text
from tests.properties.comparing import differences
from tests.properties.drive import Worker
from tests.properties.model import World


@click.command()
@click.option("--draw", is_flag=True, help="Draw the cases that are drawn at random anew, too.")
def main(*, draw: bool) -> None:
    """Write each case that the oracle agrees with; end with an error if it disagrees with one."""
    for name, example in (told() | (drawn() if draw else {})).items():
        world, worker = World(example), lived(example)
        if found := differences(example, world.run(), worker, world.unsaid):
            sys.exit(f"{name}: {found}")
        write(name, worker)
    worker = linked.lived()
    if found := linked.differences(worker):
        sys.exit(f"{linked.NAME}: {found}")
    write(linked.NAME, worker)


def write(name: str, worker: Worker) -> None:
    """The files of a case that a worker has lived through."""
    folder, example = FOLDER / name, worker.example
    folder.mkdir(exist_ok=True)
    (folder / "plan.json").write_bytes(lower(example.segments, sources=example.sources).to_bytes())
    (folder / "log.jsonl").write_text(text(log(example, worker.topics)), encoding="utf-8")
    (folder / "effects.jsonl").write_text(text(effects(worker)), encoding="utf-8")


if __name__ == "__main__":
    main()
