"""Budgets in the browser: written as a table, copied with an index, compared, adopted by another person."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from tests import spending
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, Desk, opened
from tests.command_line import CommandLine

EDIT = "/budgets/edit/OS2kitos/2027"
AMOUNTS = ["", "500.000", *[""] * 3, "120.000,01", *[""] * 5]


@pytest.fixture
def desk(starter: CommandLine) -> Iterator[Desk]:
    """A browser on the real registers; hosting of OS2kitos has a budget of 2026."""
    with starter.session() as session:
        spending.budget(session, 100_000_00, 2026)
        session.commit()
    with opened(starter) as made:
        yield made


def test_a_budget_is_written_proposed_adopted_by_another_and_compared(desk: Desk) -> None:
    written = desk.sit(FINANCE).post(EDIT, amounts=AMOUNTS, basis="Styregruppens <b>oplæg</b>")
    assert written.status_code == 303, written.text
    place = str(written.headers["Location"])
    proposal = str(desk.post(f"{place}/propose").headers["Location"])
    own = desk.html(proposal)
    adopted = desk.sit(APPROVER).post(f"{proposal}/approve")
    copy = desk.sit(FINANCE).post("/budgets/copy", product="OS2kitos", year="2027", index="103,5", rounding="hundred")
    compared = desk.sit(AUDITOR).html(f"{copy.headers['Location']}?beside={place.rpartition('/')[2]}")
    listed = desk.html("/budgets?year=2027")

    assert "en anden skal afgøre det" in own and "&lt;b&gt;" in own
    assert adopted.status_code == 303
    assert "120.000,01" in desk.html(place) and "103.500,00" in compared
    assert "-500.000,00" in compared.replace("\u2212", "-")
    assert "Vedtaget" in listed and "103,5 %" in listed and "Skriv et budget" not in listed


@pytest.mark.parametrize(
    ("amounts", "told"),
    [
        (["abc", *[""] * 10], "er ikke et beløb"),
        (["-5", *[""] * 10], "nul eller derover"),
        ([""] * 11, "mindst én konto"),
        (["1"], "hent siden igen"),
    ],
)
def test_what_cannot_be_a_budget_is_told_at_its_field_and_nothing_is_kept(
    desk: Desk, amounts: list[str], told: str
) -> None:
    answer = desk.sit(FINANCE).post(EDIT, amounts=amounts, basis="Prøve")

    assert answer.status_code == 422
    assert told in answer.text
    assert "Ingen budgetter for året endnu" in desk.html("/budgets?year=2027")


@pytest.mark.parametrize(
    ("field", "wrong"), [("index", "mange"), ("index", "1e9"), ("year", "2030"), ("rounding", "sten"), ("product", "x")]
)
def test_a_copy_that_cannot_be_is_refused(desk: Desk, field: str, wrong: str) -> None:
    given = {"product": "OS2kitos", "year": "2027", "index": "100", "rounding": "krone"} | {field: wrong}
    assert desk.sit(FINANCE).post("/budgets/copy", **given).status_code == 422


@pytest.mark.parametrize("address", ["/budgets/999999", "/budgets/proposals/999999", "/budgets/edit/findesikke/2027"])
def test_what_is_not_there_is_said(desk: Desk, address: str) -> None:
    assert desk.sit(FINANCE).get(address).status_code == 404


# --- months one by one


def months_of(account: int, *amounts: str) -> list[str]:
    """Give the fields of all months, where one account's are filled in."""
    found = [[""] * 12 for _ in AMOUNTS]
    found[account] = [*amounts, *[""] * (12 - len(amounts))]
    return [each for account_months in found for each in account_months]


def shown_months(page: str, account: str) -> list[str]:
    """Give the amounts of an account's months on the page of a version."""
    row = page.partition(f"{account}<")[2].partition("</details>")[0]
    return re.findall(r"<dd>([^<]+)</dd>", row)


def test_months_are_written_one_by_one_and_the_year_is_their_sum(desk: Desk) -> None:
    desk.sit(FINANCE)
    months = months_of(5, "10.000", "", "20.000,50")

    first = desk.post(EDIT, amounts=[""] * 11, months=months, basis="Efter planen").location
    again = desk.html(EDIT)
    kept = desk.post(EDIT, amounts=[*[""] * 5, "30.000,50", *[""] * 5], months=months, basis="Uændret").location
    even = desk.post(EDIT, amounts=[*[""] * 5, "24.000", *[""] * 5], months=months, basis="Nyt beløb").location

    pages = [desk.html(str(place)) for place in (first, kept, even)]
    found = [shown_months(page, "Konsulentbistand") or shown_months(page, "frikøb)") for page in pages]
    assert found[0][:4] == ["10.000,00", "0,00", "20.000,50", "0,00"]
    assert found[1] == found[0]
    assert found[2] == ["2.000,00"] * 12
    assert 'value="20.000,50"' in again and 'value="30.000,50"' in again
    assert all("<details" in page and "1. kvartal" in page for page in pages)


#: What does not fit: the years, the months, what is told, and where.
WRONG_MONTHS = (
    ([*[""] * 5, "1", *[""] * 5], months_of(5, "10.000"), "månederne giver 10.000,00", "error-{account}"),
    ([""] * 11, months_of(5, "10.000", "mange"), "er ikke et beløb", "error-{account}-2"),
    ([""] * 11, months_of(5, "-1"), "nul eller derover", "error-{account}"),
    ([""] * 11, ["1"] * 131, "hent siden igen", "Ret dette"),
    ([""] * 11, months_of(5, "9" * 41), "Skriv beløb i kroner", "Ret dette"),
)


def test_months_that_cannot_be_are_told_at_their_field_and_nothing_is_kept(desk: Desk) -> None:
    account = re.findall(r'id="field-([^"]+)" name="amounts"', desk.sit(FINANCE).html(EDIT))[5]

    for amounts, months, told, place in WRONG_MONTHS:
        answer = desk.post(EDIT, amounts=amounts, months=months, basis="Prøve")
        assert answer.status_code == 422, told
        assert told in answer.text.replace("\u00a0", " ") and place.format(account=account) in answer.text
    assert "Ingen budgetter for året endnu" in desk.html("/budgets?year=2027")


# --- a file of them

IMPORT = "/budgets/import"
FILE = (
    "product;year;account;amount_dkk\nOS2kitos;2027;00005;120000\nOS2kitos;2027;00002;500000\nOS2;2027;51;1000\n"
)  # fmt: skip


def send(desk: Desk, content: bytes | str, name: str = "budget.csv", **form: str) -> TestResponse:
    """Send a file as the form does."""
    held = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return desk.post(IMPORT, file=(held, name), **form)


def test_the_rows_of_a_file_are_shown_before_they_are_taken_in_and_the_same_again_is_nothing(desk: Desk) -> None:
    file = FILE.replace("OS2;2027;51;1000\n", "OS2kitos;2026;00005;90000\n")

    tried = send(desk.sit(FINANCE), file, trial="yes")
    before = desk.html("/budgets?year=2027")
    kept = re.findall(r'name="kept" value="([0-9a-f]{64})"', tried.text)
    strange = desk.sit(APPROVER).post(IMPORT, kept=kept[0])
    taken = desk.sit(FINANCE).post(IMPORT, kept=kept[0])
    again = send(desk, file, trial="yes")

    assert "Prøvet, intet er gemt" in tried.text and "2 nye versioner" in tried.text
    for words in ("OS2kitos 2027 v1", "OS2kitos 2026 v2", "100.000,00", "90.000,00", "-10.000,00", "500.000,00"):
        assert words in tried.text.replace("\u2212", "-")
    assert tried.text.count("<details") == 3
    assert "Ingen budgetter for året endnu" in before
    assert "ikke længere" in strange.text and strange.status_code == 422
    assert taken.location == "/budgets?year=2026"
    assert "Foreslået" in desk.html("/budgets?year=2027")
    assert "der er intet at indlæse" in again.text and 'name="kept"' not in again.text


#: What is no file of budgets, and what is told.
HOSTILE: dict[bytes, str] = {
    b"": "kolonnen mangler",
    b"product;year;account\nOS2kitos;2027;\xff\n": "UTF-8",
    b"PK\x03\x04\x00": "NUL",
    b"product;year;account;amount_dkk\n" + b"x" * 200_000: "tegn",
    FILE.replace("120000", "=1+1").encode(): "er ikke et beløb",
    FILE.replace("120000", "1e9").encode(): "er ikke et beløb",
    FILE.replace("120000", "9999999999").encode(): "er ikke et beløb",
    FILE.replace("120000", "-5").encode(): "er ikke et beløb",
    FILE.replace("2027;00005", "99999;00005").encode(): "er ikke et helt tal",
    FILE.replace("00005", "' OR 1=1 --").encode(): "fonden har ingen konto",
    FILE.replace("OS2kitos;2027;00005", "<script>;2027;00005").encode(): "produktet findes ikke",
    (FILE + "OS2kitos;2027;00005;1\n").encode(): "kontoen står før",
    (FILE + "OS2kitos;2027;00006;\n").encode(): "enten årets beløb eller alle tolv måneder",
    b'product;year;account;amount_dkk\n"OS2kitos;2027;00005;1\n': "",
}


def test_a_hostile_file_is_refused_row_by_row_and_nothing_is_kept(desk: Desk) -> None:
    desk.sit(FINANCE)

    for content, told in HOSTILE.items():
        for form in ({}, {"trial": "yes"}):
            answer = send(desk, content, **form)
            assert answer.status_code == 422, content[:80]
            assert told in answer.text and "<script>" not in answer.text
            assert 'id="error-file"' in answer.text
    assert "Ingen budgetter for året endnu" in desk.html("/budgets?year=2027")


def test_a_form_without_a_right_file_says_so_and_a_name_is_only_words(desk: Desk) -> None:
    desk.sit(FINANCE)
    right = FILE.rpartition("OS2;")[0]

    named = send(desk, right, '../../etc/<b>"\u202efil.csv', trial="yes")

    assert "<b>" not in named.text and "\u202e" not in named.text and named.status_code == 200
    assert "Vælg filen" in desk.post(IMPORT).text
    for kept in ("x", "../../etc/passwd", "0" * 64):
        assert "ikke længere" in desk.post(IMPORT, kept=kept).text
    assert desk.post(IMPORT, kept="0" * 65).status_code == 422
    assert send(desk, right, trial="no").status_code == 422
    assert send(desk.sit(AUDITOR), right).status_code == 403
