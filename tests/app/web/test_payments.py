"""Payments in the browser: hostile forms place nothing, what has changed meanwhile is refused, two people decide."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from billing import balances, payments
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, OTHER, OWN, Desk, forms_of, held, signatory, told_at
from tests.command_line import CommandLine
from tests.paying import fik_of, gross_of, payment, pays

FIRST, SECOND = "2027-0001", "2027-0002"
DAY = date(2027, 1, 15)
FAR = "9" * 30


@pytest.fixture
def paid(issued: CommandLine) -> CommandLine:
    """Too much for the first invoice, and a stranger's 50 kroner."""
    with issued.session() as session:
        gross = gross_of(session, FIRST)
    pays(issued, payment(gross + 700, DAY, fik_id=fik_of(FIRST)), payment(5_000, DAY, payer="<script>=1+1</script>"))
    return issued


def left(line: CommandLine) -> list[int]:
    """What waits, in øre."""
    with line.session() as session:
        return [each.left.ore for each in payments.waiting(session)]


def parts_on(page: str) -> str:
    """The first suggestion of a page, as its form sends it."""
    return page.partition('name="parts" value="')[2].partition('"')[0]


HOSTILE: list[dict[str, Any]] = [
    {},
    {"number": [FIRST], "amount": ["-1"], "why": "x"},
    {"number": [FIRST], "amount": [FAR], "why": "x"},
    {"number": [FIRST], "amount": ["1,005"], "why": "x"},
    {"number": [FIRST], "amount": ["1e3"], "why": "x"},
    {"number": ["2027-9999"], "amount": ["1"], "why": "x"},
    {"number": ["' OR 1=1 --"], "amount": ["1"], "why": "x"},
    {"number": [SECOND, SECOND], "amount": ["30", "30"], "why": "x"},
    {"number": [], "amount": [], "why": "x"},
    {"credit_to": "12345678", "credit_amount": "1", "why": "x"},
    {"credit_to": OWN.cvr, "credit_amount": "-1", "why": "x"},
    {"account": "6190", "account_amount": "1", "why": "x"},
    {"account": "findes ikke", "account_amount": "1", "why": "x"},
    {"refund": "1", "why": "x"},
    {"refund": FAR, "why": "x"},
    {"number": [SECOND], "amount": ["1"], "why": "\u202eomvendt"},
    {"number": [SECOND], "amount": ["1"], "why": ""},
    {"number": [SECOND], "amount": ["1"], "why": "x", "transaction_id": "1"},
]


@pytest.mark.parametrize("form", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_form_places_nothing(desk: Desk, paid: CommandLine, form: dict[str, Any]) -> None:
    before = left(paid)

    answer = desk.sit(FINANCE).post("/payments/2/place", **form)

    assert answer.status_code == 422, answer.text
    assert left(paid) == before


def test_what_was_typed_to_place_a_payment_is_kept_and_the_fault_told_at_the_invoices(
    desk: Desk, paid: CommandLine
) -> None:
    rows = {"number": [SECOND, "2027-9999", ""], "amount": ["12,34", "1,50", "2,75"], "charged": [FIRST]}
    more = {"charge": ["3,25"], "credit_to": OWN.cvr, "credit_amount": "4", "why": "Aftalt"}

    page = desk.sit(FINANCE).post("/payments/2/place?q=2027", **rows, **more).text

    (form,) = forms_of(page, "/place?q=2027")
    assert told_at(page, form) == ["field-number"]
    typed = ["12,34", "2027-9999", "1,50", "2,75", FIRST, "3,25", OWN.cvr, "4", "Aftalt"]
    assert [words for words in held(form) if words in typed] == typed


def test_a_payment_without_a_reason_keeps_its_rows_and_says_so_at_the_reason(desk: Desk, paid: CommandLine) -> None:
    page = desk.sit(FINANCE).post("/payments/2/place", number=["", ""], amount=["1", "2"], why="").text

    (form,) = forms_of(page, "/place")
    assert told_at(page, form) == ["field-why"]
    assert held(form) == ["1", "2"]


def test_what_somebody_gives_a_product_is_placed_in_its_fund(desk: Desk, paid: CommandLine) -> None:
    given = {"fund": "OS2kitos", "fund_amount": "20,00", "giver": OTHER.cvr, "why": "Tilsagn"}

    refused = desk.sit(FINANCE).post("/payments/2/place", **given | {"giver": "00000000"})
    (form,) = forms_of(refused.text, "/place")
    assert (refused.status_code, told_at(refused.text, form)) == (422, ["field-number"])
    assert {"20,00", "00000000", "Tilsagn"} <= set(held(form))
    assert desk.post("/payments/2/place", **given | {"fund": "OS2findes-ikke"}).status_code == 422
    assert desk.post("/payments/2/place", **given).status_code == 303

    page = desk.html("/payments/2")
    assert "som bidrag til fonden for OS2kitos, fra" in page
    paid.done("verify")


def test_a_fault_in_placing_what_went_out_is_told_at_the_refund(desk: Desk, paid: CommandLine) -> None:
    pays(paid, payment(-700, DAY, payer="Banken"))

    page = desk.sit(FINANCE).post("/payments/3/place", account="6190", account_amount="x", why="Gebyr").text

    (form,) = forms_of(page, "/place")
    assert told_at(page, form) == ["field-refund"]
    assert held(form) == ["6190", "x", "Gebyr"]


def test_a_suggestion_that_was_taken_or_made_up_is_refused(desk: Desk, paid: CommandLine) -> None:
    parts = parts_on(desk.sit(FINANCE).html("/payments"))

    assert desk.post("/payments/1/take", parts="1:0:1:100").status_code == 409
    assert desk.post("/payments/1/take", parts=parts).status_code == 303
    assert desk.post("/payments/1/take", parts=parts).status_code == 409
    assert desk.post("/payments/987654321987654321987/take", parts=parts).status_code == 404
    assert left(paid) == [5_000]
    paid.done("verify")


def test_what_a_payer_wrote_is_shown_as_words_and_exported_as_no_formula(desk: Desk, paid: CommandLine) -> None:
    pays(paid, payment(100, DAY, payer="=HYPERLINK(1)", message="<b>=2</b>"))

    page, file = desk.sit(AUDITOR).html("/payments"), desk.get("/payments.csv").get_data(as_text=True)

    assert "<script>=1+1" not in page
    assert "&lt;script&gt;=1+1" in page
    assert "'=HYPERLINK(1)" in file


@pytest.mark.parametrize("query", ["?on=2027-02-30", "?on=i%20dag", "?on=2027-01-01%27"])
def test_a_day_that_there_is_not_is_not_found(desk: Desk, paid: CommandLine, query: str) -> None:
    assert desk.sit(FINANCE).get(f"/authorities/{OWN.cvr}/account{query}").status_code == 404


def test_undoing_asks_for_a_reason_and_is_done_once(desk: Desk, paid: CommandLine) -> None:
    desk.sit(FINANCE).post("/payments/match")

    assert desk.post("/payments/matches/1/undo", reason=" ").status_code == 422
    assert desk.post("/payments/matches/1/undo", reason="Forkert").status_code == 303
    assert desk.post("/payments/matches/1/undo", reason="Forkert").status_code == 409
    assert desk.post("/payments/matches/3/undo", reason="Forkert").status_code == 404, "a row that undoes"
    assert "Forkert" in desk.html("/payments/1")
    paid.done("verify")


def test_it_is_told_how_much_of_a_payment_was_placed(desk: Desk, paid: CommandLine) -> None:
    desk.sit(FINANCE).post("/payments/2/place", credit_to=OWN.cvr, credit_amount="20,50", why="Aftalt")

    assert "20,50 kr. er placeret" in desk.html("/payments").replace("\xa0", " ")


def test_a_fault_in_undoing_is_told_at_the_placing_that_was_to_be_undone(desk: Desk, paid: CommandLine) -> None:
    desk.sit(FINANCE).post("/payments/match")

    answer = desk.post("/payments/matches/2/undo", reason="\u202eomvendt")

    (first,), (second,) = forms_of(answer.text, "/matches/1/undo"), forms_of(answer.text, "/matches/2/undo")
    assert answer.status_code == 422
    assert told_at(answer.text, second) == ["field-undo-2"]
    assert held(second) == ["\u202eomvendt"]
    assert held(first) == [] and "error-" not in first
    assert desk.post("/payments/matches/1/undo", reason="").status_code == 422
    assert desk.post("/payments/matches/1/undo", reason="Forkert").status_code == 303
    assert desk.post("/payments/matches/1/undo", reason="").status_code == 409, "no reason would mend that"
    assert desk.post("/payments/matches/987654/undo", reason="").status_code == 404


@pytest.mark.parametrize(
    ("amount", "reason", "fields"),
    [("x", "Konkurs", ["field-amount"]), (FAR, "Konkurs", ["field-amount"]), ("1,00", "", ["field-reason"]),
     ("", "", ["field-amount", "field-reason"])],
)  # fmt: skip
def test_a_fault_in_a_write_off_is_told_at_its_field_and_what_was_typed_is_kept(
    desk: Desk, paid: CommandLine, amount: str, reason: str, fields: list[str]
) -> None:
    page = desk.sit(FINANCE).post(f"/invoices/{SECOND}/write-off", amount=amount, reason=reason, with_vat="on").text

    form = next(each for each in page.split("</form>") if 'name="with_vat"' in each)
    assert told_at(page, form) == fields
    assert held(form) == [typed for typed in (amount, reason) if typed]
    assert re.search(r'name="with_vat" checked', form)


def test_a_write_off_is_prepared_by_one_and_approved_by_another(desk: Desk, paid: CommandLine) -> None:
    desk.sit(FINANCE)
    for amount in ("0", "-1", FAR, "x"):
        assert desk.post(f"/invoices/{SECOND}/write-off", amount=amount, reason="x").status_code == 422
    address = desk.post(f"/invoices/{SECOND}/write-off", amount="1,00", reason="Konkurs", with_vat="on").location

    assert desk.post(f"{address}/approve").status_code == 403
    page = desk.sit(APPROVER).html(address)
    assert "Konkurs" in page
    assert desk.post(f"{address}/approve", digest="0" * 64).status_code == 409
    assert desk.post(f"{address}/approve").status_code == 303
    assert desk.post(f"{address}/approve").status_code == 409
    with paid.session() as session:
        owed = balances.outstanding(session, DAY).values()
    assert [each.written_off.ore for each in owed] == [0, 100]
    paid.done("verify")


def test_credit_is_used_only_on_ones_own_invoices_and_no_more_than_there_is(desk: Desk, paid: CommandLine) -> None:
    desk.sit(FINANCE).post("/payments/match")
    use, refund = (f"/authorities/{OWN.cvr}/account/{act}" for act in ("use", "refund"))

    assert desk.post(use, number=SECOND, amount="1").status_code == 422
    assert desk.post(use, number=FIRST, amount="1").status_code == 422, "it owes nothing"
    assert desk.post(refund, amount="7,01", reason="x").status_code == 422
    assert desk.post(refund, amount="7,00", reason="Betalt for meget").status_code == 303


@pytest.mark.parametrize(
    ("number", "amount", "place"),
    [(SECOND, "1", "field-use-number"), (FIRST, "x", "field-use-amount"), (FIRST, "7,01", "field-use-amount"),
     (FIRST, "", "field-use-amount")],
)  # fmt: skip
def test_a_fault_in_using_credit_is_told_there_and_the_refund_stays_empty(
    desk: Desk, paid: CommandLine, number: str, amount: str, place: str
) -> None:
    desk.sit(FINANCE).post("/payments/match")

    page = desk.post(f"/authorities/{OWN.cvr}/account/use", number=number, amount=amount).text

    (use,), (refund,) = forms_of(page, "/use"), forms_of(page, "/refund")
    assert told_at(page, use) == [place]
    assert held(use) == [typed for typed in (number, amount) if typed]
    assert held(refund) == [] and "error-" not in refund


def test_a_fault_in_a_refund_is_told_there_and_nothing_is_moved_to_an_invoice(desk: Desk, paid: CommandLine) -> None:
    desk.sit(FINANCE).post("/payments/match")

    page = desk.post(f"/authorities/{OWN.cvr}/account/refund", amount="7,01", reason="Betalt for meget").text

    (use,), (refund,) = forms_of(page, "/use"), forms_of(page, "/refund")
    assert told_at(page, refund) == ["field-amount"]
    assert held(refund) == ["7,01", "Betalt for meget"]
    assert held(use) == [] and "error-" not in use


def test_a_signatory_reads_its_own_account_and_nobodys_payments(desk: Desk, paid: CommandLine) -> None:
    desk.sit(signatory(paid))

    assert "Kontoudtog" in desk.html(f"/authorities/{OWN.cvr}/account")
    csv = desk.get(f"/authorities/{OWN.cvr}/account.csv").text.splitlines()
    assert csv[0].lstrip("\ufeff").split(";")[:4] == ["Dag", "Slags", "Faktura", "Tekst"]
    assert csv[1].split(";")[1:3] == ["Faktura eller kreditnota", "2027-0001"]
    assert desk.get(f"/authorities/{OTHER.cvr}/account").status_code == 404
    assert desk.get(f"/authorities/{OTHER.cvr}/account.csv").status_code == 404
    assert desk.get("/payments").status_code == 403
