"""A report as a page: one file, no scripts, no requests, drawn here, the same on paper."""

import os
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from streams.report import arms, charts, words
from streams.report.speaking import Row, Speaker

MODE = 0o600
"""Only its owner may read the file: what customers did is nobody else's."""
SECTION = tuple[str, list[Row], list[str]]
"""Heading, rows, and what must be said below."""


def page(report: Mapping[str, Any], titles: Mapping[str, str], speaker: Speaker) -> str:
    """The text of the file; `titles` of the segments, where they are known."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    return environment.get_template("page.html").render(
        lang=speaker.language,
        say=speaker.say,
        speaker=speaker,
        as_of=speaker.date(report["as_of"]),
        heading=list(words.heading(report, speaker)),
        segments=[_segment(each, titles, speaker) for each in report["segments"]],
    )


def write(file: Path, text: str) -> None:
    """Write a page for its owner alone; who reads the file meanwhile finds the old one or the new one."""
    made = file.with_name(f".{file.name}.new")
    made.unlink(missing_ok=True)
    with os.fdopen(
        os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w", encoding="utf-8"
    ) as opened:
        opened.write(text)
    made.replace(file)


def plain(text: str) -> Markup:
    """A text from outside: no character that hides, breaks or turns the line, and its direction ends with it."""
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    told = "".join(
        f"\\u{ord(each):04x}" if unicodedata.category(each) in hidden else each for each in str(text)
    )
    return Markup("<bdi>{}</bdi>").format(told)


def _segment(found: Mapping[str, Any], titles: Mapping[str, str], speaker: Speaker) -> dict[str, Any]:
    goal, experiment, inputs = found["goal"], found["experiment"], found["inputs"]
    return {
        "id": found["segment"],
        "title": titles.get(found["segment"], found["segment"]),
        "sections": list(_sections(found, speaker)),
        "over_time": found["over_time"],
        "members": charts.members(found["over_time"], speaker),
        "arms": [] if experiment is None else experiment["arms"],
        "conversion": ""
        if experiment is None or goal is None
        else charts.conversion(experiment["arms"], goal["window"], speaker),
        "window": None if goal is None else goal["window"],
        "cohorts": "" if inputs is None else charts.cohorts(inputs["cohorts"], speaker),
    }


def _sections(found: Mapping[str, Any], speaker: Speaker) -> Iterator[SECTION]:
    goal, experiment = found["goal"], found["experiment"]
    yield speaker.say("Members and stays"), list(words.flips(found, speaker)), []
    if goal is None:
        told = speaker.say("No outcome is known: the rule has no goal, or its window has not passed yet.")
        yield speaker.say("Goal"), [], [told]
    else:
        notes = words.goal_notes(goal, speaker, arms=experiment is not None)
        yield speaker.say("Goal"), list(words.goal(goal, speaker)), list(notes)
    if experiment is not None:
        rows = [
            Row(f"{speaker.say(each['arm'])}: {row.name}", row.value, row.beside)
            for each in experiment["arms"]
            for row in arms.arm(each, speaker)
        ]
        notes = arms.experiment_notes(experiment, speaker, values=found["has_values"])
        title = arms.title_of(experiment, speaker)
        yield title, [*rows, *arms.experiment(experiment, speaker)], list(notes)
    elif found["cost"] is not None:
        cost = arms.cost_alone(found["cost"], speaker)
        yield speaker.say("Treated and control"), [cost], []
    if found["inputs"] is not None:
        rows = list(words.inputs(found["inputs"], speaker))
        yield speaker.say("What members did"), rows, list(words.input_notes(found["inputs"], speaker))
