"""The start page: each role sees what waits for it, and nobody sees another's."""

from __future__ import annotations

import pytest

from app.access import Principal, Role
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, GROUP, OWN, Desk, person, signatory
from tests.command_line import CommandLine
from tests.scenarios import files


def test_who_is_not_signed_in_is_told_what_this_is(desk: Desk) -> None:
    page = desk.html("/")

    assert "Log ind" in page
    assert "2027" not in page


def test_finance_sees_the_state_of_the_year_and_what_is_left(desk: Desk) -> None:
    page = desk.sit(FINANCE).html("/")

    assert "Dokumenter venter på validering" in page
    assert "2 fakturaer" in page


def test_a_proposal_waits_for_who_decides_and_for_another_where_it_is_one_s_own(desk: Desk) -> None:
    text = desk.sit(FINANCE).html("/settings/propose").split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]
    desk.post("/settings/propose", text=text.replace("&#34;", '"').replace("payment_days = 30", "payment_days = 9"))

    mine, theirs = desk.html("/"), desk.sit(APPROVER).html("/")

    assert "Indstillinger til godkendelse" in mine
    assert theirs.index("for dig") < theirs.index("Årene")


def test_a_signatory_sees_its_own_invoices_and_agreements_only(desk: Desk, issued: CommandLine) -> None:
    page = desk.sit(signatory(issued)).html("/")

    assert "2027-0001" in page
    assert "2027-0002" not in page
    assert "OS2valghalla" in page
    assert "Hvad der venter på" in page
    assert "Årene" not in page


def test_a_coordination_member_sees_sums_and_no_invoice(desk: Desk) -> None:
    page = desk.sit(GROUP).html("/")

    assert "Jeres produkter i tal" in page
    assert "/invoices/" not in page
    assert "Jeres produkter" not in desk.sit(person(8, Role.COORDINATION)).html("/")


def test_what_concerns_money_stands_together_where_there_is_much_of_it(desk: Desk, issued: CommandLine) -> None:
    start, invoices = (desk.sit(FINANCE).html(path) for path in ("/", "/invoices"))
    own = desk.sit(signatory(issued)).html("/")

    assert '<a href="/invoices">Penge</a>' in start and 'aria-label="Penge"' not in start
    assert '<a href="/invoices" aria-current="true">Penge</a>' in invoices and 'aria-label="Penge"' in invoices
    assert '<a href="/invoices" aria-current="page">Fakturaer</a>' in invoices and "/payments" in invoices
    assert '<a href="/invoices">Fakturaer</a>' in own and "Penge" not in own


@pytest.mark.parametrize(
    ("path", "place"),
    [("/questions", '/road" aria-current="page"'), ("/showings", '/road" aria-current="page"'),
     ("/products/OS2kitos", '/fee-tables" aria-current="page"'), ("/pipeline", '/forecast" aria-current="page"')],
)  # fmt: skip
def test_a_page_whose_address_lies_elsewhere_is_shown_where_it_belongs(desk: Desk, path: str, place: str) -> None:
    assert f'<a href="{place}>' in desk.sit(FINANCE).html(path)


def test_an_administrator_and_who_has_no_role_are_told_where_to_go(desk: Desk) -> None:
    assert "/users" in desk.sit(ADMINISTRATOR).html("/")
    assert "Du har ingen rolle" in desk.sit(Principal(9, "Ingen", via="browser")).html("/")


def test_an_empty_house_says_what_is_missing(bare: Desk) -> None:
    page = bare.sit(FINANCE).html("/")

    assert "fordelingsnøgle mangler" in page
    assert "Ikke faktureret endnu" in page


def test_the_page_asks_a_fixed_number_of_questions(desk: Desk) -> None:
    desk.sit(AUDITOR).html("/")
    with desk.counted() as statements:
        desk.html("/")

    assert len(statements) <= 14


def test_the_problems_of_the_next_plan_stand_there_one_by_one_with_where_each_is_mended(desk: Desk) -> None:
    page = desk.sit(FINANCE).html("/year/2028/problems")
    part = desk.get("/year/2028/problems", **{"HX-Request": "true"}).text

    assert "<main" not in part
    for words in (part, page):
        assert OWN.name in words
        assert "Indbyggertal" in words
        assert 'href="/imports#population"' in words
    assert part in desk.html("/")  # now that the plan is at hand


def test_where_the_plan_is_not_at_hand_the_page_asks_for_its_problems_and_links_to_them(desk: Desk) -> None:
    page = desk.sit(FINANCE).html("/")

    assert 'hx-get="/year/2028/problems"' in page
    assert '<a href="/year/2028/problems">' in page


def test_a_table_that_another_takes_over_from_is_told_with_its_link(desk: Desk, issued: CommandLine) -> None:
    table = files.fee_table("OS2kitos", "annual_fee = 31000", valid_from="2027-03-01")
    issued.done("fee-tables", "adopt", issued.write("kitos.toml", table), "--by", "En Godkender")

    page = desk.sit(FINANCE).html("/")

    assert '<a href="/fee-tables/OS2kitos">OS2kitos: gælder til og med 28. februar 2027</a>' in page
    assert "nye takster fra 1. marts 2027" in page


def test_products_whose_prices_go_on_unchanged_are_counted(desk: Desk) -> None:
    assert "1 af 1 produkter i brug" in " ".join(desk.sit(FINANCE).html("/").split())
