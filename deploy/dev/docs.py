"""The generated parts of the documents, and the generated files: made from the code, so that they cannot drift.

`make docs` writes them; a test fails while one of them is stale. A part stands between `<!-- name -->` and
`<!-- /name -->`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from deploy.dev import handbook
from deploy.grafana import __main__ as dashboard
from schemas import tables
from streams.cli import COMMANDS, main
from streams.cli.settings import default_in_words
from streams.settings.settings import Settings, about, variable
from streams.telemetry.console import ConsoleMetrics
from streams.telemetry.delivery import DeliveryMetrics
from streams.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests" / "benchmarks" / "results"
WIDTH = 90
"""Columns of a command's help."""

ENGINES = {
    "segments": ("this worker", "yes", "yes, to the millisecond"),
    "flink-1": ("Flink, one slot", "yes", "yes"),
    "quix": ("Quix Streams", "yes", "no timers"),
    "bytewax": ("Bytewax with recovery", "state only", "from the last snapshot"),
    "faust": ("Faust with a table", "no", "no"),
}
"""For the table at a glance: name, exactly once into Kafka, timers of a customer that survive a restart."""


def commands() -> str:
    """Each command's own help."""
    context = click.Context(main, info_name="segments", terminal_width=WIDTH, **main.context_settings)
    return "\n\n".join(f"## {path}\n\n{line}\n\n```text\n{text}\n```" for path, line, text in _helps(context))


def _helps(context: click.Context) -> Iterator[tuple[str, str, str]]:
    """Every command that exists: its path, its line, and its help with that of its parts."""
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None, name  # noqa: S101 - it was listed
        yield f"segments {name}", COMMANDS[name][1], "\n\n".join(_help(command, name, context))


def _help(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield command.get_help(context)
    if isinstance(command, click.Group):
        for part, each in command.commands.items():
            yield from _help(each, part, context)


def settings() -> str:
    """Every setting: its variable, its default, what it means."""
    rows = [
        (f"`{variable(name)}`", _code(default_in_words(field)), about(field).meaning)
        for name, field in Settings.model_fields.items()
    ]
    return _table(("variable", "default", "meaning"), rows)


def _code(default: str) -> str:
    """A default as code, unless it is a phrase."""
    return "" if default == "-" else default if " " in default else f"`{default}`"


def metrics() -> str:
    """Every metric of a worker: as it is scraped, its type, its labels, what it means."""
    return _metrics(Metrics())


def delivery_metrics() -> str:
    """Every metric of `segments deliver`, in the same way."""
    return _metrics(DeliveryMetrics())


def console_metrics() -> str:
    """Every metric of `segments console`, in the same way."""
    return _metrics(ConsoleMetrics())


def _metrics(measured: Metrics | DeliveryMetrics | ConsoleMetrics) -> str:
    measured.watch(list)
    wrapped = [each for each in vars(measured).values() if isinstance(each, MetricWrapperBase)]
    # Nothing public tells the labels of what has no sample yet.
    labels = {next(iter(each.describe())).name: each._labelnames for each in wrapped}  # noqa: SLF001
    rows = []
    for family in measured.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        named = labels.get(family.name) or getattr(family, "_labelnames", None) or _of_samples(family)
        rows.append(
            (f"`{name}`", family.type, ", ".join(f"`{each}`" for each in named), family.documentation)
        )
    return _table(("metric", "type", "labels", "meaning"), sorted(rows))


def _of_samples(family: Metric) -> list[str]:
    """The labels of a metric that tells none before it has a sample."""
    return sorted({label for sample in family.samples for label in sample.labels} - {"le"})


def engines() -> str:
    """The one-counter rule on this worker and on others, as `make bench` measured it last."""
    results = json.loads((RESULTS / "results.json").read_text(encoding="utf-8"))
    rates = {row["engine"]: row.get("rate") for row in results["peers"]["rows"]}
    rows = [
        (name, f"{rates[engine]:,.0f}" if rates.get(engine) else "not measured", *told)
        for engine, (name, *told) in ENGINES.items()
    ]
    head = ("", "events/s", "exactly once, outputs included", "timers of each customer survive a restart")
    return _table(head, rows)


def benchmarks() -> str:
    """The goals, and what `make bench` measured last."""
    return (RESULTS / "summary.md").read_text(encoding="utf-8").rstrip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        " | ".join(cell.replace("|", r"\|") for cell in line) for line in (head, ("---",) * len(head), *rows)
    ]
    return "\n".join(f"| {line} |" for line in lines)


PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"engines": engines},
    "deploy/commands.md": {"commands": commands},
    "deploy/configuration.md": {"settings": settings},
    "deploy/console.md": {"metrics": console_metrics},
    "deploy/delivery.md": {"metrics": delivery_metrics},
    "deploy/metrics.md": {"metrics": metrics},
    "schemas/README.md": {"tables": tables.text},
    "segments/README.md": handbook.PARTS,
    "segments/SEMANTICS.md": {"definitions": handbook.definitions},
    "tests/benchmarks/README.md": {"benchmarks": benchmarks},
}
"""The generated parts of each page."""

FILES: Mapping[str, Callable[[], str]] = {"deploy/grafana/segments.json": dashboard.text}
"""Files that are generated as a whole."""


def made() -> dict[str, str]:
    """Every page and file with generated content as it should be, by its path.

    Raises LookupError if a page has lost the place of a part.
    """
    pages = {page: _filled(page, (ROOT / page).read_text(encoding="utf-8")) for page in PARTS}
    return pages | {file: make() for file, make in FILES.items()}


def _filled(page: str, text: str) -> str:
    for name, part in PARTS[page].items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not end:
            raise LookupError(f"{page} has no <!-- {name} --> with <!-- /{name} --> after it")
        text = f"{before}{begin}{part()}\n{end}{after}"
    return text


def write() -> None:
    """Write all of them."""
    for path, text in made().items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
