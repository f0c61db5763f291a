"""What the pages of the console share: the numbers, the rules, the state, and how an answer is made."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

import schemas
from segments.language.words.sentence import Language
from streams.console.counting import Counting
from streams.console.figures import Row, Snapshot
from streams.console.history import Readings
from streams.console.reader import Progress, Reader
from streams.console.render import Renderer
from streams.console.reporting import Reports
from streams.console.rules import Rules
from streams.console.state import State
from streams.console.trying import Trials
from streams.console.worded import Worded
from streams.console.workers import Workers
from streams.settings.settings import Settings
from streams.settings.types import zone_of

PAGES = (("/segments", "Segments"), ("/customers", "Customers"), ("/try", "Try"), ("/health", "Health"))
"""The navigation: address and name."""


Export = Callable[[str], Mapping[str, Any]]
"""Gives all that is known of a customer."""


class Console:
    """Whatever a page needs."""

    def __init__(
        self, settings: Settings, reader: Reader, workers: Workers, rules: Rules, export: Export
    ) -> None:
        self.settings = settings
        self.export = export
        self.reader = reader
        self.trials = Trials(settings)
        self.counting = Counting(settings, workers)
        self.reports = Reports(settings)
        self.readings = Readings(settings, reader.registry, lambda: self.rules.profile_sources)
        reader.forgotten.append(self.readings.forget)
        self.workers = workers
        self.rules = rules
        self.renderer = Renderer(
            zone_of(settings.timezone), settings.language, logins=settings.why_token is not None
        )
        self._boot = secrets.token_hex(4)

    def take_rules(self, rules: Rules) -> None:
        """Other rules are deployed; open pages are told."""
        self.rules = rules
        for tell in self.reader.changed:
            tell()

    @property
    def progress(self) -> Progress:
        """How far the topics are read."""
        return self.reader.progress

    @property
    def unserved(self) -> tuple[int, ...]:
        """The partitions that nobody serves."""
        return self.workers.group.unserved(self.progress.partitions)

    async def snapshot(self) -> Snapshot:
        """All segments, those that have a rule and no members yet included."""
        found = await self.reader.ask(self.reader.figures.snapshot)
        missing = self.rules.segments.keys() - found.rows.keys()
        rows = {**found.rows, **{each: Row(each, 0, 0, 0, None, 0) for each in missing}}
        return Snapshot(rows, found.customers, found.in_none, found.overlap, found.revision)

    def since(self, revision: int) -> str:
        """A revision as the id of an event: of another run of the console it would mean nothing."""
        return f"{self._boot}-{revision}"

    def revision(self, since: str) -> int:
        """The revision of such an id; 0 of one that means nothing."""
        boot, _, number = since.partition("-")
        return int(number) if boot == self._boot and number.isdecimal() else 0

    @staticmethod
    def quoted(text: str) -> str:
        """A text as a part of an address."""
        return quote(text, safe="")

    def page(self, request: web.Request, template: str, state: State, **values: Any) -> web.Response:
        """A page with its state."""
        return self.renderer.page(
            request,
            template,
            state=state,
            pages=PAGES,
            zone=self.settings.timezone,
            rules_id=self.rules.deployment_id or "",
            worded=self.worded(self.renderer.language(request)),
            **values,
        )

    def worded(self, language: Language) -> Worded:
        """What says measures and conditions in a language."""
        return Worded(self.rules.in_words[language], language)

    def json(self, state: State, values: Mapping[str, Any], status: int = 200) -> web.Response:
        """The numbers of a page as JSON, with its state."""
        body: dict[str, Any] = {
            "state": state.name,
            "as_of": None if state.as_of is None else schemas.to_iso(state.as_of),
        }
        if state.problem is not None:
            body["problem"] = state.problem
        if state.partitions:
            body["partitions"] = list(state.partitions)
        return web.json_response(body | dict(values), status=status)
