"""The rules that a command is about: those of the paths given to it, else those of SEGMENTS_RULES."""

from collections.abc import Sequence
from pathlib import Path

from segments.language import Segment
from segments.language.loading.load import load
from segments.language.nodes.order import require
from streams.settings.settings import Settings


def rules_in(paths: Sequence[str], settings: Settings, *, required: str | None = None) -> tuple[Segment, ...]:
    """The rules of these paths; what a single file imports is loaded for it, but was not asked for.

    `required`: the consent that they need; None: that of the settings.
    """
    folders = [Path(path) for path in paths] or list(settings.rules)
    files = {folder.resolve() for folder in folders if not folder.is_dir()}
    whole = {folder.resolve() for folder in folders if folder.is_dir()}
    loaded = load(folders)
    require(loaded, (settings.required_consent or "") if required is None else required)
    return tuple(
        segment
        for segment in loaded
        if (file := Path(segment.origin.file).resolve()) in files or file.parent in whole
    )
