"""The books in the browser: accounts and files of a period, closing it by two people, and the mapping."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.access import Principal, Role
from billing import account_mapping
from tests.app.web.desks import ADMINISTRATOR, AUDITOR, FINANCE, GROUP, NOW, Desk, opened, person, signatory
from tests.command_line import CommandLine

LATER = datetime(2027, 4, 2, 12, tzinfo=UTC)
APPROVER = person(2, Role.APPROVER, signed_in=NOW - LATER + timedelta(minutes=1))


@pytest.fixture
def desk(issued: CommandLine) -> Iterator[Desk]:
    """A browser on the issued year, when its first quarter is over."""
    with opened(issued.at("2027-04-02")) as made:
        yield made


def propose(desk: Desk, period: str = "2027-Q1") -> str:
    """Propose to close a period; give where the proposal stands."""
    answer = desk.sit(FINANCE).post(f"/accounts/{period}/close")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def close(desk: Desk) -> None:
    """Close the first quarter by two people."""
    place = propose(desk)
    assert desk.sit(APPROVER).post(f"{place}/approve").status_code == 303


def adopt(desk: Desk, text: str = account_mapping.EXAMPLE) -> None:
    """Adopt a mapping by two people."""
    place = desk.sit(FINANCE).post("/accounts/mapping/propose", text=text).headers["Location"]
    assert desk.sit(APPROVER).post(f"{place}/approve").status_code == 303


def test_a_period_shows_what_each_account_came_to_and_that_it_is_zero_in_all(desk: Desk) -> None:
    shown = desk.sit(AUDITOR).html("/accounts/2027-Q1")

    assert "1. kvartal 2027" in shown
    assert "6190" in shown and "Tilgodehavender fra salg" in shown
    assert '<td class="number">0,00</td>' in shown.partition("<tfoot>")[2]


def test_accounts_without_a_number_in_the_public_chart_are_named_until_a_mapping_is_adopted(desk: Desk) -> None:
    before = desk.sit(FINANCE).html("/accounts/2027-Q1")
    adopt(desk)

    after = desk.html("/accounts/2027-Q1")

    assert "har intet nummer i standardkontoplanen" in before and "XG-9212045210-00014" in before
    assert "har intet nummer i standardkontoplanen" not in after and "1010 Salg af varer og ydelser" in after


def test_the_period_asked_for_is_gone_to_and_words_that_are_none_are_told_at_the_field(desk: Desk) -> None:
    desk.sit(AUDITOR)

    assert desk.get("/accounts?period=2027K1").headers["Location"] == "/accounts/2027-Q1"
    wrong = desk.get("/accounts?period=i+g%C3%A5r<b>")
    assert wrong.status_code == 422 and "er ingen periode" in wrong.text and "<b>" not in wrong.text
    assert desk.get("/accounts/2027-13").status_code == 404


@pytest.mark.parametrize(
    "name", ["0000", "9999-Q1", "2027-02-30..2027-03-01", "2027-03-01..2027-02-01", "٢٠٢٧", "2027-Q5"]
)
def test_an_address_that_names_no_period_is_not_found(desk: Desk, name: str) -> None:
    assert desk.sit(AUDITOR).get(f"/accounts/{name}").status_code == 404


def test_the_postings_come_as_files_with_chosen_columns_and_the_trail_tells_who_took_them(desk: Desk) -> None:
    csv = desk.sit(AUDITOR).get("/accounts/2027-Q1/postings.csv?columns=account&columns=amount")
    xlsx = desk.get("/accounts/2027-Q1/postings.xlsx")

    lines = csv.data.decode("utf-8-sig").split("\r\n")
    book = zipfile.ZipFile(io.BytesIO(xlsx.data))
    postings, accounts = (book.read(f"xl/worksheets/sheet{nth}.xml").decode() for nth in (1, 2))
    assert lines[0] == "Konto;Beløb" and lines[1].startswith("6190;")
    amounts = re.findall(r'<c r="I[0-9]+" s="[0-9]+"><v>([-0-9.]+)</v>', accounts)
    assert postings.count("<row ") == len(lines) - 1
    assert amounts and sum(int(Decimal(amount) * 100) for amount in amounts) == 0
    assert "2027-Q1.xlsx" in desk.html("/audit")


@pytest.mark.parametrize("query", ["postings.pdf", "postings.csv?columns=password", "postings.csv?columns=date,date"])
def test_a_file_of_another_kind_or_with_other_columns_is_refused(desk: Desk, query: str) -> None:
    assert desk.sit(AUDITOR).get(f"/accounts/2027-Q1/{query}").status_code in (404, 422)


def test_a_period_is_closed_when_another_person_has_approved_it(desk: Desk) -> None:
    place = propose(desk)
    own = desk.sit(person(1, Role.FINANCE, Role.APPROVER, signed_in=NOW - LATER)).post(f"{place}/approve")
    stale = desk.sit(person(2, Role.APPROVER)).post(f"{place}/approve")
    shown = desk.sit(APPROVER).html(place)
    other = desk.post(f"{place}/approve", digest="0" * 64)
    done = desk.post(f"{place}/approve")

    assert (own.status_code, stale.status_code, other.status_code, done.status_code) == (422, 403, 409, 303)
    assert "Det kan ikke fortrydes" in shown
    page = desk.html("/accounts")
    assert "Person 2" in page and "1. kvartal 2027" in page
    assert "Luk perioden" not in desk.html("/accounts/2027-Q1")
    assert desk.sit(FINANCE).post("/accounts/2027-Q1/close").status_code == 422


def test_a_file_of_a_closed_period_is_the_same_bytes_when_names_and_mapping_have_changed(desk: Desk) -> None:
    close(desk)
    before = [desk.sit(AUDITOR).get(f"/accounts/2027-Q1/postings.{form}").data for form in ("csv", "xlsx")]
    adopt(desk)

    after = [desk.sit(AUDITOR).get(f"/accounts/2027-Q1/postings.{form}").data for form in ("csv", "xlsx")]

    assert after == before


def test_a_closing_is_rejected_with_a_reason_or_withdrawn(desk: Desk) -> None:
    first = propose(desk)
    desk.sit(APPROVER).post(f"{first}/reject", reason="Banken mangler")
    second = propose(desk)
    desk.post(f"{second}/withdraw")

    assert "Banken mangler" in desk.html(first)
    assert "Trukket tilbage" in desk.html(second)
    assert desk.get("/accounts/mapping/proposals/1").status_code == 404


def test_a_period_that_is_not_over_says_so_instead_of_offering_to_close_it(desk: Desk) -> None:
    shown = desk.sit(FINANCE).html("/accounts/2027-Q2")

    assert "er ikke forbi endnu" in shown and "Foreslå at lukke" not in shown


def test_faults_of_a_mapping_are_told_beside_what_was_typed(desk: Desk) -> None:
    answer = desk.sit(FINANCE).post("/accounts/mapping/propose", text='[accounts]\n"<b>" = "1011"\n')

    assert answer.status_code == 422
    assert "er intet nummer i standardkontoplanen" in answer.text and "&lt;b&gt;" in answer.text
    assert "<b>" not in answer.text


def test_a_credit_note_in_a_closed_period_is_refused_in_words(issued: CommandLine, desk: Desk) -> None:
    close(desk)

    refused = issued.at("2027-03-20").run(
        "billing", "credit", "2027-0001", "--reason", "Fejl", "--by", "En", "--approved-by", "Anden"
    )

    assert refused.code == 1
    assert "første mulige dag er 1. april 2027" in refused.err


@pytest.mark.parametrize("path", ["/accounts", "/accounts/2027-Q1", "/accounts/mapping", "/accounts/2027/postings.csv"])
def test_the_books_are_for_those_who_read_all_money(issued: CommandLine, desk: Desk, path: str) -> None:
    others: list[Principal] = [ADMINISTRATOR, GROUP, signatory(issued)]

    assert [desk.sit(who).get(path).status_code for who in others] == [403, 403, 403]


def test_an_empty_house_says_when_bookkeeping_begins(bare: Desk) -> None:
    shown = bare.sit(FINANCE).html("/accounts")

    assert "Intet er bogført endnu" in shown
    assert "Der er ikke bogført noget i perioden" in bare.html("/accounts/2027")
    assert "intet er bogført endnu" in bare.post("/accounts/2026/close").text
