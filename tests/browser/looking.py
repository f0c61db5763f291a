"""What tests look at on a page of the console."""

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait


def named(browser, name):
    """The element with this data-testid."""
    return browser.find_element(By.CSS_SELECTOR, f'[data-testid="{name}"]')


def cell(browser, segment, field):
    """The raw number in a cell of the table of segments."""
    found = browser.find_element(
        By.CSS_SELECTOR, f'[data-testid="segments"] [data-segment="{segment}"] [data-field="{field}"]'
    )
    return found.get_attribute("data-value")


def until(browser, condition, seconds=10):
    """Wait for something, and give it; the page may be loaded anew meanwhile, for which drivers have several errors."""
    return WebDriverWait(browser, seconds, 0.02, (WebDriverException,)).until(lambda _: condition())


def sideways(browser):
    """By how many pixels the page is wider than its window."""
    return browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def complaints(browser):
    """What the browser complains of: blocked by the policy, scripts that failed, files that are not there."""
    return [each for each in browser.get_log("browser") if each["level"] in ("SEVERE", "WARNING")]
