"""Remarks on a report in the browser: written by whom that is for, kept with the version, and refused in words."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests import spending
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, GROUP, Desk, opened
from tests.app.web.test_publications import FUND, STRANGERS, V1, done, publish
from tests.command_line import CommandLine

PAGE = f"{FUND}/remarks"
WHOLE = "Året gik som ventet.\nDriften følges i 2027."


@pytest.fixture
def desk(issued: CommandLine) -> Iterator[Desk]:
    """A browser on an issued year; hosting of the group's product has a budget of the year before."""
    with issued.session() as session:
        spending.budget(session, 40_000_00, 2026, date(2026, 1, 10), product="OS2valghalla")
        session.commit()
    with opened(issued) as made:
        yield made


def fields(desk: Desk, path: str = PAGE) -> tuple[str, list[str]]:
    """Give what the form says of itself: the newest remark it knows, and its accounts."""
    shown = desk.html(path)
    seen = re.search(r'name="seen" value="([0-9]+)"', shown)
    assert seen
    return seen[1], re.findall(r'name="accounts" value="([^"]*)"', shown)


def send(desk: Desk, first: str, *others: str, seen: str | None = None) -> TestResponse:
    """Send the form with a remark on the whole, and on the accounts in their order."""
    known, accounts = fields(desk)
    texts = [first, *others, *[""] * (len(accounts) - 1 - len(others))]
    return desk.post(PAGE, seen=seen or known, accounts=accounts, texts=texts)


def words_of(xlsx: bytes) -> str:
    """Give all words of a spreadsheet."""
    with zipfile.ZipFile(io.BytesIO(xlsx)) as packed:
        return packed.read("xl/sharedStrings.xml").decode()


def test_a_remark_stands_in_page_and_files_and_is_published_as_it_was(desk: Desk) -> None:
    done(send(desk.sit(GROUP), WHOLE, "Flere <b>brugere</b>"))
    assert publish(desk) == V1
    done(send(desk.sit(FINANCE), "Noget andet", ""))

    now, then = desk.read(FUND), desk.html(V1)
    file: Any = desk.get(f"{V1}/report.json").json
    sheet = words_of(desk.get(f"{V1}/report.xlsx").data)

    assert "Noget andet" in now and "Driften følges" not in now
    assert WHOLE in then and "Flere &lt;b&gt;brugere&lt;/b&gt;" in then
    assert file["remark"] == WHOLE
    assert "Driften følges i 2027." in sheet and "Flere &lt;b&gt;brugere&lt;/b&gt;" in sheet
    assert "Bøgerne er ændret" not in then and "Bemærkningerne er ændret" in then


def test_all_that_was_written_is_kept_with_who_and_when_and_the_same_again_changes_nothing(desk: Desk) -> None:
    done(send(desk.sit(GROUP), "Først"))
    done(send(desk, "Først"))
    done(send(desk.sit(FINANCE), ""))

    page = desk.sit(AUDITOR).read(PAGE)

    assert page.count("Først") == 1
    assert "(fjernet)" in page and page.index("(fjernet)") < page.index("Først")
    assert "Person 5" in page and "Person 1" in page
    assert "Gem bemærkningerne" not in page


def test_a_report_with_a_new_remark_may_be_published_again(desk: Desk) -> None:
    publish(desk)
    assert desk.sit(FINANCE).post(f"{FUND}/publish").status_code == 422

    done(send(desk, "Kom til efter mødet"))

    assert publish(desk).endswith("/versions/2")


def test_what_was_proposed_is_not_published_with_a_remark_that_came_since(desk: Desk) -> None:
    proposal = done(desk.sit(FINANCE).post(f"{FUND}/publish"))
    done(send(desk, "Ikke læst af den, der godkender"))

    assert desk.sit(APPROVER).post(f"{proposal}/approve").status_code == 409
    assert desk.get(V1).status_code == 404


def test_who_may_not_write_is_refused_and_another_group_finds_nothing(desk: Desk) -> None:
    assert desk.sit(AUDITOR).post(PAGE, seen="0", accounts=[""], texts=["x"]).status_code == 403
    assert desk.sit(STRANGERS).post(PAGE, seen="0", accounts=[""], texts=["x"]).status_code == 404
    assert desk.get(PAGE).status_code == 404


def test_two_who_write_at_once_do_not_take_each_other_s_words_away(desk: Desk) -> None:
    seen, _ = fields(desk.sit(GROUP))
    done(send(desk.sit(FINANCE), "Fra sekretariatet"))

    answer = send(desk.sit(GROUP), "Fra gruppen", seen=seen)

    assert answer.status_code == 422
    assert "en anden har skrevet" in answer.text
    assert "Fra gruppen" in answer.text and "Fra sekretariatet" in answer.text
    assert "Fra gruppen" not in desk.read(FUND)


#: What cannot be kept, in the order of the fields, and the field that it is told at.
WRONG: tuple[tuple[Sequence[str], str], ...] = (
    (("x" * 2_001,), "remark-0"), (("a\u202eb",), "remark-0"), (("", "x" * 501), "remark-1"),
    (("", "a\x07b"), "remark-1"), (("", "=1+1\u200b"), "remark-1"),
)  # fmt: skip


def test_what_cannot_be_kept_is_told_at_its_field_and_nothing_is_kept(desk: Desk) -> None:
    desk.sit(FINANCE)

    for texts, place in WRONG:
        answer = send(desk, *texts)
        assert answer.status_code == 422, place
        assert f'href="#{place}"' in answer.text and f'id="error-{place}"' in answer.text
    assert "Ingen har skrevet noget endnu" in desk.read(PAGE)


STRANGE: tuple[dict[str, str | list[str]], ...] = (
    {}, {"seen": "x", "accounts": [""], "texts": ["x"]}, {"seen": "0", "accounts": ["1"], "texts": ["x"]},
    {"seen": "0", "accounts": ["", ""], "texts": ["x", "y"]}, {"seen": "0", "accounts": [""], "texts": []},
    {"seen": "0", "accounts": ["XG-9999-00005"], "texts": ["x"]},
    {"seen": "0", "accounts": [""], "texts": ["x"], "by": "En anden"},
)  # fmt: skip


def test_a_form_that_was_not_ours_is_refused_in_words(desk: Desk) -> None:
    desk.sit(FINANCE)

    for form in STRANGE:
        answer = desk.post(PAGE, **form)
        assert answer.status_code == 422, form
        assert "Ret dette" in answer.text
    assert "Ingen har skrevet noget endnu" in desk.read(PAGE)
