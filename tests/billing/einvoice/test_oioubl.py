"""What OIOUBL's XML says is what the document says, where OIOUBL has its own way. The rules: test_matrix.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from billing import document as documents
from billing.einvoice import oioubl
from foundation.language import Text
from foundation.money import Money, kroner
from tests.billing.einvoice import documents as make

NAMESPACES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def texts(xml: bytes, path: str) -> list[str | None]:
    return [found.text for found in etree.fromstring(xml).findall(path, NAMESPACES)]


def test_the_tax_exclusive_amount_is_the_vat() -> None:
    document = make.invoice(make.line(), make.exempt())

    xml = oioubl.render(document)

    totals = "cac:LegalMonetaryTotal/cbc:"
    assert texts(xml, totals + "LineExtensionAmount") == ["59880.00"]
    assert texts(xml, totals + "TaxExclusiveAmount") == ["8720.00"]
    assert texts(xml, totals + "TaxInclusiveAmount") == texts(xml, totals + "PayableAmount") == ["68600.00"]


def test_exempt_lines_are_summed_apart_as_zero_rated_with_their_reason() -> None:
    xml = oioubl.render(make.invoice(make.line(), make.exempt()))

    subtotal = "cac:TaxTotal/cac:TaxSubtotal/"
    assert texts(xml, subtotal + "cac:TaxCategory/cbc:ID") == ["StandardRated", "ZeroRated"]
    assert texts(xml, subtotal + "cbc:TaxableAmount") == ["34880.00", "25000.00"]
    assert texts(xml, subtotal + "cac:TaxCategory/cbc:TaxExemptionReason") == [make.EXEMPT_BY_LAW]


def test_every_line_has_its_own_vat_and_together_they_are_the_whole() -> None:
    document = make.invoice(*[make.line(Money(ore)) for ore in (10_001, 10_001, 10_003)])

    vat = texts(oioubl.render(document), "cac:InvoiceLine/cac:TaxTotal/cbc:TaxAmount")

    assert sum(int(str(amount).replace(".", "")) for amount in vat) == document.vat.ore


@pytest.mark.parametrize(
    ("payment", "code", "channel", "said"),
    [
        (
            make.BY_FIK,
            "93",
            "DK:FIK",
            {"InstructionID": make.BY_FIK.fik_id, "PaymentID": "71", "AccountID": "80000000"},
        ),
        (make.BY_ACCOUNT, "42", "DK:BANK", {"PaymentNote": "2027-0001"}),
        (make.BY_IBAN, "58", "IBAN", {"PaymentNote": "2027-0001"}),
    ],
    ids=["FIK", "bank account", "IBAN"],
)
def test_one_way_of_payment_is_named_with_its_channel(
    payment: Any, code: str, channel: str, said: dict[str, str]
) -> None:
    (means,) = etree.fromstring(oioubl.render(make.invoice(payment=payment))).findall("cac:PaymentMeans", NAMESPACES)

    assert means.findtext("cbc:PaymentMeansCode", "", NAMESPACES) == code
    assert means.findtext("cbc:PaymentChannelCode", "", NAMESPACES) == channel
    assert means.findtext("cbc:PaymentDueDate", "", NAMESPACES) == "2027-02-14"
    assert {name: means.findtext(f".//cbc:{name}", "", NAMESPACES) for name in said} == said


def test_the_account_has_its_registration_number_beside_it() -> None:
    xml = oioubl.render(make.invoice(payment=make.BY_ACCOUNT))

    account = "cac:PaymentMeans/cac:PayeeFinancialAccount/"
    assert texts(xml, account + "cbc:ID") == ["0440116243"]
    assert texts(xml, account + "cac:FinancialInstitutionBranch/cbc:ID") == ["0040"]


@pytest.mark.parametrize(("person", "said"), [("Økonomi, Ådalen", "Økonomi, Ådalen"), (" ", "Ikke oplyst")])
def test_the_person_reference_is_the_buyers_contact(person: str, said: str) -> None:
    references = replace(make.REFERENCES, person_reference=person)

    xml = oioubl.render(make.invoice(references=references))

    assert texts(xml, "cac:AccountingCustomerParty/cac:Party/cac:Contact/cbc:ID") == [said]


@pytest.mark.parametrize(
    ("endpoint", "scheme", "id"), [("gln", "GLN", "2996494221206"), ("cvr", "DK:CVR", "DK29189730")]
)
def test_the_document_goes_where_the_references_say(endpoint: Any, scheme: str, id: str) -> None:
    xml = oioubl.render(make.invoice(references=replace(make.REFERENCES, endpoint=endpoint)))

    found = etree.fromstring(xml).find("cac:AccountingCustomerParty/cac:Party/cbc:EndpointID", NAMESPACES)
    assert found is not None
    assert (found.get("schemeID"), found.text) == (scheme, id)


def test_a_seller_not_registered_for_vat_shows_no_vat_number() -> None:
    xml = oioubl.render(make.of_unregistered_seller())

    assert texts(xml, "cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme") == []
    assert set(texts(xml, ".//cac:TaxCategory/cbc:ID")) == {"ZeroRated"}


def test_a_credit_note_names_its_invoice_and_says_why_and_its_amounts_are_above_zero() -> None:
    xml = oioubl.render(make.credit_note())

    invoice = "cac:BillingReference/cac:InvoiceDocumentReference/cbc:"
    assert etree.QName(etree.fromstring(xml)).localname == "CreditNote"
    assert texts(xml, invoice + "ID") == texts(xml, "cac:DiscrepancyResponse/cbc:ReferenceID") == ["2027-0001"]
    assert texts(xml, invoice + "IssueDate") == ["2027-01-15"]
    assert texts(xml, "cac:DiscrepancyResponse/cbc:Description") == [make.CREDITED.reason]
    assert texts(xml, "cac:CreditNoteLine/cbc:CreditedQuantity") == ["1"]
    assert texts(xml, "cac:LegalMonetaryTotal/cbc:PayableAmount") == ["43600.00"]


def test_a_reminder_names_each_invoice_and_each_charge() -> None:
    reminder = make.reminder(
        make.FEE_FOR_REMINDING, make.INTEREST, make.COMPENSATION, invoices=(make.OWED, make.PARTLY_OWED), sequence=2
    )

    xml = oioubl.render_reminder(reminder)

    assert texts(xml, "cbc:ReminderSequenceNumeric") == ["2"]
    assert texts(xml, "cac:ReminderLine/cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID") == [
        "2027-0001",
        "2027-0002",
    ]
    assert texts(xml, "cac:ReminderLine/cbc:DebitLineAmount") == ["43600.00", "0.01"]
    assert texts(xml, "cac:AllowanceCharge/cbc:AllowanceChargeReasonCode") == [
        "PenaltyFee",
        "PenaltyRate",
        "PenaltyFee",
    ]
    assert texts(xml, "cac:AllowanceCharge/cbc:Amount") == ["100.00", "123.45", "310.00"]
    assert texts(xml, "cac:LegalMonetaryTotal/cbc:ChargeTotalAmount") == ["533.45"]
    assert texts(xml, "cac:LegalMonetaryTotal/cbc:PayableAmount") == ["44133.46"]


def test_what_is_taken_off_is_minus_one_of_a_positive_price() -> None:
    xml = oioubl.render(make.invoice(make.line(kroner(70_000)), make.taken_off(kroner(-5_000))))

    assert texts(xml, "cac:InvoiceLine/cbc:InvoicedQuantity") == ["1", "-1"]
    assert texts(xml, "cac:InvoiceLine/cac:Price/cbc:PriceAmount") == ["70000.00", "5000.00"]


def test_the_same_document_gives_the_same_bytes_also_when_it_was_stored() -> None:
    document = make.credit_of(make.invoice(make.line(), make.exempt(), notices=(Text("PRØVE.", "REHEARSAL."),)))

    stored_and_read = documents.from_json(documents.to_json(document))

    assert oioubl.render(document) == oioubl.render(document) == oioubl.render(stored_and_read)
