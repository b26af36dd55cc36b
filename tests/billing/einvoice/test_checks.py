"""Each fault is found by its code, and a good invoice gives nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from billing.document import InvoiceDocument
from billing.einvoice import checks
from billing.reminder_document import ReminderDocument
from foundation.language import same
from foundation.money import Money, kroner
from tests.billing.einvoice import documents as make

HOUSE = Path(__file__).resolve().parents[3]


def seller(**changes: str) -> dict[str, Any]:
    return {"seller": replace(make.SELLER, **changes)}


def buyer(**changes: str) -> dict[str, Any]:
    return {"buyer": replace(make.BUYER, **changes)}


def references(**changes: Any) -> dict[str, Any]:
    return {"references": replace(make.REFERENCES, **changes)}


def payment(**changes: str) -> dict[str, Any]:
    return {"payment": replace(make.EVERY_WAY, **changes)}


def vat_total(**changes: Any) -> dict[str, Any]:
    return {"vat_totals": (replace(make.invoice().vat_totals[0], **changes),)}


def without_vat() -> InvoiceDocument:
    """Give back two øre whose VAT another line of the invoice carried."""
    credit = make.credit_note(make.line(Money(2)))
    (line,), (row,) = credit.lines, credit.vat_totals
    nothing = Money(0)
    return replace(
        credit,
        lines=(replace(line, vat=nothing),),
        vat_totals=(replace(row, vat=nothing),),
        vat=nothing,
        gross=Money(2),
    )


ERRORS: list[tuple[str, InvoiceDocument]] = [
    ("number_format", make.invoice(number="2027/1")),
    ("number_format", make.invoice(number="")),
    ("number_year", make.invoice(number="2026-0001")),
    ("due_date_missing", make.invoice(due_on=None)),
    ("due_date_before_issue", make.invoice(due_on=date(2027, 1, 14))),
    ("seller_name_missing", make.invoice(**seller(name=" "))),
    ("seller_cvr_format", make.invoice(**seller(cvr="DK41849983"))),
    ("seller_gln", make.invoice(**seller(gln="5790002750596"))),
    ("seller_gln", make.invoice(**seller(gln="579000275059"))),
    ("buyer_name_missing", make.invoice(**buyer(name=""))),
    ("buyer_cvr_format", make.invoice(**buyer(cvr=""))),
    ("buyer_gln", make.invoice(**references(gln="2996494221207"))),
    ("buyer_gln", make.invoice(**references(gln="5798-009811578"))),
    ("buyer_gln_missing", make.invoice(**references(gln=""))),
    ("no_lines", make.invoice(lines=(), vat_totals=(), net=Money(0), vat=Money(0), gross=Money(0))),
    ("line_positions", make.invoice(lines=(make.invoice().lines * 2))),
    ("line_text_missing", make.invoice(make.line(text=same(" ")))),
    ("line_period", make.invoice(make.line(last_day=date(2026, 12, 31)))),
    ("outside_vat_mixed", make.invoice(make.outside_vat(), make.line())),
    ("outside_vat_mixed", make.invoice(make.outside_vat())),
    ("vat_without_registration", make.invoice(seller_vat_registered=False)),
    ("exemption_reason_missing", make.invoice(make.exempt(), exemption=" ")),
    ("vat_rate", make.invoice(make.line(vat_rate=Fraction(0)))),
    ("vat_rate", make.invoice(make.line(vat_rate=Fraction(1, 3)))),
    ("vat_rate", make.invoice(make.exempt(vat_rate=Fraction(1, 4)))),
    ("vat_totals_incomplete", make.invoice(vat_totals=())),
    ("vat_totals_incomplete", make.invoice(vat_totals=make.invoice().vat_totals * 2)),
    ("vat_base", make.invoice(**vat_total(net=kroner(1)))),
    ("vat_amount", make.invoice(**vat_total(vat=Money(871_999)))),
    ("vat_of_lines", make.invoice(lines=(make.line(),))),
    ("net_sum", make.invoice(net=Money(3_488_001))),
    ("vat_sum", make.invoice(vat=Money(872_001))),
    ("gross_sum", make.invoice(gross=Money(4_360_001))),
    ("negative_total", make.invoice(make.taken_off(kroner(-1)))),
    ("no_payment_way", make.invoice(payment=make.NO_PAYMENT)),
    ("fik_creditor", make.invoice(**payment(fik_creditor="8000000"))),
    ("fik_id", make.invoice(**payment(fik_id="112027000000017"))),
    ("fik_id", make.invoice(**payment(fik_id=""))),
    ("bank_account", make.invoice(**payment(registration="40"))),
    ("bank_account", make.invoice(**payment(account=""))),
    ("bank_account", make.invoice(**payment(account="04401162431"))),
    ("iban", make.invoice(**payment(iban="DK50 0040 0440 1162 44"))),
    ("number_series", make.invoice(number="K-2027-0001")),
    ("number_series", make.credit_note(number="2027-0001")),
    ("number_year", make.credit_note(number="K-2026-0001")),
    ("seller_vat_number", make.invoice(**seller(cvr="4184998"))),
    ("payment_note_length", make.invoice(number="2027-" + "0" * 15 + "1")),
    ("bank_registration", make.invoice(payment=replace(make.BY_ACCOUNT, registration="0000"))),
    ("credited_missing", make.credit_note(credited=None)),
    ("credited_by_invoice", make.invoice(credited=make.CREDITED)),
    ("credited_number", make.credit_note(credited=replace(make.CREDITED, number=""))),
    ("credited_number", make.credit_note(credited=replace(make.CREDITED, number="K-2027-0002"))),
    ("credited_reason_missing", make.credit_note(credited=replace(make.CREDITED, reason=" "))),
    ("credited_later", make.credit_note(credited=replace(make.CREDITED, issued_on=date(2027, 2, 2)))),
    ("credited_book", make.credit_note(credited=replace(make.CREDITED, number="R-2027-0001"))),
    ("negative_credit", make.credit_note(make.taken_off(kroner(-1)))),
    ("due_date_before_issue", make.credit_note(due_on=date(2027, 1, 31))),
    ("vat_amount", make.credit_note(**vat_total(vat=Money(872_002)))),
    ("vat_rounded_away", without_vat()),
    ("fik_id", make.credit_note(**payment(fik_id="112027000000017"))),
]

REMINDERS: list[tuple[str, ReminderDocument]] = [
    ("reminder_number_missing", make.reminder(number=" ")),
    ("reminder_sequence", make.reminder(sequence=0)),
    ("reminder_sequence", make.reminder(sequence=4)),
    ("reminder_without_invoice", make.reminder(invoices=())),
    ("reminder_nothing_owed", make.reminder(invoices=(replace(make.OWED, outstanding=Money(0)),))),
    ("reminder_not_due", make.reminder(invoices=(replace(make.OWED, due_on=date(2027, 3, 1)),))),
    ("reminder_owed", make.reminder(outstanding=Money(1))),
    ("reminder_charged", make.reminder(charged=Money(1))),
    ("reminder_to_pay", make.reminder(to_pay=Money(1))),
    ("due_date_before_issue", make.reminder(due_on=date(2027, 2, 28))),
    ("no_payment_way", make.reminder(payment=make.NO_PAYMENT)),
    ("payment_note_length", make.reminder(number="2027-0001-" + "1" * 11)),
    ("buyer_gln", make.reminder(**references(gln="2996494221207"))),
    ("seller_cvr_format", make.reminder(**seller(cvr=""))),
]

WARNINGS: list[tuple[str, InvoiceDocument]] = [
    ("term_above_30_days", make.invoice(due_on=date(2027, 2, 15))),
    ("seller_cvr_check_digit", make.invoice(**seller(cvr="41849984"))),
    ("seller_address_missing", make.invoice(**seller(address=""))),
    ("buyer_cvr_check_digit", make.invoice(**buyer(cvr="29189731"))),
    ("buyer_address_missing", make.invoice(**buyer(city=""))),
    ("buyer_reference_missing", make.invoice(**references(person_reference=" ", order_reference=""))),
    ("buyer_reference_missing", make.credit_note(**references(person_reference="", order_reference=""))),
]


def ids(cases: Sequence[tuple[str, object]]) -> list[str]:
    return [code for code, _ in cases]


def test_a_good_invoice_gives_nothing() -> None:
    document = make.invoice(make.line(), make.exempt(), make.taken_off(kroner(-1_000)), payment=make.EVERY_WAY)

    assert checks.check(document) == []


@pytest.mark.parametrize(("code", "document"), ERRORS, ids=ids(ERRORS))
def test_an_error_keeps_the_invoice_from_being_sent(code: str, document: InvoiceDocument) -> None:
    found = checks.check(document)

    assert code in [finding.code for finding in checks.errors(found)]


@pytest.mark.parametrize(("code", "document"), WARNINGS, ids=ids(WARNINGS))
def test_a_warning_is_told_and_may_be_passed_over(code: str, document: InvoiceDocument) -> None:
    found = checks.check(document)

    assert [(finding.severity, finding.code) for finding in found] == [("warning", code)]


@pytest.mark.parametrize(("code", "document"), ERRORS + WARNINGS, ids=ids(ERRORS + WARNINGS))
def test_a_finding_says_in_both_languages_what_is_wrong_and_how_to_mend_it(
    code: str, document: InvoiceDocument
) -> None:
    assert_helpful(checks.check(document))


@pytest.mark.parametrize(("code", "reminder"), REMINDERS, ids=ids(REMINDERS))
def test_an_error_keeps_the_reminder_from_being_sent_and_says_how_to_mend_it(
    code: str, reminder: ReminderDocument
) -> None:
    found = checks.check_reminder(reminder)

    assert code in [finding.code for finding in checks.errors(found)]
    assert_helpful(found)


def test_every_code_is_tried_here_and_stands_in_the_reference() -> None:
    written = HOUSE.joinpath("billing/einvoice/checks.py").read_text()
    plain = set(re.findall(r'(?:_error|_warning|_differs)\(\s*"(\w+)"', written))
    of_both = {f"{who}_{end}" for end in re.findall(r'f"\{who\}_(\w+)"', written) for who in ("seller", "buyer")}

    tried = {code for code, _ in (*ERRORS, *WARNINGS, *REMINDERS)}

    assert plain | of_both == tried
    reference = HOUSE.joinpath("docs/reference.md").read_text()
    assert {code for code in tried if f"`{code}`" not in reference} == set()


def assert_helpful(findings: list[checks.Finding]) -> None:
    for finding in findings:
        assert finding.message.da != finding.message.en
        for text in (finding.message.da, finding.message.en):
            assert text.endswith(".") and text.count(". ") >= 1


def test_a_wrong_sum_names_what_stands_and_what_should() -> None:
    (finding,) = checks.check(make.invoice(gross=Money(4_360_001)))

    assert finding.message.da == (
        "Beløb med moms er 43.600,01\u00a0kr., men skal være 43.600,00\u00a0kr. Beregn fakturaen igen."
    )


def test_the_gln_is_not_asked_for_when_the_invoice_goes_to_the_cvr_number() -> None:
    document = make.invoice(**references(endpoint="cvr", gln=""))

    assert checks.check(document) == []


@pytest.mark.parametrize("number", ["2027-0001", "2027-12345", "R-2027-0001"])
def test_a_number_of_any_series_of_invoices_is_good(number: str) -> None:
    assert checks.check(make.invoice(number=number)) == []


@pytest.mark.parametrize("number", ["2027-0001", "R-2027-0001"])
def test_a_credit_note_in_the_book_of_its_invoice_is_good(number: str) -> None:
    document = make.credit_of(make.invoice(make.line(), make.exempt(), number=number))

    assert checks.check(document) == []


def test_a_credit_note_need_not_say_how_it_is_paid_nor_keep_a_term() -> None:
    document = make.credit_note(payment=make.NO_PAYMENT, due_on=date(2028, 1, 1))

    assert checks.check(document) == []


def test_a_credit_note_gives_back_the_lines_shares_of_the_vat_which_rounding_moved() -> None:
    """Eight lines of three øre carry six øre of VAT: two lines got none, and with a third give one øre back."""
    whole = make.invoice(*[make.line(Money(3))] * 8)
    shares = [Money(ore) for ore in (0, 0, 1)]
    some = tuple(replace(line, vat=share) for line, share in zip(whole.lines, shares, strict=False))
    total = replace(whole.vat_totals[0], net=Money(9), vat=Money(1))
    changes: dict[str, Any] = {"lines": some, "vat_totals": (total,), "net": Money(9), "vat": Money(1)}

    document = make.credit_of(whole, **changes, gross=Money(10))

    assert checks.check(document) == []


def test_a_good_reminder_gives_nothing() -> None:
    reminder = make.reminder(make.FEE_FOR_REMINDING, make.INTEREST, invoices=(make.OWED, make.PARTLY_OWED))

    assert checks.check_reminder(reminder) == []
