"""The page of a report in a real browser: nothing is fetched, its charts are drawn, on a screen and on paper."""

import base64
import re

import pytest

from tests.browser.looking import complaints, sideways
from tests.browser.reported import page_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

DRAWN = """
return [...document.querySelectorAll("svg")].map(svg => {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map(each => each.getBoundingClientRect());
    const within = texts.every(each => each.left >= frame.left - 1 && each.right <= frame.right + 1
                                     && each.top >= frame.top - 1 && each.bottom <= frame.bottom + 1);
    return [svg.getAttribute("aria-label"), svg.querySelectorAll("polyline, rect").length, frame.height > 50, within];
})
"""
"""Of each chart its name, how many lines or cells it has, whether it is seen, and whether its words stand within it."""


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_report_as_it_is_sent(browser, tmp_path, language):
    """A screen, a telephone, the dark and paper: five charts, no word cut off, no request, no complaint."""
    file = tmp_path / "report.html"
    file.write_text(page_of(language), encoding="utf-8")
    browser.get(file.as_uri())
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    charts = browser.execute_script(DRAWN)
    assert len(charts) == 5
    assert all(name and parts and seen and within for name, parts, seen, within in charts), charts
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    assert sideways(browser) == 0
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27})["data"])
    # A page for the heading and each segment's beginning, and not a page for each table.
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 9
    assert complaints(browser) == []
