"""The invoice as Peppol BIS Billing 3.0.21: UBL 2.1, document type 380, what a public buyer's system reads.

Every receiver checks it against the rules of CEN (BR-…, UBL-…), Peppol (PEPPOL-…) and Denmark (DK-R-…); the
rule stands beside the line that obeys it. The same document always gives the same bytes. Texts are the Danish
ones: an e-invoice has one language.

Elements come in the order UBL's schema demands, so read the functions from the top as one reads the document.
"""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from typing import Any

from lxml import etree

from billing.document import DocumentLine, InvoiceDocument, Party, PaymentWays, VatTotal
from foundation.money import ORE_PER_KRONE, Money

CUSTOMIZATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"  # PEPPOL-EN16931-R004
PROFILE = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"  # PEPPOL-EN16931-R007
COMMERCIAL_INVOICE = "380"  # PEPPOL-EN16931-P0100
CREDIT_NOTE = "381"  # PEPPOL-EN16931-P0101

#: The buyer reference where the buyer gave neither a person nor an order. PEPPOL-EN16931-R003 demands one of
#: them; "not stated" in words is honest, and no receiver takes it for a name.
NO_REFERENCE = "Ikke oplyst"

#: Schemes of identifiers, ISO 6523: a GLN, and a CVR number written with DK before it.
GLN, CVR = "0088", "0184"

#: Why nothing outside VAT is taxed. PEPPOL-EN16931-P0105 ties the code to category O.
OUTSIDE_VAT = "VATEX-EU-O"

#: Payment means a Danish seller may use (DK-R-005): FIK, account in Denmark, IBAN.
FIK, BANK_ACCOUNT, IBAN = "93", "42", "58"

_CURRENCY = "DKK"
_COUNTRY = "DK"
_EACH = "EA"  # UN/ECE recommendation 20: one of it

_INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_CREDIT_NOTE = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
_PREFIXES = {"cac": _CAC, "cbc": _CBC}

# Line breaks, control characters, halves of surrogate pairs: XML cannot carry them, or gives them no meaning.
_NOT_TEXT = re.compile("[^\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_EXEMPTION_CODE = re.compile(r"VATEX(-[A-Z0-9]+)+")  # BR-CL-22


def render(document: InvoiceDocument) -> bytes:
    """Write the invoice as indented UTF-8 XML. `checks` come first: what they find wrong is written as it is.

    Raises ValueError where a VAT rate has no exact percentage with two decimals.
    """
    name, own = ("CreditNote", _CREDIT_NOTE) if document.kind == "credit_note" else ("Invoice", _INVOICE)
    namespaces: Any = {None: own, **_PREFIXES}  # the stubs know no default namespace
    invoice = etree.Element(f"{{{own}}}{name}", nsmap=namespaces)
    _head(invoice, document)
    _references(invoice, document)
    _seller(invoice, document)
    _buyer(invoice, document)
    _payment_means(invoice, document)
    _payment_terms(invoice, document)
    _vat(invoice, document)
    _totals(invoice, document)
    for line in document.lines:
        _line(invoice, line, document.kind)
    return etree.tostring(invoice, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def payment_means_code(payment: PaymentWays) -> str:
    """Give the one way the XML names: FIK before an account before an IBAN; empty where none is offered.

    An invoice may not mix them (UBL-SR-47). FIK comes first because its id alone names the invoice.
    """
    if payment.fik_creditor:
        return FIK
    if payment.registration and payment.account:
        return BANK_ACCOUNT
    return IBAN if payment.iban else ""


# --- the document, from the top ---------------------------------------------------------------------------------


def _head(invoice: etree._Element, document: InvoiceDocument) -> None:
    _value(invoice, "CustomizationID", CUSTOMIZATION)  # BR-01
    _value(invoice, "ProfileID", PROFILE)  # PEPPOL-EN16931-R001
    _value(invoice, "ID", document.number)  # BR-02
    _day(invoice, "IssueDate", document.issued_on)  # BR-03
    if document.kind == "credit_note":
        _value(invoice, "CreditNoteTypeCode", CREDIT_NOTE)  # BR-04
    else:
        _day(invoice, "DueDate", document.due_on)  # no official rule misses it, so `checks` does
        _value(invoice, "InvoiceTypeCode", COMMERCIAL_INVOICE)  # BR-04
    _value(invoice, "Note", _notice(document))
    _value(invoice, "DocumentCurrencyCode", _CURRENCY)  # BR-05


def _notice(document: InvoiceDocument) -> str:
    # One note only (PEPPOL-EN16931-R002), and no #, which would begin a subject code (BR-CL-08).
    words = [notice.da for notice in document.notices]
    if document.credited is not None:
        words.append(f"Krediterer faktura {document.credited.number}: {document.credited.reason}")
    return " ".join(words).replace("#", "nr. ")


def _references(invoice: etree._Element, document: InvoiceDocument) -> None:
    references = document.references
    order = _clean(references.order_reference)
    _value(invoice, "AccountingCost", references.accounting_cost)
    _value(invoice, "BuyerReference", _clean(references.person_reference) or ("" if order else NO_REFERENCE))
    if order:
        _value(_group(invoice, "OrderReference"), "ID", order)
    if document.credited is not None:  # no official rule misses it, so `checks` does
        reference = _group(_group(invoice, "BillingReference"), "InvoiceDocumentReference")
        _value(reference, "ID", document.credited.number)
        _day(reference, "IssueDate", document.credited.issued_on)


def _seller(invoice: etree._Element, document: InvoiceDocument) -> None:
    seller = document.seller
    party = _group(_group(invoice, "AccountingSupplierParty"), "Party")
    _endpoint(party, seller, seller.gln)  # PEPPOL-EN16931-R020
    _address(party, seller)  # BR-08, BR-09
    scheme = _seller_tax_scheme(document)
    if scheme:
        registration = _group(party, "PartyTaxScheme")
        _value(registration, "CompanyID", f"DK{seller.cvr}")  # BR-CO-09
        _tax_scheme(registration, scheme)
    _legal_entity(party, seller)  # DK-R-002, DK-R-014


def _seller_tax_scheme(document: InvoiceDocument) -> str:
    if document.seller_vat_registered:
        return "VAT"  # BR-S-02, BR-E-02, BR-Z-02
    if all(line.vat_category == "O" for line in document.lines):
        return ""  # BR-O-02 refuses a VAT number
    return "TAX"  # BR-E-02 asks for a tax registration where there is no VAT number


def _buyer(invoice: etree._Element, document: InvoiceDocument) -> None:
    references = document.references
    party = _group(_group(invoice, "AccountingCustomerParty"), "Party")
    gln = references.gln if references.endpoint == "gln" else ""
    _endpoint(party, document.buyer, gln)  # PEPPOL-EN16931-R010
    _address(party, document.buyer)  # BR-10, BR-11
    _legal_entity(party, document.buyer)  # DK-R-017


def _endpoint(party: etree._Element, owner: Party, gln: str) -> None:
    if gln:
        _value(party, "EndpointID", gln, schemeID=GLN)  # PEPPOL-COMMON-R040
    else:
        _value(party, "EndpointID", f"DK{owner.cvr}", schemeID=CVR)  # PEPPOL-COMMON-R042


def _address(party: etree._Element, owner: Party) -> None:
    address = _group(party, "PostalAddress")
    _value(address, "StreetName", owner.address)
    _value(address, "CityName", owner.city)
    _value(address, "PostalZone", owner.postcode)
    _value(_group(address, "Country"), "IdentificationCode", _COUNTRY)  # enough where no address is known


def _legal_entity(party: etree._Element, owner: Party) -> None:
    entity = _group(party, "PartyLegalEntity")
    _value(entity, "RegistrationName", owner.name)  # BR-06, BR-07
    _value(entity, "CompanyID", f"DK{owner.cvr}", schemeID=CVR)


def _payment_means(invoice: etree._Element, document: InvoiceDocument) -> None:
    payment = document.payment
    code = payment_means_code(payment)
    if not code or document.kind == "credit_note":  # nothing is to be paid
        return
    means = _group(invoice, "PaymentMeans")
    _value(means, "PaymentMeansCode", code)  # DK-R-005
    # What the payer writes, so that we know the payment again.
    _value(means, "PaymentID", f"71#{payment.fik_id}" if code == FIK else document.number)  # DK-R-010, DK-R-011
    account = _group(means, "PayeeFinancialAccount")
    if code == FIK:
        _value(account, "ID", payment.fik_creditor)  # DK-R-010: eight characters
    elif code == BANK_ACCOUNT:
        _value(account, "ID", payment.account)  # DK-R-006: account and registration number
        _value(_group(account, "FinancialInstitutionBranch"), "ID", payment.registration)
    else:
        _value(account, "ID", payment.iban.replace(" ", ""))  # BR-61


def _payment_terms(invoice: etree._Element, document: InvoiceDocument) -> None:
    if document.credited is not None:  # BR-CO-25 asks for terms where an amount is due either way
        note = f"Modregnes i faktura {document.credited.number}; intet skal betales."
        _value(_group(invoice, "PaymentTerms"), "Note", note)
        return
    ways = _other_ways(document.payment)
    if ways:
        note = f"Kan også betales til {' eller '.join(ways)}. Angiv {document.number}."
        _value(_group(invoice, "PaymentTerms"), "Note", note)


def _other_ways(payment: PaymentWays) -> list[str]:
    named = payment_means_code(payment)
    ways = []
    if payment.registration and payment.account and named != BANK_ACCOUNT:
        ways.append(f"reg.nr. {payment.registration}, kontonr. {payment.account}")
    if payment.iban and named != IBAN:
        ways.append(f"IBAN {payment.iban}")
    return ways


def _vat(invoice: etree._Element, document: InvoiceDocument) -> None:
    tax_total = _group(invoice, "TaxTotal")  # PEPPOL-EN16931-R053: one
    _amount(tax_total, "TaxAmount", document.vat)  # BR-CO-14
    for total in document.vat_totals:
        subtotal = _group(tax_total, "TaxSubtotal")  # BR-CO-18
        _amount(subtotal, "TaxableAmount", total.net)  # BR-45
        _amount(subtotal, "TaxAmount", total.vat)  # BR-46, BR-CO-17
        _vat_category(subtotal, "TaxCategory", total.category, total.rate, *_exemption(total))


def _vat_category(
    parent: etree._Element, name: str, category: str, rate: Fraction, code: str = "", reason: str = ""
) -> None:
    group = _group(parent, name)
    _value(group, "ID", category)  # BR-47, BR-CO-04
    if category != "O":
        _value(group, "Percent", _percent(rate))  # BR-48; BR-O-05 refuses a rate outside VAT
    _value(group, "TaxExemptionReasonCode", code)
    _value(group, "TaxExemptionReason", reason)
    _tax_scheme(group, "VAT")


def _exemption(total: VatTotal) -> tuple[str, str]:
    if total.category not in ("E", "O"):
        return "", ""  # BR-S-10 and BR-Z-10 refuse a reason
    reason = _clean(total.exemption)
    first, _, rest = reason.partition(" ")
    code = first.rstrip(":,;.")
    if _EXEMPTION_CODE.fullmatch(code):
        return code, rest
    return (OUTSIDE_VAT if total.category == "O" else ""), reason  # BR-E-10, BR-O-10


def _tax_scheme(parent: etree._Element, scheme: str) -> None:
    _value(_group(parent, "TaxScheme"), "ID", scheme)


def _totals(invoice: etree._Element, document: InvoiceDocument) -> None:
    totals = _group(invoice, "LegalMonetaryTotal")
    _amount(totals, "LineExtensionAmount", document.net)  # BR-CO-10
    _amount(totals, "TaxExclusiveAmount", document.net)  # BR-CO-13: we write no document allowances
    _amount(totals, "TaxInclusiveAmount", document.gross)  # BR-CO-15
    _amount(totals, "PayableAmount", document.gross)  # BR-CO-16: nothing is paid beforehand


def _line(invoice: etree._Element, line: DocumentLine, kind: str) -> None:
    negative = line.net.ore < 0
    group = _group(invoice, "CreditNoteLine" if kind == "credit_note" else "InvoiceLine")
    quantity = "CreditedQuantity" if kind == "credit_note" else "InvoicedQuantity"
    _value(group, "ID", str(line.position))  # BR-21
    # What is taken off is minus one of something with a price, for a price is never negative (BR-27).
    _value(group, quantity, "-1" if negative else "1", unitCode=_EACH)  # BR-22, BR-23
    _amount(group, "LineExtensionAmount", line.net)  # BR-24, PEPPOL-EN16931-R120
    _period(group, line)
    _item(group, line)
    _amount(_group(group, "Price"), "PriceAmount", -line.net if negative else line.net)  # BR-26


def _period(group: etree._Element, line: DocumentLine) -> None:
    if line.first_day or line.last_day:  # BR-CO-20
        period = _group(group, "InvoicePeriod")
        _day(period, "StartDate", line.first_day)  # BR-30
        _day(period, "EndDate", line.last_day)


def _item(group: etree._Element, line: DocumentLine) -> None:
    item = _group(group, "Item")
    _value(item, "Description", line.why.da)  # shown with the name by receivers, unlike a line's note
    _value(item, "Name", line.text.da)  # BR-25
    _vat_category(item, "ClassifiedTaxCategory", line.vat_category, line.vat_rate)


# --- elements ---------------------------------------------------------------------------------------------------


def _group(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{_CAC}}}{name}")


def _value(parent: etree._Element, name: str, text: str, **attributes: str) -> None:
    """Add an element with text; nothing where the text is blank: none may be empty (PEPPOL-EN16931-R008)."""
    content = _clean(text)
    if content:
        etree.SubElement(parent, f"{{{_CBC}}}{name}", None, None, **attributes).text = content


def _day(parent: etree._Element, name: str, value: date | None) -> None:
    _value(parent, name, value.isoformat() if value else "")  # PEPPOL-EN16931-F001


def _amount(parent: etree._Element, name: str, value: Money) -> None:
    _value(parent, name, _decimal(value.ore), currencyID=_CURRENCY)  # PEPPOL-EN16931-R051


def _percent(rate: Fraction) -> str:
    hundredths = rate * 10_000
    if hundredths.denominator != 1:
        raise ValueError(f"a VAT rate has at most two decimals in percent, not {rate}")
    return _decimal(int(hundredths))


def _decimal(hundredths: int) -> str:
    """Write a count of hundredths with two decimals (UBL-DT-01): -5 is -0.05."""
    whole, rest = divmod(abs(hundredths), ORE_PER_KRONE)
    return f"{'-' if hundredths < 0 else ''}{whole}.{rest:02d}"


def _clean(text: str) -> str:
    return _NOT_TEXT.sub(" ", text).strip()
