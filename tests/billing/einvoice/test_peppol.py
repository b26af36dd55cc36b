"""What Peppol's XML says is what the document says. That it passes the official rules stands in test_matrix.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from billing import document as documents_module
from billing.document import InvoiceDocument
from billing.einvoice import checks, peppol
from billing.einvoice.rule_packs import RulePack
from foundation.language import Text
from foundation.money import Money, kroner
from tests.billing.einvoice import documents as make
from tests.billing.einvoice.cases import CASES, NO_ADDRESS, named, without_references


@pytest.mark.parametrize("document", CASES.values(), ids=CASES.keys())
def test_what_is_read_back_is_what_the_document_says_to_the_ore(document: InvoiceDocument) -> None:
    invoice = read(peppol.render(document))

    assert invoice.text("cbc:ID") == document.number
    assert invoice.day("cbc:IssueDate") == document.issued_on
    assert invoice.day("cbc:DueDate") == document.due_on
    assert invoice.money("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount") == document.net
    assert invoice.money("cac:TaxTotal/cbc:TaxAmount") == document.vat
    assert invoice.money("cac:LegalMonetaryTotal/cbc:PayableAmount") == document.gross
    assert [lines_read(line) for line in invoice.all("cac:InvoiceLine")] == lines_of(document)
    assert [vat_read(row) for row in invoice.all("cac:TaxTotal/cac:TaxSubtotal")] == vat_of(document)


def test_the_same_document_gives_the_same_bytes() -> None:
    document = make.invoice(make.line(), make.exempt(), make.taken_off(kroner(-1)), payment=make.EVERY_WAY)

    stored_and_read = documents_module.from_json(documents_module.to_json(document))

    assert peppol.render(document) == peppol.render(document) == peppol.render(stored_and_read)


def test_the_bytes_are_utf8_and_indented() -> None:
    xml = peppol.render(make.invoice())

    assert xml.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<Invoice ")
    assert "\n        <cbc:RegistrationName>Ærøskøbing Kommune</cbc:RegistrationName>\n" in xml.decode()


# --- references and parties -------------------------------------------------------------------------------------


def test_the_references_of_the_buyer_stand_where_peppol_wants_them() -> None:
    invoice = read(peppol.render(make.invoice()))

    assert invoice.text("cbc:BuyerReference") == "Økonomi, Ådalen"
    assert invoice.text("cac:OrderReference/cbc:ID") == "PO-4711"
    assert invoice.text("cbc:AccountingCost") == "4140-22-901"


def test_without_person_and_order_the_reference_says_that_none_was_given() -> None:
    invoice = read(peppol.render(without_references()))

    assert invoice.text("cbc:BuyerReference") == "Ikke oplyst"


def test_an_order_number_needs_no_stand_in_for_the_person() -> None:
    invoice = read(peppol.render(without_references(order_reference="PO-1")))

    assert invoice.all("cbc:BuyerReference") == []


@pytest.mark.parametrize(
    ("endpoint", "scheme", "id"), [("gln", "0088", "2996494221206"), ("cvr", "0184", "DK29189730")]
)
def test_the_invoice_goes_where_the_references_say(endpoint: Any, scheme: str, id: str) -> None:
    references = replace(make.REFERENCES, endpoint=endpoint)

    invoice = read(peppol.render(make.invoice(references=references)))

    found = invoice.one("cac:AccountingCustomerParty/cac:Party/cbc:EndpointID")
    assert (found.get("schemeID"), found.text) == (scheme, id)


def test_an_unknown_address_is_left_out_but_for_the_country() -> None:
    invoice = read(peppol.render(make.invoice(buyer=NO_ADDRESS)))

    address = invoice.one("cac:AccountingCustomerParty/cac:Party/cac:PostalAddress")
    assert [etree.QName(part).localname for part in address] == ["Country"]


# --- payment ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payment", "code", "payment_id", "account", "branch"),
    [
        (make.BY_FIK, "93", f"71#{make.BY_FIK.fik_id}", "80000000", ""),
        (make.EVERY_WAY, "93", f"71#{make.BY_FIK.fik_id}", "80000000", ""),
        (make.BY_ACCOUNT, "42", "2027-0001", "0440116243", "0040"),
        (make.BY_IBAN, "58", "2027-0001", "DK5000400440116243", ""),
    ],
    ids=["FIK", "FIK first", "bank account", "IBAN"],
)
def test_one_way_of_payment_is_named(payment: Any, code: str, payment_id: str, account: str, branch: str) -> None:
    means = read(peppol.render(make.invoice(payment=payment))).part("cac:PaymentMeans")

    assert means.text("cbc:PaymentMeansCode") == code
    assert means.text("cbc:PaymentID") == payment_id
    assert means.text("cac:PayeeFinancialAccount/cbc:ID") == account
    assert means.text("cac:PayeeFinancialAccount/cac:FinancialInstitutionBranch/cbc:ID") == branch


def test_the_other_ways_of_payment_are_told_in_words() -> None:
    invoice = read(peppol.render(make.invoice(payment=make.EVERY_WAY)))

    assert invoice.text("cac:PaymentTerms/cbc:Note") == (
        "Kan også betales til reg.nr. 0040, kontonr. 0440116243 eller IBAN DK50 0040 0440 1162 43. Angiv 2027-0001."
    )


# --- lines, VAT and texts ---------------------------------------------------------------------------------------


def test_what_is_taken_off_is_minus_one_of_a_positive_price() -> None:
    document = make.invoice(make.line(kroner(70_000)), make.taken_off(kroner(-5_000)))

    rebate = read(peppol.render(document)).all("cac:InvoiceLine")[1]

    assert rebate.text("cbc:InvoicedQuantity") == "-1"
    assert rebate.text("cac:Price/cbc:PriceAmount") == "5000.00"
    assert rebate.text("cbc:LineExtensionAmount") == "-5000.00"


@pytest.mark.parametrize(
    ("exemption", "code", "reason"),
    [
        ("VATEX-EU-132-1L Momsfri forening", "VATEX-EU-132-1L", "Momsfri forening"),
        ("VATEX-EU-132-1L: Momsfri forening", "VATEX-EU-132-1L", "Momsfri forening"),
        ("VATEX-EU-132-1L", "VATEX-EU-132-1L", ""),
        ("Momsfri forening", "", "Momsfri forening"),
    ],
)
def test_a_code_before_the_reason_of_an_exemption_is_written_as_a_code(exemption: str, code: str, reason: str) -> None:
    invoice = read(peppol.render(make.invoice(make.exempt(), exemption=exemption)))

    category = invoice.part("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory")
    assert category.text("cbc:TaxExemptionReasonCode") == code
    assert category.text("cbc:TaxExemptionReason") == reason


def test_a_seller_not_registered_for_vat_shows_no_vat_number_and_no_rate() -> None:
    invoice = read(peppol.render(make.of_unregistered_seller()))

    assert invoice.all("cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme") == []
    assert invoice.all(".//cbc:Percent") == []
    assert invoice.text(".//cbc:TaxExemptionReasonCode") == "VATEX-EU-O"


def test_a_rate_without_exact_percentage_is_refused() -> None:
    with pytest.raises(ValueError, match="two decimals"):
        peppol.render(make.invoice(make.line(vat_rate=Fraction(1, 3))))


def test_a_line_says_in_danish_what_it_is_and_why() -> None:
    item = read(peppol.render(make.invoice())).part("cac:InvoiceLine/cac:Item")

    assert item.text("cbc:Name") == "OS2valghalla, årlig afgift 2027"
    assert item.text("cbc:Description") == "Mellem kommune med 42.000 indbyggere, medlem."


def test_the_notices_are_one_note() -> None:
    notices = (Text("PRØVE.", "REHEARSAL."), Text("Data er opdigtede.", "Made-up data."))

    invoice = read(peppol.render(make.invoice(notices=notices)))

    assert [note.text(".") for note in invoice.all("cbc:Note")] == ["PRØVE. Data er opdigtede."]


@given(st.text(st.characters(), min_size=1))
@settings(derandomize=True, deadline=None)
def test_any_text_at_all_gives_xml_that_can_be_read(name: str) -> None:
    invoice = read(peppol.render(named(name)))

    found = invoice.text("cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName")
    readable = [letter for letter in name if letter.isprintable() and letter > "\u00a0"]
    assert [letter for letter in found if letter.isprintable() and letter > "\u00a0"] == readable


@given(st.lists(st.integers(-5_000_000, 50_000_000), min_size=1, max_size=12).filter(lambda ore: sum(ore) >= 0))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_any_amounts_pass_the_official_rules(pack: RulePack, ore: list[int]) -> None:
    document = make.invoice(*[make.line(Money(amount)) for amount in ore])

    assert checks.check(document) == []
    assert pack.validate(peppol.render(document)) == []


# --- reading the XML back ---------------------------------------------------------------------------------------


class Part:
    """An element read back, asked by path."""

    def __init__(self, element: etree._Element) -> None:
        self.element = element

    def all(self, path: str) -> list[Part]:
        return [Part(found) for found in self.element.findall(path, NAMESPACES)]

    def one(self, path: str) -> etree._Element:
        (found,) = self.element.findall(path, NAMESPACES)
        return found

    def part(self, path: str) -> Part:
        return Part(self.one(path))

    def text(self, path: str) -> str:
        return self.element.findtext(path, "", NAMESPACES)

    def day(self, path: str) -> date | None:
        return date.fromisoformat(self.text(path)) if self.text(path) else None

    def money(self, path: str) -> Money:
        exact = Decimal(self.text(path)) * 100
        assert exact == int(exact)
        return Money(int(exact))


NAMESPACES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def read(xml: bytes) -> Part:
    return Part(etree.fromstring(xml))


def lines_read(line: Part) -> tuple[object, ...]:
    quantity, price = int(line.text("cbc:InvoicedQuantity")), line.money("cac:Price/cbc:PriceAmount")
    net = line.money("cbc:LineExtensionAmount")
    assert quantity * price.ore == net.ore
    period = line.day("cac:InvoicePeriod/cbc:StartDate"), line.day("cac:InvoicePeriod/cbc:EndDate")
    return int(line.text("cbc:ID")), net, period, line.text("cac:Item/cac:ClassifiedTaxCategory/cbc:ID")


def lines_of(document: InvoiceDocument) -> list[tuple[object, ...]]:
    return [(line.position, line.net, (line.first_day, line.last_day), line.vat_category) for line in document.lines]


def vat_read(row: Part) -> tuple[object, ...]:
    rate = Fraction(row.text("cac:TaxCategory/cbc:Percent") or "0") / 100
    return row.text("cac:TaxCategory/cbc:ID"), rate, row.money("cbc:TaxableAmount"), row.money("cbc:TaxAmount")


def vat_of(document: InvoiceDocument) -> list[tuple[object, ...]]:
    return [(row.category, row.rate, row.net, row.vat) for row in document.vat_totals]
