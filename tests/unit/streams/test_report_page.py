"""The report as a page: one file without scripts and requests, for its owner alone, the same numbers, nothing hostile."""

import os
import re
from html.parser import HTMLParser

import pytest

from streams.report.page import page, write
from streams.report.speaking import Speaker
from tests.kit.reports import DAY, ZONE, found, report_of, text_of


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.found.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        """Note text."""
        self.text += data


@pytest.fixture(scope="module")
def everything():
    """Figures of all kinds."""
    return found((100, 500), (1_350, 4_500), cost=1_000, inputs=True)


def page_of(figures, language="en", titles=()):
    """The page of one segment."""
    return page(report_of(figures), dict(titles), Speaker(language, "EUR", ZONE))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_one_file_without_scripts_and_requests(everything, language):
    """Nothing in it names another place or runs, and a browser would be refused both."""
    text = page_of(everything, language)
    elements = Elements(text)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(elements.found)
    assert not [
        each
        for each in elements.attributes
        if each[1] in ("src", "srcset", "action") or each[1].startswith("on")
    ]
    assert [value for _, name, value in elements.attributes if name == "href"] == []
    assert not re.search(r"https?:|url\(|@import", text)
    assert "default-src 'none'" in text
    assert f'<html lang="{language}">' in text


def test_it_says_what_the_terminal_says(everything):
    """Each number with what is said beside it, and three pictures with a title."""
    text = Elements(page_of(everything)).text
    for line in text_of(everything).splitlines():
        for part in re.split(r"\s{2,}", re.sub(r"\x1b\[\d+m", "", line).strip()):
            assert part.removeprefix("Report on segments, ") in text, part
    titles = re.findall(r'<svg role="img" aria-label="([^"]+)"', page_of(everything))
    assert titles == [
        "Members over time",
        "Conversion by arm",
        "Active after 30, 60 and 90 days, by month of the enter",
    ]


def test_hostile_text_is_text(everything):
    """An id, a title, a goal and an experiment from outside are neither markup nor turn the line."""
    hostile = '<img src="https://evil.example" onerror=alert(1)>\u202e"'
    changed = {
        **everything,
        "segment": hostile,
        "goal": {**everything["goal"], "goal": hostile},
        "experiment": {**everything["experiment"], "name": hostile},
    }
    text = page_of(changed, titles={hostile: hostile + "!"})
    assert "img" not in Elements(text).found
    assert "\u202e" not in text


def test_a_line_has_a_gap_where_customers_are_few(everything):
    """Points of fewer than ten customers are not drawn, and the table says so."""
    points = [{"at": day * DAY, "members": count} for day, count in enumerate((20, 30, "< 10", 40, 50))]
    text = page_of({**everything, "over_time": points})
    assert text.count('<polyline class="members"') == 2
    assert "&lt; 10" in text


def test_the_file_is_for_its_owner_alone(tmp_path):
    """Mode 0600, over an older file that others could read, too."""
    file = tmp_path / "report.html"
    file.write_text("old")
    file.chmod(0o644)
    before = os.umask(0)
    try:
        write(file, "new")
    finally:
        os.umask(before)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [file]
