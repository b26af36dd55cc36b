"""A credit note as a value: it is read back as it was written, and our own checks ask for its invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from billing import document as documents
from billing.document import Credited, InvoiceDocument
from billing.einvoice import checks
from foundation.money import Money
from tests.billing.documents import typical


def credit_note() -> InvoiceDocument:
    """The typical invoice, taken back."""
    credited = Credited("2027-0001", date(2027, 1, 15), "Forkert størrelse")
    return replace(typical(), number="K-2027-0001", kind="credit_note", credited=credited)


def test_a_credit_note_is_read_back_as_it_was_written() -> None:
    note = credit_note()

    text = documents.to_json(note)

    assert documents.from_json(text) == note
    assert documents.is_completed(text, documents.body_json(note))


def test_the_text_of_an_invoice_says_nothing_of_credit_notes() -> None:
    text = documents.to_json(typical())

    assert '"credited"' not in text and "credit_note" not in text
    assert documents.from_json(text) == typical()


@pytest.mark.parametrize(
    ("faulty", "code"),
    [
        (replace(credit_note(), credited=None), "credited_missing"),
        (replace(credit_note(), kind="invoice"), "credited_by_invoice"),
    ],
)
def test_a_credit_note_names_its_invoice_and_an_invoice_none(faulty: InvoiceDocument, code: str) -> None:
    assert code in [finding.code for finding in checks.errors(checks.check(faulty))]


def test_a_credit_notes_vat_may_be_an_ore_beside_the_rate_and_no_more() -> None:
    (total, *rest), (line, *others) = credit_note().vat_totals, credit_note().lines
    notes = [
        replace(
            credit_note(), vat_totals=(replace(total, vat=total.vat + more), *rest),
            lines=(replace(line, vat=line.vat + more), *others), vat=credit_note().vat + more,
            gross=credit_note().gross + more,
        )
        for more in (Money(1), Money(100))
    ]  # fmt: skip

    one, far = (checks.errors(checks.check(note)) for note in notes)

    assert one == []
    assert "vat_amount" in [finding.code for finding in far]
