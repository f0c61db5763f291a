"""Which rules the console shows: those deployed, with what files of the same versions say, and no edit as truth."""

import json
import re

import pytest

from streams.console import rules as shown
from streams.deployments.planning import plan
from streams.deployments.records import Deployed, packed
from tests.kit.console import Topics, read, settings_of, visiting

pytestmark = pytest.mark.timeout(60)

RULE = '''"""{purpose}

What a marketer does with it.
"""
from segments.language import Segment, purchase

{name} = Segment(
    en="{en}",
    nl="{nl}",
    when=purchase.within(days=30).count() >= {bound},
    examples="0d purchase 10 enters",
)
'''


def write(folder, name, bound, en=None, purpose="Who buys"):
    """A file of a rule."""
    folder.mkdir(exist_ok=True)
    text = RULE.format(
        name=name, bound=bound, en=en or f"Title of {name}", nl=f"Titel van {name}", purpose=purpose
    )
    (folder / f"{name}.py").write_text(text)


def deployed(settings):
    """What a deployment of the files of these settings has."""
    planned = plan(settings, list(settings.rules), None, stories=False)
    fields = {
        "deployment_id": "d-1",
        "occurred_at": 1_000,
        "kind": "rules",
        "plan": packed(planned.plan),
        "rules": packed(json.dumps(planned.rules).encode()),
        "settings": planned.settings,
    }
    return Deployed(0, 1_000, fields)


@pytest.fixture
def settings(tmp_path):
    """Those of a console beside files of two rules."""
    folder = tmp_path / "rules"
    write(folder, "same", 1)
    write(folder, "edited", 2, "As deployed <b>")
    return settings_of(tmp_path / "data", rules=[folder])


def test_what_is_deployed_is_shown_and_edits_are_named(settings):
    """The file of the same version tells what a rule means; of an edited one the deployment does, and of new ones none."""
    record = deployed(settings)
    folder = settings.rules[0]
    write(folder, "edited", 7, "As edited")
    write(folder, "new", 3)
    found = shown.of_deployment(record, (), settings)
    assert (found.deployment_id, sorted(found.segments), found.not_deployed) == (
        "d-1",
        ["edited", "same"],
        ["new"],
    )
    assert found.title("edited", "en") == "As deployed <b>"
    assert found.title("new", "nl") == "new"
    assert found.about("same")["stories"] == "0d purchase 10 enters"
    assert found.about("edited") is None
    assert (found.segments["same"].edited, found.segments["same"].source) == (None, None)
    edited = found.segments["edited"]
    assert edited.edited not in (None, edited.version)
    assert ">= 2" in edited.source
    (folder / "broken.py").write_text("no rule")
    broken = shown.of_deployment(record, (), settings)
    assert broken.problem
    assert broken.title("same", "nl") == "Titel van same"


def test_pages_tell_of_what_is_deployed(tmp_path, settings):
    """Titles, text and numbers to try are the deployment's; the page names the edit, and other rules reload open pages."""
    record = deployed(settings)
    folder = settings.rules[0]
    write(folder, "edited", 7, "As edited")

    async def visit(client, console):
        await read(console, Topics())
        assert "As edited" in await (await client.get("/segments")).text()
        console.take_rules(shown.of_deployment(record, (), settings))
        page = await (await client.get("/segments?lang=nl")).text()
        assert re.findall(r'data-testid="deployed" data-value="([^"]+)"', page) == ["d-1"]
        assert 'data-rules="d-1"' in page
        page = await (await client.get("/segments/edited?lang=en")).text()
        assert "<h1><bdi>As deployed &lt;b&gt;</bdi></h1>" in page
        assert 'data-testid="edited"' in page
        assert "What a marketer does with it." in page
        assert "&gt;= 2" in page
        assert "&gt;= 7" not in page
        tried = await (await client.get("/api/try?segment=edited")).json()
        assert [(each["leaf"], each["now"]) for each in tried["numbers"]] == [
            ("purchase.within(days=30).count()", "2")
        ]
        async with client.get("/live") as answer:
            assert '"rules":"d-1"' in (await answer.content.readuntil(b"}\n\n")).decode()

    visiting(tmp_path / "console", visit, shown.of_files(settings))


def test_rules_of_files_are_shown_where_nothing_is_deployed(settings):
    """No broker answers: the files, as `segments list` has them."""
    found = shown.look(settings)
    assert found.deployment_id is None
    assert found.title("same", "nl") == "Titel van same"
    assert found.runnable.ids == ("edited", "same")
