"""`make screenshots`: the pictures of the console in the documents, of invented customers and the shipped rules."""

import tempfile
import time
from pathlib import Path

from selenium.webdriver.common.by import By

import schemas
from streams.clock import wall_clock
from streams.console.database import HOUR
from tests.browser.chromium import browsing
from tests.browser.conftest import serving
from tests.kit.console import Topics, click, shipped

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "images"
WIDTH, HEIGHT = 1_000, 620
DAY = 24 * HOUR
CUSTOMERS = 400
SEGMENTS = (
    "three_visits_without_conversion",
    "cart_abandoned",
    "high_value",
    "first_purchase",
    "viewed_not_bought",
    "inactive_90_days",
)


def main():
    """Take them."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as profile,
        tempfile.TemporaryDirectory() as data,
        browsing(Path(profile)) as browser,
        serving(Path(data), shipped()) as place,
    ):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
        )
        place.read(shop())
        place.console.readings.read = past
        for path, name in (("/segments?sort=-trend", "segments"), ("/customers/ada", "customer")):
            browser.get(f"{place.address}{path}")
            time.sleep(1)
            if name == "customer":
                browser.execute_script("document.querySelector('[data-testid=lanes]').scrollIntoView()")
            assert browser.find_element(By.TAG_NAME, "h1").text
            browser.save_screenshot(str(FOLDER / f"console-{name}.png"))


def shop():
    """Customers who come and go, more of them lately."""
    topics, now = Topics(), wall_clock()
    for number in range(CUSTOMERS):
        customer = f"customer-{number:03}"
        for place, segment in enumerate(SEGMENTS):
            if number % (place + 2) == 0:
                came = now - (number * 37 + place * 911) % (14 * 24) * HOUR
                topics.flip(customer, "enter", segment, came)
                if number % 3 == 0:
                    topics.flip(customer, "exit", segment, min(now, came + (number % 50) * HOUR))
    topics.flip("ada", "enter", SEGMENTS[0], now - 20 * HOUR)
    return topics


def past(reading, _count):
    """Ada's week."""
    now, topics = wall_clock(), Topics()
    reading.total = reading.done = 1
    for days in (6, 4.5, 4.4, 2.2, 2.1, 0.85):
        at = int(now - days * DAY)
        reading.add("clickstream", at, click(reading.customer, at))
    for days in (4.3, 2.0):
        at = int(now - days * DAY)
        reading.add("clickstream", at, click(reading.customer, at, "cart_add"))
    for days, transition, segment, value in (
        (4.2, "enter", "cart_abandoned", "3600000"),
        (2.0, "exit", "cart_abandoned", "0"),
        (1.95, "enter", "cart_abandoned", "3600000"),
        (0.85, "enter", "three_visits_without_conversion", "3"),
    ):
        measure, bound = (
            ("visit.since(purchase).within(days=7).count()", "3")
            if segment.startswith("three")
            else ("cart_add.since(purchase).within(days=30).idle", "3600000")
        )
        evidence = [{"measure": measure, "value": value, "bound": bound, "holds": transition == "enter"}]
        event = topics.flip(reading.customer, transition, segment, int(now - days * DAY), evidence=evidence)
        reading.add("segment-events", event["occurred_at"], schemas.encode(schemas.SEGMENT_EVENT, event))


if __name__ == "__main__":
    main()
