"""The registers' pages in English: no Danish word is left where nothing is a name."""

from __future__ import annotations

import re

import pytest

from app.access import Role
from tests.app.web import desks
from tests.app.web.desks import person
from tests.command_line import CommandLine

pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

PAGES = {
    "/imports": "Take registers in",
    "/fee-tables/draft": "Write amounts in kroner",
    "/fee-tables/draft/text": "one decision at a time",
    "/fee-tables/OS2kitos": "New version as TOML",
    "/authorities?member=yes": "Nothing fits the filter",
    "/authorities/55133018/billing": "neither membership nor agreements",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_speaks_english_to_who_asks_for_it(starter: CommandLine, path: str) -> None:
    desk = desks.desk(starter).sit(person(1, Role.FINANCE, language="en"))

    told = re.sub(r"OS2\w+", "", desk.read(path))  # names of products

    assert PAGES[path] in told
    assert not re.search(r"[æøåÆØÅ]", told)


def test_the_faults_of_a_text_are_told_in_english(starter: CommandLine) -> None:
    desk = desks.desk(starter).sit(person(1, Role.FINANCE, language="en"))

    answer = desk.post("/fee-tables/draft/text", text="annual_fee = -1")

    assert "Mend this, and send again" in answer.text
    assert "exactly one of the keys" in answer.text
