"""Bank statements in the browser: seen before they are taken in, listed, exported, and each transaction as it came."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest

from app.access import Principal
from tests.app.web import desks
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, Desk
from tests.bank_files import paid, statement
from tests.command_line import CommandLine

#: What lies below is tried on both databases where it lives; the pages are the same on either.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

WEEK = statement("uge-9", 0, [paid(0, 12_345, "A", payer="<b>Vejle & Omegn"), paid(2, -500, "B", "=1+1")], 0, 6)


@pytest.fixture
def desk(empty: CommandLine) -> Desk:
    """A browser with the secretariat in front of it."""
    return desks.desk(empty).sit(FINANCE)


def send(desk: Desk, content: bytes, **form: Any) -> Any:
    """Send a file as the form does."""
    return desk.post("/bank/import", file=(io.BytesIO(content), "udtog.xml"), **form)


def test_a_file_is_shown_before_it_is_taken_in_and_shown_alone_stores_nothing(desk: Desk) -> None:
    shown = send(desk, WEEK, trial="yes").text
    before = desk.read("/bank")
    taken = send(desk, WEEK)

    assert "Prøvet, intet er taget ind" in shown and "udtog.xml: 1 kontoudtog, 2 nye posteringer" in shown
    assert "Ingen kontoudtog endnu" in before
    assert taken.status_code == 303
    told = desk.read("/bank")
    assert "uge-9" in told and "til og med 7. marts 2027" in told


def kept(page: str) -> str:
    """Give the digest by which a preview offers its file."""
    found = re.search(r'name="kept" value="([0-9a-f]{64})"', page)
    assert found is not None, page
    return found[1]


def uploads(line: CommandLine) -> list[Path]:
    """Give the files that are kept for those who look at a preview."""
    return sorted((line.folder / "uploads").glob("*"))


def test_a_file_that_was_shown_is_taken_in_without_being_chosen_again(desk: Desk, empty: CommandLine) -> None:
    digest = kept(send(desk, WEEK, trial="yes").text)
    (place,) = uploads(empty)
    mode = place.stat().st_mode & 0o777

    taken = desk.post("/bank/import", kept=digest)

    assert (taken.status_code, mode, uploads(empty)) == (303, 0o600, [])
    assert "udtog.xml" in desk.read("/bank.csv")
    assert desk.get("/bank/transactions/1").status_code == 200


def test_a_csv_that_was_shown_is_taken_in_with_its_mapping(desk: Desk) -> None:
    mapping = b'account = "1"\n[columns]\nbooked_on = "D"\namount = "B"\nbalance = "S"\n'
    shown = send(desk, b"D;B;S\n01-03-2027;1,00;1,00\n", trial="yes", mapping=(io.BytesIO(mapping), "bank.toml"))

    assert desk.post("/bank/import", kept=kept(shown.text)).status_code == 303


def test_what_was_shown_to_another_or_too_long_ago_or_was_spoiled_is_not_taken_in(
    desk: Desk, empty: CommandLine
) -> None:
    digest = kept(send(desk, WEEK, trial="yes").text)
    (place,) = uploads(empty)

    by_another = desk.sit(APPROVER).post("/bank/import", kept=digest)
    os.utime(place, (place.stat().st_atime, place.stat().st_mtime - 3_700))
    too_late = desk.sit(FINANCE).post("/bank/import", kept=digest)
    os.utime(place, (place.stat().st_atime, place.stat().st_mtime + 3_700))
    place.write_bytes(place.read_bytes().replace(b"123.45", b"923.45"))
    spoiled = desk.post("/bank/import", kept=digest)

    assert [each.status_code for each in (by_another, too_late, spoiled)] == [422] * 3
    assert "ikke længere gemt" in by_another.text and 'id="error-file"' in by_another.text
    assert "Ingen kontoudtog endnu" in desk.read("/bank")


@pytest.mark.parametrize(
    "digest", ["x", "../../os2tilslut.sqlite", "0" * 64, "0" * 65, "*", "1-" + "0" * 62, "/etc/passwd"]
)
def test_a_digest_that_nobody_was_given_finds_nothing(desk: Desk, digest: str) -> None:
    answer = desk.post("/bank/import", kept=digest)

    assert answer.status_code == 422
    assert "root:" not in answer.text


def test_each_person_has_one_file_and_what_is_old_goes_when_the_page_is_opened(desk: Desk, empty: CommandLine) -> None:
    send(desk, WEEK, trial="yes")
    send(desk, WEEK.replace(b"uge-9", b"uge-8"), trial="yes")
    (place,) = uploads(empty)
    send(desk.sit(APPROVER), WEEK, trial="yes")
    both = uploads(empty)
    os.utime(place, (0, 0))

    desk.read("/bank/import")

    assert len(both) == 2 and place in both
    assert place not in uploads(empty) and len(uploads(empty)) == 1


def test_where_a_file_cannot_be_kept_its_preview_is_shown_and_it_is_chosen_again(
    desk: Desk, empty: CommandLine
) -> None:
    (empty.folder / "uploads").write_text("no folder")

    shown = send(desk, WEEK, trial="yes")

    assert shown.status_code == 200
    assert "Vælg filen igen" in shown.text and 'name="kept"' not in shown.text


def test_the_same_file_again_says_so(desk: Desk) -> None:
    send(desk, WEEK)

    assert "er taget ind før; intet nyt" in send(desk, WEEK, trial="yes").text


def test_what_is_wrong_is_told_at_the_field_and_nothing_is_stored(desk: Desk) -> None:
    refused = send(desk, WEEK.replace(b"CLBD", b"CLAV"))
    mapping = send(desk, b"D;B\n", mapping=(io.BytesIO(b"x ="), "bank.toml"))
    nothing = desk.post("/bank/import")

    assert [each.status_code for each in (refused, mapping, nothing)] == [422] * 3
    assert "saldoen CLBD mangler" in refused.text and 'id="error-file"' in refused.text
    assert 'id="error-mapping"' in mapping.text
    assert "Vælg bankens fil" in nothing.text
    assert "Ingen kontoudtog endnu" in desk.read("/bank")


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", b"\0", b"%PDF"]
)
def test_hostile_files_are_refused(desk: Desk, content: bytes) -> None:
    answer = send(desk, content)

    assert answer.status_code == 422
    assert "root:" not in answer.text


def test_a_larger_file_comes_from_those_who_take_statements_in_and_from_nobody_else(desk: Desk) -> None:
    large = b"<a>" + b" " * 17 * 1024 * 1024
    taken, too_large = send(desk, large), send(desk, b" " * 42 * 1024 * 1024)
    desk.app.config["WTF_CSRF_ENABLED"] = True  # so that the form is read before anybody asks who sent it
    tokenless = [desk.sit(who).client.post("/bank/import", data={"file": (io.BytesIO(large), "udtog.xml")})
                 for who in (FINANCE, AUDITOR)]  # fmt: skip

    assert (taken.status_code, "en tekst er over 10.240 byte" in taken.text) == (422, True)
    assert (too_large.status_code, "40 MB i et kontoudtog" in too_large.text) == (413, True)
    assert [answer.status_code for answer in tokenless] == [400, 413]


def test_a_transaction_has_a_page_with_the_bank_s_own_words_and_nothing_of_them_runs(desk: Desk) -> None:
    send(desk, WEEK)

    page = desk.get("/bank/transactions/1").text

    assert "&lt;b&gt;Vejle &amp; Omegn" in page and "<b>Vejle" not in page
    assert "&lt;Ntry&gt;" in page
    assert desk.get("/bank/transactions/3").status_code == 404
    assert desk.get(f"/bank/transactions/{2**70}").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=vejle", 1), ("q=123,45", 1), ("q=123%2C46", 0), ("way=out", 1), ("way=in", 1), ("from=2027-03-02", 1),
        ("until=2027-03-02", 1), ("from=i+dag", 2), ("statement=1", 2), ("statement=2", 0), ("statement=' OR 1", 0),
        ("sort=amount", 2), ("q=%25", 0), ("q=9999999999999999999999", 0),
    ],
)  # fmt: skip
def test_transactions_are_found_by_what_one_knows_of_them(desk: Desk, query: str, found: int) -> None:
    send(desk, WEEK)

    assert desk.get(f"/bank/transactions?{query}").text.count('<a href="/bank/transactions/') == found


def test_lists_come_as_files_in_which_no_cell_is_a_formula(desk: Desk) -> None:
    send(desk, WEEK)

    transactions, statements = desk.get("/bank/transactions.csv").text, desk.get("/bank.csv").text

    assert "123,45;<b>Vejle & Omegn" in transactions
    assert ";'=1+1;" in transactions
    assert "uge-9;0,00;118,45;2;udtog.xml" in statements


@pytest.mark.parametrize(
    ("who", "reads", "takes"), [(APPROVER, 200, 200), (AUDITOR, 200, 403), (ADMINISTRATOR, 403, 403)]
)
def test_who_reads_and_who_takes_in(desk: Desk, who: Principal, reads: int, takes: int) -> None:
    desk.sit(who)

    assert desk.get("/bank").status_code == desk.get("/bank/transactions").status_code == reads
    assert desk.get("/bank/import").status_code == takes
    assert send(desk, WEEK).status_code == (303 if takes == 200 else 403)
