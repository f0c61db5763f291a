"""Which rules a command shows: what is deployed for the group, if a broker tells of any, else those of files.

Nothing of a deployment is executed. Of a deployed rule everything is said by the file of the same version, if
SEGMENTS_RULES has one; else what the deployment says of it: version, titles, docstring and source.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segments.language import Segment
from segments.language.errors import SegmentsError
from segments.plan.version import version
from streams.cli.rule_paths import rules_in
from streams.errors import TopicsError
from streams.kafka.reachable import refusal
from streams.settings.settings import Settings

if TYPE_CHECKING:
    from streams.deployments.records import Deployed

CONNECT = 1.0
"""Seconds that a broker has: without one, the rules of files are shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The rules that a command shows."""

    files: tuple[Segment, ...]
    """Those of the files, in any case."""
    currency: str
    zone: str
    deployed: "Deployed | None" = None
    """What the group runs; None: nothing is deployed, no broker answers, or files were asked for."""
    wrong: str | None = None
    """Why the files can't be read, where something is deployed."""

    @property
    def deployment_id(self) -> str | None:
        """Of what is deployed."""
        return None if self.deployed is None else self.deployed.id

    @property
    def recorded(self) -> dict[str, Mapping[str, Any]]:
        """The deployed rules by id, as the deployment tells of them."""
        return {} if self.deployed is None else {each["id"]: each for each in self.deployed.rules}

    def version(self, segment: Segment) -> str:
        """The version that a rule of files has, or would have under the settings deployed."""
        return version(segment, self.currency, self.zone)

    def file(self, name: str) -> Segment | None:
        """The rule of this id among the files."""
        return next((each for each in self.files if each.id == name), None)

    def same(self, name: str) -> Segment | None:
        """The file that says of a deployed rule what it means: it has the same version."""
        found = self.file(name)
        if found is None or self.version(found) != self.recorded[name]["version"]:
            return None
        return found

    def undeployed(self, name: str) -> str | None:
        """The version of the file of a rule, if another one or none is deployed."""
        found = self.file(name)
        if self.deployed is None or found is None:
            return None
        is_same = name in self.recorded and self.same(name) is not None
        return None if is_same else self.version(found)

    def measures(self, name: str) -> tuple[str, ...]:
        """What a deployed rule measures."""
        from streams.deployments.changes import measures_of

        return () if self.deployed is None else measures_of(self.deployed.planned, name)

    def said(self, files: str) -> Iterator[str]:
        """Which rules these are, a line each; `files` names the files."""
        if self.deployed is None:
            yield f"these are rules of files: {files}"
            return
        note = f" ({self.deployed.fields['note']})" if self.deployed.fields["note"] else ""
        yield f"what is deployed: {self.deployed.id}{note}"
        if self.wrong is not None:
            yield f"the files of SEGMENTS_RULES are wrong: {self.wrong}"


def shown(settings: Settings, paths: Sequence[str] = ()) -> Shown:
    """The rules of these files; without any, what is deployed, and beside it the files of SEGMENTS_RULES.

    Raises SegmentsError for wrong files, unless something is deployed, and UnreadableDeployment.
    """
    deployed = None if paths else _running(settings)
    if deployed is None:
        return Shown(rules_in(paths, settings), settings.currency, settings.timezone)
    currency, zone = deployed.settings["currency"], deployed.settings["zone"]["name"]
    files: tuple[Segment, ...] = ()
    wrong = None
    try:
        files = rules_in((), settings, required=deployed.settings["required_consent"] or "")
    except SegmentsError as error:
        wrong = str(error)
    return Shown(files, currency, zone, deployed, wrong)


def known_rules(settings: Settings) -> set[str]:
    """The ids of all rules that there are: what is deployed, if a broker tells, and the files, which are not loaded."""
    deployed = _running(settings)
    files = {file.stem for folder in settings.rules for file in Path(folder).glob("*.py")}
    return files | (set() if deployed is None else {each["id"] for each in deployed.rules})


def _running(settings: Settings) -> "Deployed | None":
    if all(refusal(each, CONNECT) is not None for each in settings.brokers.split(",")):
        return None
    # Not above: without a broker, no client of Kafka need be loaded.
    from streams.deployments.records import read_chains

    try:
        return read_chains(settings).running
    except TopicsError:
        return None  # A cluster without the topic: nothing was ever deployed there.
