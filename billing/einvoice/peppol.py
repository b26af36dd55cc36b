"""The invoice and the credit note as Peppol BIS Billing 3.0.21: UBL 2.1, document types 380 and 381.

Every receiver checks it against the rules of CEN (BR-…, UBL-…), Peppol (PEPPOL-…) and Denmark (DK-R-…); the
rule stands beside the line that obeys it. The same document always gives the same bytes. Texts are the Danish
ones: an e-invoice has one language.

Elements come in the order UBL's schema demands, so read the functions from the top as one reads the document.
"""

from __future__ import annotations

from fractions import Fraction

from lxml import etree

from billing.document import DocumentLine, InvoiceDocument, Party, VatTotal
from billing.einvoice import ubl
from billing.einvoice.ubl import BANK_ACCOUNT, FIK, amount, day, group, value

CUSTOMIZATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"  # PEPPOL-EN16931-R004
PROFILE = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"  # PEPPOL-EN16931-R007

#: Schemes of identifiers, ISO 6523: a GLN, and a CVR number written with DK before it.
GLN, CVR = "0088", "0184"

#: Why nothing outside VAT is taxed. PEPPOL-EN16931-P0105 ties the code to category O.
OUTSIDE_VAT = "VATEX-EU-O"


def render(document: InvoiceDocument, attachment: bytes | None = None) -> bytes:
    """Write the document, and its PDF into it where one is given. `checks` come first: what is wrong stays wrong.

    Raises ValueError where a VAT rate has no exact percentage with two decimals.
    """
    root = ubl.document(ubl.NAMES[document.kind].root)
    _head(root, document)
    _references(root, document)
    _attachment(root, document, attachment)
    _seller(root, document)
    _buyer(root, document)
    _payment_means(root, document)
    _payment_terms(root, document)
    _vat(root, document)
    _totals(root, document)
    for line in document.lines:
        _line(root, document, line)
    return ubl.written(root)


# --- the document, from the top ---------------------------------------------------------------------------------


def _head(root: etree._Element, document: InvoiceDocument) -> None:
    value(root, "CustomizationID", CUSTOMIZATION)  # BR-01
    value(root, "ProfileID", PROFILE)  # PEPPOL-EN16931-R001
    value(root, "ID", document.number)  # BR-02
    day(root, "IssueDate", document.issued_on)  # BR-03, PEPPOL-EN16931-F001
    if document.kind == "credit_note":  # its due date stands with the payment means
        value(root, "CreditNoteTypeCode", ubl.CREDIT_NOTE)  # BR-04, PEPPOL-EN16931-P0101
    else:
        day(root, "DueDate", document.due_on)  # no official rule misses it, so `checks` does
        value(root, "InvoiceTypeCode", ubl.COMMERCIAL_INVOICE)  # BR-04, PEPPOL-EN16931-P0100
    # One note only (PEPPOL-EN16931-R002), and no #, which would begin a subject code (BR-CL-08).
    value(root, "Note", ubl.note(document).replace("#", "nr. "))
    value(root, "DocumentCurrencyCode", ubl.CURRENCY)  # BR-05


def _references(root: etree._Element, document: InvoiceDocument) -> None:
    references = document.references
    order = ubl.clean(references.order_reference)
    value(root, "AccountingCost", references.accounting_cost)
    # PEPPOL-EN16931-R003 demands a person or an order.
    value(root, "BuyerReference", ubl.clean(references.person_reference) or ("" if order else ubl.NO_REFERENCE))
    if order:
        value(group(root, "OrderReference"), "ID", order)
    if document.credited:  # BR-55; no official rule misses it, so `checks` does
        invoice = group(group(root, "BillingReference"), "InvoiceDocumentReference")
        value(invoice, "ID", document.credited.number)
        day(invoice, "IssueDate", document.credited.issued_on)


def _attachment(root: etree._Element, document: InvoiceDocument, pdf: bytes | None) -> None:
    if pdf is not None:
        reference = group(root, "AdditionalDocumentReference")
        value(reference, "ID", document.number)  # BR-52
        value(reference, "DocumentDescription", "Kreditnota" if document.kind == "credit_note" else "Faktura")
        ubl.embed(reference, f"{document.number}.pdf", pdf)  # BR-CL-24: the kind of file


def _seller(root: etree._Element, document: InvoiceDocument) -> None:
    seller = document.seller
    party = group(group(root, "AccountingSupplierParty"), "Party")
    _endpoint(party, seller, seller.gln)  # PEPPOL-EN16931-R020
    _address(party, seller)  # BR-08, BR-09
    scheme = _seller_tax_scheme(document)
    if scheme:
        registration = group(party, "PartyTaxScheme")
        value(registration, "CompanyID", f"DK{seller.cvr}")  # BR-CO-09
        _tax_scheme(registration, scheme)
    _legal_entity(party, seller)  # DK-R-002, DK-R-014


def _seller_tax_scheme(document: InvoiceDocument) -> str:
    if document.seller_vat_registered:
        return "VAT"  # BR-S-02, BR-E-02, BR-Z-02
    if all(line.vat_category == "O" for line in document.lines):
        return ""  # BR-O-02 refuses a VAT number
    return "TAX"  # BR-E-02 asks for a tax registration where there is no VAT number


def _buyer(root: etree._Element, document: InvoiceDocument) -> None:
    references = document.references
    party = group(group(root, "AccountingCustomerParty"), "Party")
    gln = references.gln if references.endpoint == "gln" else ""
    _endpoint(party, document.buyer, gln)  # PEPPOL-EN16931-R010
    _address(party, document.buyer)  # BR-10, BR-11
    _legal_entity(party, document.buyer)  # DK-R-017


def _endpoint(party: etree._Element, owner: Party, gln: str) -> None:
    if gln:
        value(party, "EndpointID", gln, schemeID=GLN)  # PEPPOL-COMMON-R040
    else:
        value(party, "EndpointID", f"DK{owner.cvr}", schemeID=CVR)  # PEPPOL-COMMON-R042


def _address(party: etree._Element, owner: Party) -> None:
    address = group(party, "PostalAddress")
    value(address, "StreetName", owner.address)
    value(address, "CityName", owner.city)
    value(address, "PostalZone", owner.postcode)
    value(group(address, "Country"), "IdentificationCode", ubl.COUNTRY)  # enough where no address is known


def _legal_entity(party: etree._Element, owner: Party) -> None:
    entity = group(party, "PartyLegalEntity")
    value(entity, "RegistrationName", owner.name)  # BR-06, BR-07
    value(entity, "CompanyID", f"DK{owner.cvr}", schemeID=CVR)


def _payment_means(root: etree._Element, document: InvoiceDocument) -> None:
    payment = document.payment
    code = ubl.payment_means_code(payment)
    if not code:
        return
    means = group(root, "PaymentMeans")
    value(means, "PaymentMeansCode", code)  # DK-R-005
    if document.kind == "credit_note":
        day(means, "PaymentDueDate", document.due_on)
    # What the payer writes, so that we know the payment again.
    value(means, "PaymentID", f"71#{payment.fik_id}" if code == FIK else document.number)  # DK-R-010, DK-R-011
    account = group(means, "PayeeFinancialAccount")
    if code == FIK:
        value(account, "ID", payment.fik_creditor)  # DK-R-010: eight characters
    elif code == BANK_ACCOUNT:
        value(account, "ID", payment.account)  # DK-R-006: account and registration number
        value(group(account, "FinancialInstitutionBranch"), "ID", payment.registration)
    else:
        value(account, "ID", ubl.compact(payment.iban))  # BR-61


def _payment_terms(root: etree._Element, document: InvoiceDocument) -> None:
    ways = ubl.other_ways(document)
    if ways:
        value(group(root, "PaymentTerms"), "Note", ways)


def _vat(root: etree._Element, document: InvoiceDocument) -> None:
    tax_total = group(root, "TaxTotal")  # PEPPOL-EN16931-R053: one
    amount(tax_total, "TaxAmount", document.vat)  # BR-CO-14
    for total in document.vat_totals:
        subtotal = group(tax_total, "TaxSubtotal")  # BR-CO-18
        amount(subtotal, "TaxableAmount", total.net)  # BR-45
        amount(subtotal, "TaxAmount", total.vat)  # BR-46, BR-CO-17
        _vat_category(subtotal, "TaxCategory", total.category, total.rate, *_exemption(total))


def _vat_category(
    parent: etree._Element, name: str, category: str, rate: Fraction, code: str = "", reason: str = ""
) -> None:
    part = group(parent, name)
    value(part, "ID", category)  # BR-47, BR-CO-04
    if category != "O":
        value(part, "Percent", ubl.percent(rate))  # BR-48; BR-O-05 refuses a rate outside VAT
    value(part, "TaxExemptionReasonCode", code)
    value(part, "TaxExemptionReason", reason)
    _tax_scheme(part, "VAT")


def _exemption(row: VatTotal) -> tuple[str, str]:
    if row.category not in ("E", "O"):
        return "", ""  # BR-S-10 and BR-Z-10 refuse a reason
    code, reason = ubl.exemption(row)
    return code or (OUTSIDE_VAT if row.category == "O" else ""), reason  # BR-E-10, BR-O-10


def _tax_scheme(parent: etree._Element, scheme: str) -> None:
    value(group(parent, "TaxScheme"), "ID", scheme)


def _totals(root: etree._Element, document: InvoiceDocument) -> None:
    totals = group(root, "LegalMonetaryTotal")
    amount(totals, "LineExtensionAmount", document.net)  # BR-CO-10
    amount(totals, "TaxExclusiveAmount", document.net)  # BR-CO-13: we write no document allowances
    amount(totals, "TaxInclusiveAmount", document.gross)  # BR-CO-15
    amount(totals, "PayableAmount", document.gross)  # BR-CO-16: nothing is paid beforehand


def _line(root: etree._Element, document: InvoiceDocument, line: DocumentLine) -> None:
    negative = line.net.ore < 0
    names = ubl.NAMES[document.kind]
    part = group(root, names.line)
    value(part, "ID", str(line.position))  # BR-21
    # What is taken off is minus one of something with a price, for a price is never negative (BR-27).
    value(part, names.quantity, "-1" if negative else "1", unitCode=ubl.EACH)  # BR-22, BR-23
    amount(part, "LineExtensionAmount", line.net)  # BR-24, PEPPOL-EN16931-R120
    _period(part, line)
    _item(part, line)
    amount(group(part, "Price"), "PriceAmount", -line.net if negative else line.net)  # BR-26


def _period(part: etree._Element, line: DocumentLine) -> None:
    if line.first_day or line.last_day:  # BR-CO-20
        period = group(part, "InvoicePeriod")
        day(period, "StartDate", line.first_day)  # BR-30
        day(period, "EndDate", line.last_day)


def _item(part: etree._Element, line: DocumentLine) -> None:
    item = group(part, "Item")
    value(item, "Description", line.why.da)  # shown with the name by receivers, unlike a line's note
    value(item, "Name", line.text.da)  # BR-25
    _vat_category(item, "ClassifiedTaxCategory", line.vat_category, line.vat_rate)
