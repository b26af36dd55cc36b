"""Writes the goldens anew: `python -m tests.goldens.renew`. Look at the difference before it is committed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from billing import document, payment_id
from billing.document import Credited, InvoiceDocument
from billing.einvoice import oioubl, peppol
from billing.reminder_document import RemindedInvoice, ReminderCharge, ReminderDocument
from foundation.language import Text
from foundation.money import Money, kroner
from tests.agreements import documents as agreements
from tests.billing import documents

FOLDER = Path(__file__).parent


def current() -> dict[str, bytes]:
    """Give what the goldens would be today, by file name."""
    typical = documents.typical()
    credit = credit_note()
    return {
        "typical.json": document.to_json(typical).encode(),
        "typical.peppol.xml": peppol.render(typical),
        "typical.oioubl.xml": oioubl.render(typical),
        "credit_note.json": document.to_json(credit).encode(),
        "credit_note.peppol.xml": peppol.render(credit),
        "credit_note.oioubl.xml": oioubl.render(credit),
        "reminder.oioubl.xml": oioubl.render_reminder(reminder()),
        "agreement.json": agreements.composed().canonical().encode(),
    }


def credit_note() -> InvoiceDocument:
    """A credit note of exempt dues and a taxed fee with a rebate."""
    fee = documents.line(2, net=kroner(34_880))
    rebate = documents.line(3, kind="rebate", net=kroner(-5_000))
    return replace(
        documents.invoice([documents.dues(1, category="E"), fee, rebate]),
        number="K-2027-0001",
        issued_on=date(2027, 2, 1),
        due_on=date(2027, 3, 3),
        kind="credit_note",
        credited=Credited("2027-0001", date(2027, 1, 15), "Aftalen var opsagt, så vederlaget skulle ikke opkræves."),
    )


def reminder() -> ReminderDocument:
    """A second reminder of two invoices, with everything a delay may cost."""
    sample = documents.typical()
    charges = (
        ReminderCharge("fee", Text("Rykkergebyr", "Fee for the reminder"), kroner(100)),
        ReminderCharge("interest", Text("Rente", "Interest"), Money(12_345)),
        ReminderCharge("compensation", Text("Kompensationsbeløb", "Compensation"), kroner(310)),
    )
    invoices = (
        RemindedInvoice("2027-0001", date(2027, 1, 15), date(2027, 2, 14), kroner(43_600)),
        RemindedInvoice("2027-0002", date(2027, 1, 15), date(2027, 2, 14), Money(1)),
    )
    return ReminderDocument(
        number="2027-0001-2",
        sequence=2,
        issued_on=date(2027, 3, 15),
        due_on=date(2027, 3, 25),
        seller=sample.seller,
        seller_vat_registered=True,
        buyer=sample.buyer,
        references=sample.references,
        invoices=invoices,
        charges=charges,
        outstanding=Money(4_360_001),
        charged=Money(53_345),
        to_pay=Money(4_413_346),
        payment=replace(sample.payment, fik_id=payment_id.fik_id("13202700000001")),
        notices=(),
    )


if __name__ == "__main__":
    for name, content in current().items():
        (FOLDER / name).write_bytes(content)
