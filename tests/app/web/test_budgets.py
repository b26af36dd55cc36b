"""Budgets in the browser: written as a table, copied with an index, compared, adopted by another person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
