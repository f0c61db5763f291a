"""One browser for all tests here, and a console over recorded topics in a thread of its own."""

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from streams.console.console import Console
from streams.console.rules import Rules
from streams.console.server import Server
from streams.http.health import listen
from tests.browser.chromium import browsing
from tests.browser.filled import fill, topics_of, worker
from tests.kit.console import Topics, console_of, read, settings_of


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """The browser."""
    with browsing(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(chromium):
    """The browser as a new visitor has it: no cookies, the usual size, light."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get_log("browser")
    return chromium


@dataclass
class Served:
    """A console that is being served."""

    address: str
    console: Console
    loop: asyncio.AbstractEventLoop
    ending: list = field(default_factory=list)
    """What is to be awaited at the end."""

    def read(self, topics: Topics) -> None:
        """Let it read what was written."""
        asyncio.run_coroutine_threadsafe(read(self.console, topics), self.loop).result(10)

    def fill(self) -> None:
        """Give it something on every part of every page."""
        self.read(topics_of())

        async def begin():
            runner, where = await worker()
            self.ending.append(runner.cleanup)
            fill(self.console, where)

        asyncio.run_coroutine_threadsafe(begin(), self.loop).result(10)

    def now(self, change) -> None:
        """Run a function in its event loop."""

        async def call():
            change()

        asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)


@contextmanager
def serving(folder, rules, **settings):
    """Serve a console."""
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    ready = threading.Event()
    found = []

    async def main():
        console = console_of(settings_of(folder, **settings), rules)
        listening = listen("127.0.0.1", 0)
        server = Server(console, listening)
        await server.start()
        found.append(Served(f"http://127.0.0.1:{listening.getsockname()[1]}", console, loop))
        ready.set()
        await ended.wait()
        for end in found[0].ending:
            await end()
        await server.stop()
        await console.reader.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert ready.wait(20)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def served(tmp_path):
    """Serves consoles: `served(rules, http_token="…")`, each until the end of the test."""
    open_ones = []

    def serve(rules=None, **settings):
        context = serving(tmp_path / str(len(open_ones)), rules or Rules(), **settings)
        open_ones.append(context)
        return context.__enter__()

    yield serve
    for context in open_ones:
        context.__exit__(None, None, None)
