"""The rules whose segments the console shows: titles, words and numbers of what is deployed, else of files.

Nothing of a deployment is executed. What the file of the same version says is said of a deployed rule, too; a file of
another version is an edit that is not deployed, and is named as such.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kafka.errors import KafkaError

from segments.engine import Border, EngineSettings, PlannedRules, RuleSet, settings_of, with_borders
from segments.insight.about import about
from segments.insight.in_words import InWords
from segments.language import Segment
from segments.language.catalogue import DEPLOYMENTS
from segments.language.checking.lint import refuse
from segments.language.errors import SegmentsError
from segments.language.loading.load import load
from segments.language.nodes.order import require
from segments.language.words.sentence import Language
from segments.plan.version import version
from streams.console.render import LANGUAGES
from streams.deployments.records import Deployed, UnreadableDeployment, read_chains
from streams.errors import StreamsError
from streams.kafka.read_committed import committed_reader, partitions_of
from streams.settings.settings import Settings

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks whether anything was deployed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, as pages tell of it."""

    id: str
    version: str
    en: str
    nl: str
    file: Segment | None = None
    """That says what the rule means; None: no file here does."""
    edited: str | None = None
    """The version of the file of this rule, if it is not the one deployed."""
    purpose: str = ""
    """The docstring of a deployed rule."""
    source: str | None = None
    """Of a deployed rule of which no file here has the same version."""


@dataclass(frozen=True)
class Rules:
    """The rules at one moment."""

    segments: Mapping[str, Rule] = field(default_factory=dict)
    currency: str = "EUR"
    zone: str = "UTC"
    problem: str | None = None
    """Why they could not be read, or the files could not."""
    deployed: Deployed | None = None
    borders: Sequence[Border] = ()
    not_deployed: Sequence[str] = ()
    """Rules of files that the deployment does not have."""
    sources: Sequence[str] = ()
    """The profile sources beside `profiles`, of rules of files."""

    @property
    def deployment_id(self) -> str | None:
        """What is deployed; None: these are rules of files."""
        return None if self.deployed is None else self.deployed.id

    @property
    def profile_sources(self) -> Sequence[str]:
        """The names of the profile sources beside `profiles`: those deployed, else those of this process."""
        return self.sources if self.deployed is None else self.deployed.settings.get("profile_sources", ())

    def title(self, segment: str, language: str) -> str:
        """The title of a segment; the id of one that no rule has."""
        rule = self.segments.get(segment)
        if rule is None:
            return segment
        return (rule.nl if language == "nl" else rule.en) or segment

    def about(self, segment: str) -> dict[str, Any] | None:
        """All that the file of a rule says; None: there is no file of its version, or words do not reach it."""
        rule = self.segments.get(segment)
        try:
            return None if rule is None or rule.file is None else about(rule.file, self.currency, self.zone)
        except SegmentsError:
            return None

    @cached_property
    def runnable(self) -> RuleSet | PlannedRules:
        """The rules as an engine runs them. Raises SegmentsError or UnreadableDeployment if none can."""
        if self.deployed is not None:
            return with_borders(self.deployed.planned, self.borders)
        files = [each.file for each in self.segments.values() if each.file is not None]
        refuse(files)
        return RuleSet(files, self.currency, self.zone, sources=self.sources)

    @cached_property
    def in_words(self) -> Mapping[Language, InWords]:
        """By language, what says the measures of the rules whose files are here."""
        files = [each.file for each in self.segments.values() if each.file is not None]
        return {language: InWords(files, language, self.currency) for language in LANGUAGES}

    def consent(self, settings: Settings) -> str | None:
        """The consent that each rule needs: that deployed, else that of this process."""
        if self.deployed is None:
            return settings.required_consent
        required: str | None = self.deployed.settings["required_consent"]
        return required

    def engine(self, settings: Settings) -> EngineSettings:
        """The settings that decide: those deployed, else those of this process."""
        return EngineSettings.of(settings) if self.deployed is None else settings_of(self.deployed.settings)


def of_files(settings: Settings) -> Rules:
    """The rules of SEGMENTS_RULES; a console whose rules are wrong shows the ids alone."""
    files, problem = _files(settings, settings.required_consent or "")
    found = {each.id: _of_file(each, settings.currency, settings.timezone) for each in files}
    sources = settings.profile_sources
    return Rules(found, settings.currency, settings.timezone, problem, sources=sources)


def of_deployment(deployed: Deployed, borders: Sequence[Border], settings: Settings) -> Rules:
    """What is deployed, with what the files of the same versions say of it."""
    currency, zone = deployed.settings["currency"], deployed.settings["zone"]["name"]
    files, problem = _files(settings, deployed.settings["required_consent"] or "")
    by_id = {each.id: each for each in files}
    rules = {each["id"]: _deployed(each, by_id.get(each["id"]), currency, zone) for each in deployed.rules}
    others = sorted(by_id.keys() - rules.keys()) if "rules" in settings.model_fields_set else ()
    return Rules(rules, currency, zone, problem, deployed, borders, others)


def look(settings: Settings) -> Rules:
    """What is deployed for the group, if a broker tells of any, else the rules of files."""
    try:
        chains = read_chains(settings)
    except UnreadableDeployment as error:
        return Rules(problem=str(error))
    except (StreamsError, KafkaError, OSError) as error:
        log.debug("no deployment is known: %r", error)
        return of_files(settings)
    if chains.running is None:
        return of_files(settings)
    return of_deployment(chains.running, chains.borders, settings)


def _files(settings: Settings, required: str) -> tuple[list[Segment], str | None]:
    try:
        segments = load(list(settings.rules))
        require(segments, required)
    except SegmentsError as error:
        log.warning("the rules can't be read, segments have no titles of files: %s", error)
        return [], str(error)
    return list(segments), None


def _of_file(segment: Segment, currency: str, zone: str) -> Rule:
    return Rule(segment.id, version(segment, currency, zone), segment.en, segment.nl, file=segment)


def _deployed(said: Mapping[str, Any], file: Segment | None, currency: str, zone: str) -> Rule:
    here = None if file is None else version(file, currency, zone)
    is_same = here == said["version"]
    return Rule(
        said["id"],
        said["version"],
        said["en"],
        said["nl"],
        file if is_same else None,
        None if is_same else here,
        said["docstring"],
        None if is_same else said["source"],
    )


class Watch:
    """Looks again and again whether something else is deployed."""

    def __init__(self, settings: Settings, changed: Callable[[Rules], None]) -> None:
        """`changed` is given the rules whenever they are others."""
        self._settings = settings
        self._changed = changed
        self._ends: Mapping[int, int] | None = None

    async def run(self) -> None:
        """Look for ever; while no broker answers the rules stay as they were."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                ends = await asyncio.to_thread(self._where_it_ends)
                if ends != self._ends:
                    self._changed(await asyncio.to_thread(look, self._settings))
                    self._ends = ends
            except (StreamsError, KafkaError, OSError) as error:
                log.debug("whether anything was deployed is not known: %r", error)

    def _where_it_ends(self) -> Mapping[int, int]:
        """Of the deployments' topic by partition."""
        with committed_reader(self._settings) as consumer:
            ends = consumer.end_offsets(partitions_of(consumer, DEPLOYMENTS))
        return {each.partition: end for each, end in ends.items()}
