"""Invoices in the browser: what is shown, to whom, what is refused, and that two people stand behind a credit note."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.access import Role
from billing import seller
from billing.renderings import RENDERINGS
from foundation.audit import ENTRIES
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, GROUP, OTHER, OWN, Desk, person, signatory
from tests.command_line import CommandLine

FIRST, SECOND = "2027-0001", "2027-0002"
EVERY_VIEW = ("", "/pdf", "/peppol", "/oioubl", "/page-1.png")


def test_the_list_and_a_page_are_told_in_both_languages(desk: Desk) -> None:
    danish = desk.sit(FINANCE).html("/invoices") + desk.html(f"/invoices/{FIRST}")
    desk.post("/language", language="en")
    english = desk.html("/invoices") + desk.html(f"/invoices/{FIRST}")

    assert "Fakturaer og kreditnotaer" in danish
    assert "Hvorfor" in danish
    assert "Bemærk: Fakturaen har hverken personreference eller ordrenummer." in danish
    assert "Invoices and credit notes" in english
    assert "Statement of account" in english


def test_a_signatory_sees_its_own_and_another_s_is_not_there(desk: Desk, issued: CommandLine) -> None:
    own = {OWN.cvr: FIRST, OTHER.cvr: SECOND}
    for cvr, theirs, others in ((OWN.cvr, own[OWN.cvr], own[OTHER.cvr]), (OTHER.cvr, own[OTHER.cvr], own[OWN.cvr])):
        desk.sit(signatory(issued, cvr))

        assert theirs in desk.html("/invoices")
        assert others not in desk.html("/invoices")
        assert others not in desk.get("/invoices.csv").text
        assert {desk.get(f"/invoices/{theirs}{view}").status_code for view in EVERY_VIEW} == {200}
        assert {desk.get(f"/invoices/{others}{view}").status_code for view in EVERY_VIEW} == {404}


def test_an_invoice_says_that_it_does_not_change_with_billing_details_and_offers_a_correction(
    desk: Desk, issued: CommandLine
) -> None:
    """PV-091: the page says so, leads to the details, and to a credit note whose lines are invoiced anew."""
    details, credit = f'href="/authorities/{OWN.cvr}/billing"', f'href="/invoices/{FIRST}/credit"'
    unchanged = "En udstedt faktura ændres ikke, når myndighedens faktureringsoplysninger ændres"

    secretariat = desk.sit(FINANCE).html(f"/invoices/{FIRST}")
    receiver = desk.sit(signatory(issued)).html(f"/invoices/{FIRST}")

    assert unchanged in secretariat and details in secretariat and credit in secretariat
    assert "hvis linjer må faktureres på ny" in secretariat
    assert "må faktureres på ny" in desk.sit(FINANCE).html(f"/invoices/{FIRST}/credit")
    assert unchanged in receiver and details in receiver and credit not in receiver
    assert "bed sekretariatet om en kreditnota og en ny faktura" in receiver


def test_who_approved_and_what_was_posted_is_not_the_receiver_s_business(desk: Desk, issued: CommandLine) -> None:
    page = desk.sit(signatory(issued)).html(f"/invoices/{FIRST}")

    assert "Godkendt af" not in page
    assert "Posteringer" not in page


@pytest.mark.parametrize("who", [ADMINISTRATOR, GROUP])
def test_who_reads_no_invoices_gets_none(desk: Desk, who: object) -> None:
    desk.sit(who)  # type: ignore[arg-type]

    assert {desk.get(f"/invoices/{FIRST}{view}").status_code for view in EVERY_VIEW} == {403}
    assert {desk.get(path).status_code for path in ("/invoices", "/invoices.csv")} == {403}


def test_a_document_is_the_kept_bytes_and_is_asked_for_once(desk: Desk, issued: CommandLine) -> None:
    with issued.session() as session:
        kept = dict(
            session.execute(select(RENDERINGS.c.format, RENDERINGS.c.content).where(RENDERINGS.c.invoice_id == 1)).all()
        )

    for form, content in kept.items():
        answer = desk.sit(AUDITOR).get(f"/invoices/{FIRST}/{form}")
        again = desk.get(f"/invoices/{FIRST}/{form}", **{"If-None-Match": answer.headers["ETag"]})

        assert answer.data == content
        assert FIRST in answer.headers["Content-Disposition"]
        assert (again.status_code, again.data) == (304, b"")
        assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_picture_is_a_picture_of_a_page_that_is_there(desk: Desk) -> None:
    answers = [desk.sit(FINANCE).get(f"/invoices/{FIRST}/page-{number}.png") for number in (1, 0, 99)]

    assert answers[0].data.startswith(b"\x89PNG")
    assert [answer.status_code for answer in answers] == [200, 404, 404]


@pytest.mark.parametrize(
    "path",
    ["/invoices/2027-9999", "/invoices/%27%20OR%201=1", "/invoices?page=0", "/invoices?page=99999",
     "/invoices?sort=document", "/invoices.exe", f"/invoices/{FIRST}/exe", f"/invoices/{FIRST}/page-99999999999.png",
     "/invoices/credits/99999999999999999999", "/invoices/credits/1"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    assert desk.sit(FINANCE).get(path).status_code == 404


@pytest.mark.parametrize("query", ["year=abc", "kind=%27", "q=%25", "state=x&book=y", "product=%3Cb%3E"])
def test_a_filter_takes_anything(desk: Desk, query: str) -> None:
    assert desk.sit(FINANCE).get(f"/invoices?{query}").status_code == 200


def test_a_character_that_no_database_keeps_is_refused_before_it_comes_to_one(desk: Desk) -> None:
    desk.sit(FINANCE)

    assert [desk.get(path).status_code for path in ("/invoices/%00", "/invoices?q=%00", "/?%00=1")] == [400, 400, 400]
    assert desk.post(f"/invoices/{FIRST}/credit", lines="1", reason="a\0b").status_code == 400


def test_filters_narrow_the_list_and_the_file(desk: Desk) -> None:
    desk.sit(FINANCE)

    queries = (f"q={OTHER.cvr}", f"q={FIRST}", "state=valid", "product=OS2valghalla", "kind=credit_note")
    found = {query: desk.get(f"/invoices.csv?{query}").text for query in queries}

    assert [FIRST in text for text in found.values()] == [False, True, False, True, False]
    assert [SECOND in text for text in found.values()] == [True, False, False, True, False]


def test_an_export_stands_in_the_audit_trail(desk: Desk, issued: CommandLine) -> None:
    assert desk.sit(AUDITOR).get("/invoices.xlsx?q=2027").data.startswith(b"PK")

    with issued.session() as session:
        entry = session.execute(select(ENTRIES).order_by(ENTRIES.c.position.desc()).limit(1)).one()
    assert (entry.action, entry.subject, entry.actor) == ("export.made", "invoices.xlsx", AUDITOR.actor)


def test_the_number_of_queries_does_not_grow_with_lines_or_invoices(desk: Desk) -> None:
    desk.sit(FINANCE).html("/")
    with desk.counted() as of_list:
        desk.html("/invoices")
    with desk.counted() as of_page:
        desk.html(f"/invoices/{FIRST}")

    assert len(of_list) <= 6
    assert len(of_page) <= 12


# --- credit notes


def propose(desk: Desk, **form: object) -> str:
    """Propose to take the first line of the first invoice back; give where the proposal stands."""
    answer = desk.post(f"/invoices/{FIRST}/credit", **({"lines": "1", "reason": "Forkert størrelse"} | form))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


@pytest.fixture
def strict(issued: CommandLine) -> None:
    """Settings under which no one may give money back alone."""
    text = seller.EXAMPLE.replace("credit_limit = 1000000", "credit_limit = 0")
    issued.done("settings", "import", issued.write("seller.toml", text))


def test_a_credit_note_needs_a_second_person_with_a_fresh_sign_in(desk: Desk, strict: None) -> None:
    place = propose(desk.sit(FINANCE))
    own = desk.sit(person(1, Role.FINANCE, Role.APPROVER)).post(f"{place}/approve")
    stale = desk.sit(person(2, Role.APPROVER, signed_in=timedelta(hours=1))).post(f"{place}/approve")
    waiting = desk.sit(APPROVER).html(f"/invoices/{FIRST}")
    done = desk.post(f"{place}/approve")
    again = desk.post(f"{place}/approve")

    assert own.status_code == 422
    assert (stale.status_code, "/sign-in?next=%2Finvoices%2Fcredits%2F" in stale.text) == (403, True)
    assert place in waiting
    assert done.headers["Location"] == "/invoices/K-2027-0001"
    assert again.status_code == 409
    assert "K-2027-0001" in desk.html(f"/invoices/{FIRST}")
    assert desk.get("/invoices/K-2027-0001/pdf").status_code == 200


def test_a_proposed_credit_note_can_be_rejected_with_a_reason_or_withdrawn(desk: Desk, strict: None) -> None:
    place = propose(desk.sit(FINANCE))
    without = desk.sit(APPROVER).post(f"{place}/reject")
    desk.post(f"{place}/reject", reason="Ikke aftalt")
    second = propose(desk.sit(FINANCE))
    stranger = desk.sit(person(7, Role.FINANCE)).post(f"{second}/withdraw")
    desk.sit(FINANCE).post(f"{second}/withdraw")

    assert (without.status_code, "error-reason" in without.text) == (422, True)
    assert f"{place}/reject" in without.text
    assert stranger.status_code == 422
    assert "Ikke aftalt" in desk.html(place)
    assert "Trukket tilbage" in desk.html(second)


def test_within_the_limit_one_person_credits_at_once(desk: Desk) -> None:
    assert propose(desk.sit(FINANCE)) == "/invoices/K-2027-0001"

    page = desk.html(f"/invoices/{FIRST}")
    assert "krediteret</span>" in page and "<strong>Delvist krediteret</strong>" in page  # nothing is paid in part
    assert desk.post(f"/invoices/{FIRST}/credit", lines="1", reason="igen").status_code == 409


def test_an_invoice_and_the_one_that_corrects_it_lead_to_each_other(desk: Desk, issued: CommandLine) -> None:
    propose(desk.sit(FINANCE), then_reissue="on")
    issued.issue(2027)

    first, note = desk.html(f"/invoices/{FIRST}"), desk.html("/invoices/K-2027-0001")
    second = desk.html("/invoices/2027-0003")

    assert 'er faktureret på ny på <a href="/invoices/2027-0003"' in first and "/invoices/2027-0003" in note
    assert f'blev krediteret på <a href="/invoices/{FIRST}"' in second


def test_a_form_without_lines_or_reason_says_so_and_loses_nothing(desk: Desk) -> None:
    nothing = desk.sit(FINANCE).post(f"/invoices/{FIRST}/credit", reason="En grund & mere")
    hostile = desk.post(f"/invoices/{FIRST}/credit", lines="1 OR 1", reason="x")
    unexplained = desk.post(f"/invoices/{FIRST}/credit", lines="1", reason=" ")

    assert [answer.status_code for answer in (nothing, hostile, unexplained)] == [422, 422, 422]
    assert "Vælg mindst én linje" in nothing.text
    assert "En grund &amp; mere" in nothing.text
    assert "checked" in unexplained.text


@pytest.mark.parametrize("who", [AUDITOR, ADMINISTRATOR, GROUP])
def test_who_may_not_prepare_credit_notes_is_refused(desk: Desk, who: object) -> None:
    desk.sit(who)  # type: ignore[arg-type]

    assert desk.post(f"/invoices/{FIRST}/credit", lines="1", reason="x").status_code == 403
    assert desk.get("/invoices/credits/1").status_code == 403
