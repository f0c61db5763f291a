"""Debian's Chromium and its driver: those of the system, else installed by apt-get."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

PROGRAMS = ("chromium", "chromedriver")
PACKAGES = ("chromium", "chromium-driver")
MEND = f"install a browser: `apt-get install {' '.join(PACKAGES)}`"
QUIETLY = ["-qq", "-oAcquire::Retries=3", "-oDPkg::Lock::Timeout=120"]


def programs():
    """Where the browser and its driver are."""
    if not all(map(shutil.which, PROGRAMS)):
        _install()
    found = [shutil.which(each) for each in PROGRAMS]
    assert all(found), MEND
    return found


def _install():
    assert os.geteuid() == 0, MEND
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", *QUIETLY, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{MEND}\n{done.stdout}{done.stderr}"


@contextmanager
def browsing(folder: Path):
    """A browser without a window, with a profile of its own."""
    browser, driver = programs()
    options = Options()
    options.binary_location = browser
    for each in (
        *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"),
        *(f"--user-data-dir={folder}", "--window-size=1200,900", "--lang=en"),
    ):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield running
    finally:
        running.quit()
