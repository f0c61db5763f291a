"""The console in a real browser: what stands there, what moves by itself, keyboard, narrow and dark, hostile text."""

import os
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import schemas
from streams.clock import wall_clock
from streams.console.database import HOUR
from streams.console.rules import Rule, Rules
from tests.browser.looking import cell, complaints, named, sideways, until
from tests.kit.console import Topics, click, shipped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def state(browser):
    """The state of the page."""
    return browser.find_element(By.TAG_NAME, "main").get_attribute("data-state")


def order(browser):
    """The segments that are shown, in their order."""
    rows = browser.find_elements(By.CSS_SELECTOR, '[data-testid="segments"] tbody tr')
    return [row.get_attribute("data-segment") for row in rows if row.is_displayed()]


def filled():
    """Some customers in shipped segments."""
    topics, now = Topics(), wall_clock()
    topics.flip("ann", "enter", "high_value", now - 50 * HOUR)
    topics.flip("bob", "enter", "high_value", now - 2 * HOUR)
    topics.flip("bob", "enter", "cart_abandoned", now - HOUR)
    topics.flip("cat", "enter", "cart_abandoned", now - HOUR)
    topics.flip("cat", "exit", "cart_abandoned", now - 100)
    return topics


def test_a_flip_comes_to_the_page_within_a_second(browser, served):
    """Numbers change by themselves, without a reload and without a complaint of the browser."""
    place = served(shipped())
    topics = filled()
    place.read(topics)
    browser.get(f"{place.address}/segments")
    until(browser, lambda: named(browser, "live").text == "live")
    assert state(browser) == "ready"
    assert cell(browser, "high_value", "members") == "2"
    time.sleep(1.1)  # an update has just been sent, the next may come in a second
    began = time.monotonic()
    topics.flip("dan", "enter", "high_value")
    place.read(topics)
    until(browser, lambda: cell(browser, "high_value", "members") == "3", 5)
    assert time.monotonic() - began < 1.5
    assert cell(browser, "high_value", "entered") == "3"
    assert float(cell(browser, "high_value", "share")) == 3 / 4
    assert complaints(browser) == []


def test_the_table_is_sorted_and_filtered(browser, served):
    """A header button sorts, and says so; the filter hides what does not match; both by keyboard alone."""
    place = served(shipped())
    place.read(filled())
    browser.get(f"{place.address}/segments")
    titles = order(browser)
    header = browser.find_element(By.CSS_SELECTOR, 'th[data-field="members"]')
    button = header.find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert header.get_attribute("aria-sort") == "descending"
    assert order(browser)[:2] == ["high_value", "cart_abandoned"]
    button.send_keys(Keys.ENTER)
    assert header.get_attribute("aria-sort") == "ascending"
    assert order(browser)[-1] == "high_value"
    assert sorted(order(browser)) == sorted(titles)
    named(browser, "filter").send_keys("cart_ab")
    assert order(browser) == ["cart_abandoned"]


def pressed(browser, key=Keys.TAB):
    """The element that has the focus after a key."""
    browser.switch_to.active_element.send_keys(key)
    return browser.switch_to.active_element


def reach(browser, selector):
    """Come to an element with the Tab key alone; whatever has the focus on the way shows it."""
    wanted = browser.find_element(By.CSS_SELECTOR, selector)
    for _ in range(150):
        found = pressed(browser)
        assert found.value_of_css_property("outline-style") == "solid", found.get_attribute("outerHTML")
        if found == wanted:
            return found
    raise AssertionError(f"the Tab key does not come to {selector}")


def test_all_pages_by_keyboard_alone(browser, served):
    """Tab comes to the skip link first, then to whatever can be chosen or filled in, on every page."""
    place = served(shipped())
    place.fill()
    browser.get(f"{place.address}/segments")
    skip = pressed(browser)
    assert skip.get_attribute("class") == "skip"
    assert skip.rect["x"] >= 0
    skip.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "main"
    assert pressed(browser).get_attribute("data-testid") == "filter"
    reach(browser, '[data-segment="high_value"] a').send_keys(Keys.ENTER)
    until(browser, lambda: "/segments/high_value" in browser.current_url)
    summary = reach(browser, "summary")
    summary.send_keys(Keys.ENTER)
    assert summary.find_element(By.XPATH, "..").get_attribute("open")
    reach(browser, '[data-testid="compare"]')
    reach(browser, '[data-testid="count"]')
    reach(browser, '[data-testid="search"]').send_keys("ann", Keys.ENTER)
    until(browser, lambda: "q=ann" in browser.current_url)
    reach(browser, '[data-testid="members"] a').send_keys(Keys.ENTER)
    until(browser, lambda: browser.current_url.endswith("/customers/ann"))
    reach(browser, '[data-testid="why"] summary')
    reach(browser, '[data-testid="export"]')
    browser.get(f"{place.address}/segments/high_value")
    reach(browser, 'a[href^="/try"]:not(nav a)').send_keys(Keys.ENTER)
    until(browser, lambda: "/try" in browser.current_url)
    reach(browser, '[name="n0"]').send_keys(Keys.CONTROL, "a", Keys.NULL, "400", Keys.ENTER)
    until(browser, lambda: named(browser, "enter").get_attribute("data-value") == "36")
    assert "n0=400" in browser.current_url
    reach(browser, 'nav a[href="/health"]').send_keys(Keys.ENTER)
    until(browser, lambda: named(browser, "wrong").get_attribute("data-value") == "dead_letters")


def test_narrow_dark_and_dutch(browser, served):
    """At 360 pixels nothing but tables scrolls sideways; dark is dark; Dutch titles and words."""
    place = served(shipped())
    place.read(filled())
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True},
    )
    grounds = set()
    for scheme in ("light", "dark"):
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        browser.get(f"{place.address}/segments?lang=nl")
        assert sideways(browser) == 0
        html = browser.find_element(By.TAG_NAME, "html")
        grounds.add(html.value_of_css_property("background-color"))
    assert html.get_attribute("lang") == "nl"
    assert browser.find_element(By.TAG_NAME, "h1").text == "Alle segmenten"
    assert "Minstens 500 euro" in browser.find_element(By.CSS_SELECTOR, '[data-segment="high_value"]').text
    assert len(grounds) == 2


HOSTILE = (
    "<script>document.title='hit'</script>",
    '"><img src=x onerror="document.title=\'hit\'">',
    "y" * 10_000,
    "\u202egnp",
    "a\x00b",
    "{{ 7 * 7 }}javascript:alert(1)",
)


def test_hostile_text_does_nothing(browser, served):
    """Markup in ids stands there as text, what is long does not widen the page, and live updates are no way in."""
    place = served()
    topics = Topics()
    for segment in HOSTILE:
        topics.flip("ann", "enter", segment)
    place.read(topics)
    browser.get(f"{place.address}/segments")
    until(browser, lambda: named(browser, "live").text == "live")
    topics.flip("bob", "enter", HOSTILE[0])
    topics.flip("bob", "enter", HOSTILE[1] + "2")
    place.read(topics)
    until(browser, lambda: len(order(browser)) == len(HOSTILE) + 1)
    assert "hit" not in browser.title
    # A NUL can't stand in HTML: it is the replacement character there.
    assert set(order(browser)) == {each.replace("\0", "\ufffd") for each in (*HOSTILE, HOSTILE[1] + "2")}
    assert "<script>" in named(browser, "segments").text
    assert sideways(browser) == 0
    assert complaints(browser) == []


def hostile_past(reading, _count):
    """Somebody whose events and flips are full of it."""
    topics, now = Topics(), wall_clock()
    for each in HOSTILE:
        reading.add(
            "clickstream", now, click(reading.customer, now, page=each[:4_000], attributes={each[:900]: each})
        )
        evidence = [{"measure": each, "value": each, "bound": each, "holds": True}]
        event = topics.flip(reading.customer, "enter", each, value=each, evidence=evidence)
        reading.add("segment-events", now, schemas.encode(schemas.SEGMENT_EVENT, event))


@pytest.mark.parametrize(
    "path",
    [
        "/customers/{}",
        "/segments/{}",
        "/segments/{}?value={}&q={}",
        "/customers?q={}",
        "/try?segment={}&n0={}",
    ],
)
def test_hostile_text_does_nothing_on_any_page(browser, served, path):
    """In ids, values, searches, attributes, evidence, titles and reasons of a deployment."""
    titles = {each: Rule(each, each, each, each, purpose=each, source=each, edited=each) for each in HOSTILE}
    place = served(Rules(titles, problem=HOSTILE[0]))
    topics = Topics()
    for each in HOSTILE:
        for other in HOSTILE:
            topics.flip(each, "enter", each, value=other, reason=other[:200])
    place.read(topics)
    place.console.readings.read = hostile_past
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True},
    )
    for each in (HOSTILE[0], HOSTILE[1], HOSTILE[2][:2_000], *HOSTILE[3:]):
        browser.get(place.address + path.format(*[quote(each, safe="")] * 3))
        until(browser, lambda: named(browser, "as-of"))
        assert browser.title != "hit"
        assert "<bdi>" not in browser.title
        assert not browser.find_elements(By.CSS_SELECTOR, "main img, main script")
        assert sideways(browser) == 0
        assert "49" not in browser.find_element(By.TAG_NAME, "h1").text
        assert [line for line in complaints(browser) if "500" in line["message"]] == []


def test_a_login_by_keyboard(browser, served):
    """A wrong token is told; the right one leads to the page that was asked for."""
    place = served(http_token="secret-of-the-test")
    browser.get(f"{place.address}/segments")
    assert browser.current_url.partition("?")[0].endswith("/login")
    browser.switch_to.active_element.send_keys("wrong", Keys.ENTER)
    until(browser, lambda: state(browser) == "error")
    assert "SEGMENTS_HTTP_TOKEN" in browser.find_element(By.CSS_SELECTOR, '[role="alert"]').text
    browser.switch_to.active_element.send_keys("secret-of-the-test", Keys.ENTER)
    until(browser, lambda: browser.current_url.endswith("/segments"))
    assert state(browser) == "empty"


def test_states_come_and_go_by_themselves(browser, served):
    """Empty, error and ready follow each other on an open page."""
    place = served()
    browser.get(f"{place.address}/segments")
    until(browser, lambda: named(browser, "live").text == "live")
    assert state(browser) == "empty"
    place.now(lambda: setattr(place.console.progress, "problem", "no broker answers"))
    until(browser, lambda: state(browser) == "error")
    place.now(lambda: setattr(place.console.progress, "problem", None))
    place.read(filled())
    until(browser, lambda: state(browser) == "ready")


@pytest.mark.parametrize(
    "path",
    [
        "/segments",
        "/segments/high_value",
        "/segments/category_enthusiast?value=shoes",
        "/segments/nothing%2F%00",
        "/customers",
        "/customers/bob",
        "/customers/nobody%2F%00",
        "/health",
        "/try?segment=high_value&n0=400",
    ],
)
def test_every_page_is_for_everyone(browser, served, path):
    """One h1, landmarks, labels, pictures with titles, nothing wider than 360 pixels, nothing that the browser complains of."""
    place = served(shipped())
    place.fill()
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True},
    )
    browser.get(f"{place.address}{path}")
    until(browser, lambda: named(browser, "live").get_attribute("data-value") == "live")
    assert sideways(browser) == 0
    for selector, count in (("h1", 1), ("main", 1), ("header nav[aria-label]", 2), ("footer", 1)):
        assert len(browser.find_elements(By.CSS_SELECTOR, selector)) == count, selector
    for picture in browser.find_elements(By.TAG_NAME, "svg"):
        assert picture.get_attribute("role") == "img"
        assert picture.find_elements(By.TAG_NAME, "title")
    for field in browser.find_elements(By.CSS_SELECTOR, "input:not([type=hidden])"):
        assert field.find_elements(By.XPATH, "ancestor::label"), field.get_attribute("outerHTML")
    for scheme in ("dark", "light"):
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        assert poor_contrast(browser) == []
    assert complaints(browser) == []
    if keep := os.environ.get("SEGMENTS_TEST_SCREENSHOTS"):
        screenshots(browser, place, path, Path(keep))


def poor_contrast(browser):
    """Texts whose colour has less than 4.5:1 against what is behind them."""
    return browser.execute_script(CONTRAST)


CONTRAST = """
const light = (colour) => {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255)
    .map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (!/, 0\\)$|transparent/.test(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
};
return [...document.querySelectorAll("body *")]
  .filter((node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim()))
  .filter((node) => node.checkVisibility() && !(node instanceof SVGElement))
  .map((node) => [node.outerHTML.slice(0, 80), light(getComputedStyle(node).color), light(behind(node))])
  .filter(([, one, other]) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5)
  .map(([text]) => text);
"""


def screenshots(browser, place, path, folder):
    """Keep what a page looks like, narrow and wide, light and dark, for somebody to look at."""
    folder.mkdir(parents=True, exist_ok=True)
    for width in (360, 1200):
        for scheme in ("light", "dark"):
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
            )
            browser.execute_cdp_cmd(
                "Emulation.setEmulatedMedia",
                {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
            )
            mark = "&" if "?" in path else "?"
            browser.get(f"{place.address}{path}{mark}lang={'nl' if scheme == 'dark' else 'en'}")
            until(browser, lambda: named(browser, "live").get_attribute("data-value") == "live")
            name = "-".join(re.findall(r"\w+", path))
            browser.save_screenshot(str(folder / f"{name}-{width}-{scheme}.png"))


def test_members_are_drawn_over_time(browser, served):
    """The chart of a segment is a picture as wide as its place, and updates come to the numbers beside it."""
    place = served(shipped())
    topics = filled()
    place.read(topics)
    browser.get(f"{place.address}/segments/high_value")
    until(browser, lambda: named(browser, "live").text == "live")
    canvas = named(browser, "members-chart").find_element(By.TAG_NAME, "canvas")
    assert canvas.rect["width"] > 300
    topics.flip("dan", "enter", "high_value")
    place.read(topics)
    until(browser, lambda: browser.find_element(By.CSS_SELECTOR, '[data-key="members"]').text == "3")
    assert complaints(browser) == []
