"""The parts of the READMEs (the root, deploy, schemas) that are made from the code, so that they cannot drift.

`python -m deploy.dev.docs` writes them anew; a test fails while they differ. A part stands between `<!-- name -->` and
`<!-- /name -->`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from schemas import tables
from segments.insight.remembered import retention
from segments.language.loading.load import load
from streams.cli import COMMANDS, main
from streams.cli.settings import default_in_words
from streams.settings.settings import Settings, about, variable
from streams.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "deploy" / "README.md")
WIDTH = 90


def rules() -> str:
    """The rules that are shipped."""
    rows = [
        (f"[`{rule.id}`](segments/{rule.id}.py)", rule.en, retention(rule, "EUR"))
        for rule in load([ROOT / "segments"])
    ]
    return _table(("rule", "who is in it", "remembers"), rows)


def commands() -> str:
    """Each command's own help."""
    context = click.Context(main, info_name="segments", terminal_width=WIDTH, **main.context_settings)
    return "\n\n".join(
        f"<details><summary><code>{path}</code>: {line}</summary>\n\n```text\n{text}\n```\n\n</details>"
        for path, line, text in _helps(context)
    )


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
    measured = Metrics()
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


def benchmarks() -> str:
    """The goals, and what `make bench` measured last."""
    return (ROOT / "tests" / "benchmarks" / "results" / "summary.md").read_text(encoding="utf-8").rstrip()


PARTS: dict[str, Callable[[], str]] = {
    "rules": rules,
    "commands": commands,
    "settings": settings,
    "benchmarks": benchmarks,
    "metrics": metrics,
}


def filled(text: str) -> str:
    """A page with its generated parts made anew."""
    for name, part in PARTS.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        text = f"{before}{begin}{part()}\n{end}{after}" if begin and end else text
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        " | ".join(cell.replace("|", r"\|") for cell in line) for line in (head, ("---",) * len(head), *rows)
    ]
    return "\n".join(f"| {line} |" for line in lines)


def write() -> None:
    """Write all pages anew."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    tables.write()


if __name__ == "__main__":
    write()
