"""Invoices to try the XML on. `invoice` makes a good one; each test changes the one thing it is about.

Totals follow from the lines unless a test says otherwise, so that a wrong sum is always meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from billing import payment_id
from billing.document import (
    Credited,
    DocumentLine,
    InvoiceDocument,
    Party,
    PaymentWays,
    References,
    VatCategory,
    VatTotal,
)
from billing.reminder_document import RemindedInvoice, ReminderCharge, ReminderDocument
from foundation.language import Text, same
from foundation.money import Money, kroner, total

VAT = Fraction(1, 4)
FEE, DUES = kroner(34_880), kroner(25_000)
EXEMPT_BY_LAW = "VATEX-EU-132-1L Momsfri efter momslovens § 13, stk. 1, nr. 4"

SELLER = Party(
    name="OS2 – Offentligt digitaliseringsfællesskab",
    cvr="41849983",
    address="Hack Kampmanns Plads 2",
    postcode="8000",
    city="Aarhus C",
    gln="5790002750595",
)
BUYER = Party(
    name="Ærøskøbing Kommune",
    cvr="29189730",
    address="Rådhusgade 1",
    postcode="5970",
    city="Ærøskøbing",
    gln="2996494221206",
)
REFERENCES = References(
    endpoint="gln",
    gln="2996494221206",
    person_reference="Økonomi, Ådalen",
    order_reference="PO-4711",
    accounting_cost="4140-22-901",
)
NO_PAYMENT = PaymentWays(fik_creditor="", fik_id="", registration="", account="", iban="")
BY_FIK = replace(NO_PAYMENT, fik_creditor="80000000", fik_id=payment_id.for_invoice(2027, 1, rehearsal=False))
BY_ACCOUNT = replace(NO_PAYMENT, registration="0040", account="0440116243")
BY_IBAN = replace(NO_PAYMENT, iban="DK50 0040 0440 1162 43")
EVERY_WAY = replace(BY_FIK, registration=BY_ACCOUNT.registration, account=BY_ACCOUNT.account, iban=BY_IBAN.iban)


def line(net: Money = FEE, **changes: Any) -> DocumentLine:
    """Make a line: the year's fee of OS2valghalla at 25 %, its share of VAT still to be found."""
    standard = DocumentLine(
        position=1,
        kind="annual_fee",
        product="OS2valghalla",
        text=Text("OS2valghalla, årlig afgift 2027", "OS2valghalla, annual fee 2027"),
        why=Text("Mellem kommune med 42.000 indbyggere, medlem.", "Medium authority, 42,000 inhabitants, member."),
        first_day=date(2027, 1, 1),
        last_day=date(2027, 12, 31),
        net=net,
        vat_category="S",
        vat_rate=VAT,
        vat=Money(0),
    )
    return replace(standard, **changes)


def exempt(net: Money = DUES, **changes: Any) -> DocumentLine:
    """Make a line of exempt membership dues."""
    dues = Text("OS2, kontingent 2027", "OS2, membership dues 2027")
    standard = {"kind": "membership_dues", "product": "", "text": dues}
    return line(net, **{**standard, "vat_category": "E", "vat_rate": Fraction(0), **changes})


def outside_vat(net: Money = DUES, **changes: Any) -> DocumentLine:
    """Make a line outside VAT, as a seller who is not registered writes them."""
    return line(net, vat_category="O", vat_rate=Fraction(0), **changes)


def zero_rated(net: Money = DUES, **changes: Any) -> DocumentLine:
    """Make a line at a rate of zero."""
    return line(net, vat_category="Z", vat_rate=Fraction(0), **changes)


def taken_off(net: Money, text: str = "Rabat på tilslutningsafgift") -> DocumentLine:
    """Make a line that takes off; `net` is negative. It covers no period."""
    return line(net, kind="rebate", text=same(text), first_day=None, last_day=None)


def invoice(*lines: DocumentLine, exemption: str = EXEMPT_BY_LAW, **changes: Any) -> InvoiceDocument:
    """Make an invoice of these lines (one, if none is given) with totals that follow from them."""
    totals = _vat_totals(lines or (line(),), exemption)
    numbered = _with_vat(lines or (line(),), totals)
    net, vat = total(row.net for row in totals), total(row.vat for row in totals)
    standard = InvoiceDocument(
        number="2027-0001",
        year=2027,
        issued_on=date(2027, 1, 15),
        due_on=date(2027, 2, 14),
        seller=SELLER,
        seller_vat_registered=True,
        buyer=BUYER,
        references=REFERENCES,
        lines=numbered,
        vat_totals=totals,
        net=net,
        vat=vat,
        gross=net + vat,
        payment=BY_FIK,
        notices=(),
    )
    return replace(standard, **changes)


def of_unregistered_seller(*lines: DocumentLine, **changes: Any) -> InvoiceDocument:
    """Make an invoice outside VAT by a seller who is not registered for it."""
    return invoice(*(lines or (outside_vat(),)), exemption="", seller_vat_registered=False, **changes)


CREDITED = Credited("2027-0001", date(2027, 1, 15), "Aftalen var opsagt, så vederlaget skulle ikke opkræves.")


def credit_note(*lines: DocumentLine, **changes: Any) -> InvoiceDocument:
    """Make a credit note of these lines, which takes them off the first invoice of 2027."""
    return credit_of(invoice(*lines), **changes)


def credit_of(taken_back: InvoiceDocument, **changes: Any) -> InvoiceDocument:
    """Make the credit note of a whole invoice, in the same book."""
    book = "R-" if taken_back.number.startswith("R-") else ""
    standard: dict[str, Any] = {
        "kind": "credit_note",
        "number": f"{book}K-2027-0001",
        "issued_on": date(2027, 2, 1),
        "credited": replace(CREDITED, number=taken_back.number),
    }
    return replace(taken_back, **{**standard, **changes})


FEE_FOR_REMINDING = ReminderCharge("fee", Text("Rykkergebyr", "Fee for the reminder"), kroner(100))
INTEREST = ReminderCharge("interest", Text("Rente", "Interest"), Money(12_345))
COMPENSATION = ReminderCharge("compensation", Text("Kompensationsbeløb", "Compensation"), kroner(310))
OWED = RemindedInvoice("2027-0001", date(2027, 1, 15), date(2027, 2, 14), kroner(43_600))
PARTLY_OWED = RemindedInvoice("2027-0002", date(2027, 1, 15), date(2027, 2, 14), Money(1))


def reminder(*charges: ReminderCharge, **changes: Any) -> ReminderDocument:
    """Make a reminder of these charges (none, if none is given) with sums that follow from them."""
    invoices = changes.pop("invoices", (OWED,))
    outstanding, charged = total(row.outstanding for row in invoices), total(row.amount for row in charges)
    standard = ReminderDocument(
        number="2027-0001-1",
        sequence=1,
        issued_on=date(2027, 3, 1),
        due_on=date(2027, 3, 11),
        seller=SELLER,
        seller_vat_registered=True,
        buyer=BUYER,
        references=REFERENCES,
        invoices=invoices,
        charges=charges,
        outstanding=outstanding,
        charged=charged,
        to_pay=outstanding + charged,
        payment=BY_FIK,
        notices=(),
    )
    return replace(standard, **changes)


def _vat_totals(lines: Sequence[DocumentLine], exemption: str) -> tuple[VatTotal, ...]:
    rates: list[tuple[VatCategory, Fraction]] = list(dict.fromkeys((row.vat_category, row.vat_rate) for row in lines))
    return tuple(_vat_total(category, rate, lines, exemption) for category, rate in rates)


def _vat_total(category: VatCategory, rate: Fraction, lines: Sequence[DocumentLine], exemption: str) -> VatTotal:
    net = total(row.net for row in lines if (row.vat_category, row.vat_rate) == (category, rate))
    reason = exemption if category in ("E", "O") else ""
    return VatTotal(category=category, rate=rate, exemption=reason, net=net, vat=net.scaled(rate))


def _with_vat(lines: Sequence[DocumentLine], totals: Sequence[VatTotal]) -> tuple[DocumentLine, ...]:
    """Number the lines and give each its VAT; the first line of a rate carries what rounding leaves."""
    shares = [row.net.scaled(row.vat_rate) for row in lines]
    for row in totals:
        own = [at for at, each in enumerate(lines) if (each.vat_category, each.vat_rate) == (row.category, row.rate)]
        shares[own[0]] += row.vat - total(shares[at] for at in own)
    return tuple(
        replace(each, position=at, vat=share) for at, (each, share) in enumerate(zip(lines, shares, strict=True), 1)
    )
