"""One thing wrong at a time: each document is caught by the official rule that is about it.

Our own checks find what these rules do not see, and stand in test_checks.py, one fault and one code each. Where both
would find a fault, the XML is made wrong here behind the checks' back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from billing.einvoice import checks, oioubl, peppol
from billing.einvoice.rule_packs import Format, RulePack
from tests.billing.einvoice import documents as make
from tests.official_rules import Rules


class Fault(NamedTuple):
    """What stands in a good document, what is put in its place, and the rule that must find it."""

    of: str
    rule: str
    right: str
    wrong: str


EXEMPTION = """<cbc:TaxExemptionReasonCode>VATEX-EU-132-1L</cbc:TaxExemptionReasonCode>
        <cbc:TaxExemptionReason>Momsfri efter momslovens § 13, stk. 1, nr. 4</cbc:TaxExemptionReason>"""

GOOD: dict[str, tuple[Format, bytes]] = {
    "peppol invoice": ("peppol", peppol.render(make.invoice(make.line(), make.exempt()))),
    "peppol account": ("peppol", peppol.render(make.invoice(payment=make.BY_ACCOUNT))),
    "peppol IBAN": ("peppol", peppol.render(make.invoice(payment=make.BY_IBAN))),
    "peppol outside VAT": ("peppol", peppol.render(make.of_unregistered_seller())),
    "peppol credit note": ("peppol", peppol.render(make.credit_note())),
    "peppol with PDF": ("peppol", peppol.render(make.invoice(), b"%PDF-1.7")),
    "peppol person only": (
        "peppol",
        peppol.render(make.invoice(references=replace(make.REFERENCES, order_reference=""))),
    ),
    "oioubl invoice": ("oioubl", oioubl.render(make.invoice())),
    "oioubl account": ("oioubl", oioubl.render(make.invoice(payment=make.BY_ACCOUNT))),
    "oioubl IBAN": ("oioubl", oioubl.render(make.invoice(payment=make.BY_IBAN))),
    "oioubl credit note": ("oioubl", oioubl.render(make.credit_note())),
    "oioubl with PDF": ("oioubl", oioubl.render(make.invoice(), b"%PDF-1.7")),
    "oioubl reminder": ("oioubl", oioubl.render_reminder(make.reminder(make.FEE_FOR_REMINDING))),
}

FAULTS = [
    # Peppol: CEN's rules, Peppol's own, and Denmark's
    Fault("peppol invoice", "PEPPOL-EN16931-R004", "#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", ""),
    Fault("peppol invoice", "PEPPOL-EN16931-R007", "billing:01:1.0", "billing:1.0"),
    Fault("peppol invoice", "BR-02", "<cbc:ID>2027-0001</cbc:ID>", "<cbc:ID> </cbc:ID>"),
    Fault("peppol invoice", "PEPPOL-EN16931-P0100", ">380<", ">381<"),
    Fault("peppol invoice", "BR-CL-04", ">DKK</cbc:DocumentCurrencyCode>", ">KRR</cbc:DocumentCurrencyCode>"),
    Fault("peppol invoice", "PEPPOL-COMMON-R040", ">2996494221206</cbc:EndpointID>", ">2996494221207</cbc:EndpointID>"),
    Fault(
        "peppol invoice",
        "DK-R-014",
        '<cbc:CompanyID schemeID="0184">DK41849983',
        '<cbc:CompanyID schemeID="0088">DK41849983',
    ),
    Fault(
        "peppol invoice",
        "BR-CO-09",
        ">DK41849983</cbc:CompanyID>\n        <cac:TaxScheme>",
        ">41849983</cbc:CompanyID>\n        <cac:TaxScheme>",
    ),
    Fault("peppol invoice", "DK-R-005", ">93<", ">30<"),
    Fault("peppol invoice", "DK-R-010", ">71#", ">72#"),
    Fault("peppol invoice", "DK-R-011", ">71#112027000000016<", ">71#1120270000000<"),
    Fault("peppol invoice", "DK-R-010", ">80000000<", ">8000000<"),
    Fault("peppol invoice", "BR-CO-10", ">59880.00</cbc:LineExtensionAmount>", ">59880.01</cbc:LineExtensionAmount>"),
    Fault("peppol invoice", "BR-CO-13", ">59880.00</cbc:TaxExclusiveAmount>", ">8720.00</cbc:TaxExclusiveAmount>"),
    Fault("peppol invoice", "BR-CO-15", ">68600.00</cbc:TaxInclusiveAmount>", ">68600.01</cbc:TaxInclusiveAmount>"),
    Fault("peppol invoice", "BR-CO-16", ">68600.00</cbc:PayableAmount>", ">68600.01</cbc:PayableAmount>"),
    Fault("peppol invoice", "BR-S-08", ">34880.00</cbc:TaxableAmount>", ">34882.00</cbc:TaxableAmount>"),
    Fault(
        "peppol invoice",
        "BR-E-10",
        EXEMPTION,
        "",
    ),
    Fault("peppol invoice", "BR-27", ">34880.00</cbc:PriceAmount>", ">-34880.00</cbc:PriceAmount>"),
    Fault("peppol invoice", "BR-25", "<cbc:Name>OS2valghalla, årlig afgift 2027</cbc:Name>", ""),
    Fault("peppol invoice", "PEPPOL-EN16931-R008", ">Økonomi, Ådalen<", "> <"),
    Fault("peppol person only", "PEPPOL-EN16931-R003", "<cbc:BuyerReference>Økonomi, Ådalen</cbc:BuyerReference>", ""),
    Fault(
        "peppol account",
        "DK-R-006",
        "<cac:FinancialInstitutionBranch>\n        <cbc:ID>0040</cbc:ID>\n      </cac:FinancialInstitutionBranch>",
        "",
    ),
    Fault("peppol IBAN", "BR-50", "<cbc:ID>DK5000400440116243</cbc:ID>", ""),
    Fault(
        "peppol outside VAT",
        "BR-O-05",
        "<cbc:ID>O</cbc:ID>\n        <cac:TaxScheme>",
        "<cbc:ID>O</cbc:ID>\n        <cbc:Percent>0</cbc:Percent>\n        <cac:TaxScheme>",
    ),
    Fault("peppol credit note", "PEPPOL-EN16931-P0101", ">381<", ">380<"),
    Fault("peppol credit note", "PEPPOL-EN16931-R008", "<cbc:ID>2027-0001</cbc:ID>", "<cbc:ID> </cbc:ID>"),
    Fault("peppol credit note", "DK-R-016", ">43600.00</cbc:PayableAmount>", ">-43600.00</cbc:PayableAmount>"),
    Fault("peppol with PDF", "BR-CL-24", "application/pdf", "application/zip"),
    # OIOUBL: of invoices, of credit notes, of reminders, of all
    Fault("oioubl invoice", "F-LIB001", ">2.1</cbc:UBLVersionID>", ">2.3</cbc:UBLVersionID>"),
    Fault("oioubl invoice", "F-LIB002", ">OIOUBL-2.1<", ">OIOUBL-3.0<"),
    Fault("oioubl invoice", "F-LIB302", ">Procurement-BilSim-1.0<", ">Procurement-BilSim-2.0<"),
    Fault("oioubl invoice", "W-LIB003", "profileid-1.2", "profileid-0.1"),
    Fault("oioubl invoice", "F-INV009", "<cbc:ID>2027-0001</cbc:ID>", "<cbc:ID> </cbc:ID>"),
    Fault("oioubl invoice", "F-INV011", ">380<", ">381<"),
    Fault("oioubl invoice", "F-INV127", ">8720.00</cbc:TaxExclusiveAmount>", ">34880.00</cbc:TaxExclusiveAmount>"),
    Fault("oioubl invoice", "F-INV128", ">43600.00</cbc:TaxInclusiveAmount>", ">43600.01</cbc:TaxInclusiveAmount>"),
    Fault(
        "oioubl invoice",
        "F-INV126",
        ">34880.00</cbc:LineExtensionAmount>\n    <cbc:TaxEx",
        ">34880.01</cbc:LineExtensionAmount>\n    <cbc:TaxEx",
    ),
    Fault("oioubl invoice", "F-INV133", ">43600.00</cbc:PayableAmount>", ">43600.01</cbc:PayableAmount>"),
    Fault("oioubl invoice", "F-INV134", ">43600.00</cbc:Amount>", ">43600.01</cbc:Amount>"),
    Fault(
        "oioubl invoice",
        "F-INV046",
        "<cac:Contact>\n        <cbc:ID>Økonomi, Ådalen</cbc:ID>\n      </cac:Contact>",
        "",
    ),
    Fault("oioubl invoice", "F-INV051", "<cbc:ID>Økonomi, Ådalen</cbc:ID>", "<cbc:Name>Økonomi, Ådalen</cbc:Name>"),
    Fault("oioubl invoice", "F-LIB027", ">StructuredLax<", ">Structured<"),
    Fault("oioubl invoice", "F-LIB181", ">2996494221206</cbc:EndpointID>", ">299649422120</cbc:EndpointID>"),
    Fault(
        "oioubl invoice",
        "F-LIB190",
        '<cbc:CompanyID schemeID="DK:CVR">DK41849983',
        '<cbc:CompanyID schemeID="DK:CVR">41849983',
    ),
    Fault("oioubl invoice", "F-LIB100", ">93<", ">30<"),
    Fault("oioubl invoice", "F-LIB155", "<cbc:PaymentID>71<", "<cbc:PaymentID>04<"),
    Fault("oioubl invoice", "F-LIB156", ">112027000000016<", ">11202700000001<"),
    Fault("oioubl invoice", "F-LIB277", ">DK:FIK<", ">DK:BANK<"),
    Fault("oioubl invoice", "F-INV147", ">1</cbc:InvoicedQuantity>", ">0</cbc:InvoicedQuantity>"),
    Fault("oioubl invoice", "F-INV163", "<cbc:Name>OS2valghalla, årlig afgift 2027</cbc:Name>", ""),
    Fault("oioubl account", "F-LIB133", "<cbc:PaymentNote>2027-0001<", "<cbc:PaymentNote>Faktura nummer 2027-0001<"),
    Fault("oioubl account", "F-LIB311", ">0040<", ">0000<"),
    Fault("oioubl account", "F-LIB131", ">0440116243<", ">04401162430<"),
    Fault("oioubl IBAN", "F-LIB379", ">IBAN<", ">DK:BANK<"),
    Fault(
        "oioubl credit note", "F-CRN006", "<cbc:ID>K-2027-0001</cbc:ID>\n  <cbc:Copy", "<cbc:ID> </cbc:ID>\n  <cbc:Copy"
    ),
    Fault(
        "oioubl credit note",
        "F-CRN072",
        ">34880.00</cbc:LineExtensionAmount>\n    <cbc:TaxEx",
        ">34880.01</cbc:LineExtensionAmount>\n    <cbc:TaxEx",
    ),
    Fault("oioubl with PDF", "F-LIB098", "application/pdf", "application/zip"),
    Fault("oioubl with PDF", "F-LIB092", "<cbc:DocumentType>Faktura</cbc:DocumentType>", ""),
    Fault("oioubl reminder", "F-REM061", ">Reminder</cbc:ReminderTypeCode>", ">Rykker</cbc:ReminderTypeCode>"),
    Fault("oioubl reminder", "F-REM097", ">PenaltyFee<", ">Fee<"),
    Fault("oioubl reminder", "F-REM082", ">100.00</cbc:ChargeTotalAmount>", ">99.00</cbc:ChargeTotalAmount>"),
    Fault("oioubl reminder", "F-REM086", ">43700.00</cbc:Amount>", ">43600.00</cbc:Amount>"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{fault.of}, {fault.rule}" for fault in FAULTS])
def test_a_single_fault_is_found_by_the_rule_that_is_about_it(
    fault: Fault, rules: Rules, packs: dict[Format, RulePack]
) -> None:
    rules.need(fault.rule)
    format, good = GOOD[fault.of]
    xml = good.decode()
    assert xml.count(fault.right) >= 1
    assert packs[format].validate(good) == []

    failures = packs[format].validate(xml.replace(fault.right, fault.wrong, 1).encode())

    assert fault.rule in {failure.id for failure in failures}
    assert {failure.flag for failure in failures if failure.id == fault.rule} == {
        "warning" if fault.rule.startswith("W-") else "fatal"
    }


def test_a_line_without_vat_of_its_own_is_found_in_oioubl(rules: Rules, packs: dict[Format, RulePack]) -> None:
    rules.need("F-INV138")
    before, line = GOOD["oioubl invoice"][1].decode().split("<cac:InvoiceLine>")
    start, end = line.index("<cac:TaxTotal>"), line.index("</cac:TaxTotal>") + len("</cac:TaxTotal>")

    failures = packs["oioubl"].validate((before + "<cac:InvoiceLine>" + line[:start] + line[end:]).encode())

    assert "F-INV138" in {failure.id for failure in failures}


@pytest.mark.parametrize("format", ["peppol", "oioubl"])
def test_a_credit_note_without_its_invoice_is_found_by_our_checks_for_the_official_rules_do_not_look(
    format: Format, packs: dict[Format, RulePack]
) -> None:
    document = make.credit_note(credited=None)
    render = peppol.render if format == "peppol" else oioubl.render

    found = checks.errors(checks.check(document))

    assert [finding.code for finding in found] == ["credited_missing"]
    assert packs[format].validate(render(document)) == []


@pytest.mark.parametrize("name", ["due date", "GLN digit", "FIK digit"])
def test_what_oioubl_does_not_look_at_is_found_by_our_checks(name: str, packs: dict[Format, RulePack]) -> None:
    faulty = {
        "due date": make.invoice(due_on=None),
        "GLN digit": make.invoice(references=replace(make.REFERENCES, gln="2996494221207")),
        "FIK digit": make.invoice(payment=replace(make.BY_FIK, fik_id="112027000000017")),
    }[name]
    code = {"due date": "due_date_missing", "GLN digit": "buyer_gln", "FIK digit": "fik_id"}[name]

    found = checks.errors(checks.check(faulty))

    assert [finding.code for finding in found] == [code]
    assert packs["oioubl"].validate(oioubl.render(faulty)) == []


def test_there_are_as_many_single_faults_as_the_acceptance_asks_for() -> None:
    assert len({(fault.of, fault.rule) for fault in FAULTS}) >= 40
