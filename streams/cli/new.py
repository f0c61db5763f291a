"""`segments new ID`: a rule to begin with, whose stories fail until it is written."""

from pathlib import Path

import click

from segments.language.checking.lint import TO_BE_WRITTEN
from segments.language.loading.load import load
from streams.settings.settings import read_settings

RULE = '''"""{title}.

{purpose}
"""

from segments.language import Segment, page_view

{id} = Segment(
    en="",
    nl="",
    when=page_view.within(days=7).count() >= 3,
    examples="""
        0d      page_view       enters      # tell how a customer enters
        5d      purchase        leaves      # and how they leave
        ---
        0d      page_view                   # and how they just do not enter
    """,
)
'''


@click.command()
@click.argument("segment_id", metavar="ID")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to write it. Default: the first folder of SEGMENTS_RULES.",
)
def command(segment_id: str, folder: Path | None) -> None:
    """Begin a rule: a file named ID.py, with stories that fail until the rule is written."""
    file = (folder or read_settings().rules[0]) / f"{segment_id}.py"
    if file.exists():
        raise click.ClickException(f"{file} exists already: choose another id, or edit it.")
    if Path(segment_id).name != segment_id or segment_id.startswith("_"):
        raise click.ClickException(
            f"{segment_id!r} cannot be the id of a segment: write a name such as big_spender."
        )
    file.write_text(
        RULE.format(id=segment_id, purpose=TO_BE_WRITTEN, title=segment_id.replace("_", " ").capitalize()),
        encoding="utf-8",
    )
    try:
        load([file])
    except Exception:
        file.unlink()
        raise
    click.echo(f"{file} is written. Fill it in, then:\n\n  segments test {file}\n  segments lint {file}")
