"""The start page: each role sees what waits for it, and nobody sees another's."""

from __future__ import annotations

from app.access import Principal, Role
from tests.app.web.office import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, GROUP, Office, person, signatory
from tests.command_line import CommandLine


def test_who_is_not_signed_in_is_told_what_this_is(desk: Office) -> None:
    page = desk.read("/")

    assert "Log ind" in page
    assert "2027" not in page


def test_finance_sees_the_state_of_the_year_and_what_is_left(desk: Office) -> None:
    page = desk.by(FINANCE).read("/")

    assert "Dokumenter venter på validering" in page
    assert "2 fakturaer" in page


def test_a_proposal_waits_for_who_decides_and_for_another_where_it_is_one_s_own(desk: Office) -> None:
    text = desk.by(FINANCE).read("/settings/propose").split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]
    desk.post("/settings/propose", text=text.replace("&#34;", '"').replace("payment_days = 30", "payment_days = 9"))

    mine, theirs = desk.read("/"), desk.by(APPROVER).read("/")

    assert "Indstillinger til godkendelse" in mine
    assert theirs.index("for dig") < theirs.index("Årene")


def test_a_signatory_sees_its_own_invoices_and_agreements_only(desk: Office, issued: CommandLine) -> None:
    page = desk.by(signatory(issued)).read("/")

    assert "2027-0001" in page
    assert "2027-0002" not in page
    assert "OS2valghalla" in page
    assert "Hvad der venter på" in page
    assert "Årene" not in page


def test_a_coordination_member_sees_sums_and_no_invoice(desk: Office) -> None:
    page = desk.by(GROUP).read("/")

    assert "Jeres produkter i tal" in page
    assert "/invoices/" not in page
    assert "Jeres produkter" not in desk.by(person(8, Role.COORDINATION)).read("/")


def test_an_administrator_and_who_has_no_role_are_told_where_to_go(desk: Office) -> None:
    assert "/users" in desk.by(ADMINISTRATOR).read("/")
    assert "Du har ingen rolle" in desk.by(Principal(9, "Ingen", via="browser")).read("/")


def test_an_empty_house_says_what_is_missing(bare: Office) -> None:
    page = bare.by(FINANCE).read("/")

    assert "fordelingsnøgle mangler" in page
    assert "Ikke faktureret endnu" in page


def test_the_page_asks_a_fixed_number_of_questions(desk: Office) -> None:
    desk.by(AUDITOR).read("/")
    with desk.counted() as statements:
        desk.read("/")

    assert len(statements) <= 10
