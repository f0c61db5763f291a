"""A report for the terminal."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click

from streams.report import arms, words
from streams.report.speaking import Row, Speaker

NAME, VALUE = 36, 14
"""Columns of a name and of a value."""


class TextReport:
    """Tells reports line by line; `visible` shows control characters in texts from outside as escapes."""

    def __init__(self, speaker: Speaker, titles: Mapping[str, str], visible: Callable[[str], str]) -> None:
        """With the titles of segments, where they are known."""
        self._speaker, self._titles, self._visible = speaker, titles, visible

    def lines(self, report: Mapping[str, Any]) -> Iterator[str]:
        """The whole report."""
        speaker = self._speaker
        as_of = speaker.say("as of {at}", at=speaker.date(report["as_of"]))
        yield f"{self._bold(speaker.say('Report on segments'))}, {as_of}"
        yield from words.heading(report, speaker)
        if not report["segments"]:
            yield from ("", speaker.say("Nobody has entered a segment yet."))
        for found in report["segments"]:
            title = self._titles.get(found["segment"])
            name = found["segment"] if title is None else f"{title} ({found['segment']})"
            yield from ("", self._bold(name), *self._segment(found))

    def _segment(self, found: Mapping[str, Any]) -> Iterator[str]:
        speaker = self._speaker
        goal, experiment, inputs = found["goal"], found["experiment"], found["inputs"]
        yield from self._rows(words.flips(found, speaker))
        yield ""
        if goal is None:
            yield "  " + speaker.say(
                "No outcome is known: the rule has no goal, or its window has not passed yet."
            )
        else:
            yield from self._rows(words.goal(goal, speaker))
            yield from self._notes(words.goal_notes(goal, speaker, arms=experiment is not None))
        if experiment is not None:
            yield from ("", f"  {self._visible(arms.title_of(experiment, speaker))}")
            for each in experiment["arms"]:
                yield from self._rows(arms.arm(each, speaker), f"{speaker.say(each['arm'])}: ")
            yield from self._rows(arms.experiment(experiment, speaker))
            yield from self._notes(arms.experiment_notes(experiment, speaker, values=found["has_values"]))
        elif found["cost"] is not None:
            yield from self._rows([arms.cost_alone(found["cost"], speaker)])
        if inputs is not None:
            yield ""
            yield from self._rows(words.inputs(inputs, speaker))
            yield from self._notes(words.input_notes(inputs, speaker))

    def _rows(self, rows: Iterable[Row], before: str = "") -> Iterator[str]:
        for row in rows:
            beside = click.style(self._visible(row.beside), dim=True) if row.beside else ""
            yield f"  {before + row.name:<{NAME}} {self._visible(row.value):>{VALUE}}  {beside}".rstrip()

    def _notes(self, notes: Iterable[str]) -> Iterator[str]:
        for note in notes:
            yield "  " + click.style(self._visible(note), dim=True)

    def _bold(self, text: str) -> str:
        return click.style(self._visible(text), bold=True)
