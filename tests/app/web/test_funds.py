"""All funds in the browser, the report as it is now, and an authority's own share."""

from __future__ import annotations

import pytest

from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, GROUP, OTHER, Desk, signatory
from tests.app.web.test_publications import done, publish
from tests.command_line import CommandLine

Q1 = "/funds/OS2valghalla/2027-Q1"


def test_the_board_sees_every_fund_and_that_nothing_was_lost(desk: Desk) -> None:
    page = desk.sit(AUDITOR).html("/funds?year=2027&quarter=1")

    assert "OS2valghalla" in page and "Foreningen" in page
    proof = page.partition("Intet er gået tabt")[2].partition("Fond for fond")[0]
    assert '<td class="number"><strong>0,00</strong></td>' in proof


def test_a_group_sees_its_own_fund_and_no_sums_of_others(desk: Desk) -> None:
    page = desk.sit(GROUP).read("/funds?year=2027&quarter=1")

    assert "OS2valghalla" in page
    assert "OS2kitos" not in page and "Foreningen" not in page
    assert "Alle fonde tilsammen" not in page


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_list_is_exported_as_shown_and_the_trail_tells_of_it(desk: Desk, form: str) -> None:
    answer = desk.sit(GROUP).get(f"/funds.{form}?year=2027")

    assert answer.status_code == 200
    if form == "csv":
        rows = answer.data.decode("utf-8-sig").splitlines()
        assert [row.split(";")[0] for row in rows[1:]] == ["OS2valghalla"] * 4
        assert rows[0].count(";") == 11
    assert f"funds.{form}" in desk.sit(AUDITOR).html("/audit")


@pytest.mark.parametrize("query", ["year=1", "year=x&quarter=9", "q=%00", "sort=nothing", "page=999", "page=-1"])
def test_an_address_that_asks_for_nonsense_is_answered_in_words(desk: Desk, query: str) -> None:
    assert desk.sit(FINANCE).get(f"/funds?{query}").status_code in (200, 400, 404)


def test_the_overview_costs_the_same_number_of_statements_for_any_year(desk: Desk) -> None:
    desk.sit(AUDITOR).get("/funds")
    with desk.counted() as empty:
        desk.get("/funds?year=2024")
    with desk.counted() as full:
        desk.get("/funds?year=2027")

    assert len(empty) <= len(full) <= len(empty) + 8


def test_the_report_of_now_is_a_draft_until_it_is_published(desk: Desk) -> None:
    before = desk.sit(GROUP).read(Q1)

    assert "tallene ovenfor er en kladde" in before
    assert "Foreslå at offentliggøre" not in before
    assert "er ikke forbi endnu" in desk.sit(FINANCE).read(Q1)
    publish(desk)
    assert "Version 1" in desk.sit(GROUP).read("/funds/OS2valghalla/2026-Q4")


def test_an_authority_sees_its_own_share_of_what_is_published_and_no_other(issued: CommandLine, desk: Desk) -> None:
    desk.sit(signatory(issued))
    assert "Ingen rapport er offentliggjort endnu" in desk.read("/funds/shares")
    publish(desk)

    own = desk.sit(signatory(issued)).read("/funds/shares")
    other = desk.sit(signatory(issued, OTHER.cvr)).read("/funds/shares")

    shown = [each for each in (own, other) if "OS2valghalla" in each]
    assert len(shown) <= 2
    for each in shown:
        assert "4. kvartal 2026" in each
    assert desk.sit(FINANCE).get("/funds/shares").status_code == 403
    assert done(desk.sit(APPROVER).post("/funds/OS2kitos/2026-Q4/publish")).startswith("/funds/proposals/")
