"""The rules whose segments the console shows: titles and words, from the files of SEGMENTS_RULES."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segments.language import Segment
from segments.language.errors import SegmentsError
from segments.language.loading.load import load
from segments.language.nodes.order import require

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as they were read at the start."""

    segments: Mapping[str, Segment]
    problem: str | None = None
    """Why they could not be read."""

    @classmethod
    def read(cls, folders: Sequence[Path], required: str | None = None) -> "Rules":
        """Read them, with the consent that they need; a console whose rules are wrong shows the ids alone."""
        try:
            segments = load(list(folders))
            require(segments, required or "")
            return cls({each.id: each for each in segments})
        except SegmentsError as error:
            log.warning("the rules can't be read, segments have no titles: %s", error)
            return cls({}, str(error))

    def title(self, segment: str, language: str) -> str:
        """The title of a segment; the id of one that no rule has."""
        rule = self.segments.get(segment)
        if rule is None:
            return segment
        return (rule.nl if language == "nl" else rule.en) or segment
