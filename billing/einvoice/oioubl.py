"""The invoice, the credit note and the reminder as OIOUBL 2.1 (rules 1.17.2): what every Danish public receiver takes.

The rule stands beside the line that obeys it: F-INV of invoices, F-CRN of credit notes, F-REM of reminders, F-LIB of
all. Elements come in the order UBL's schema demands, so read the functions from the top as one reads the document.

Three things differ from what one would think:
- TaxExclusiveAmount is the VAT in all, not the amount without VAT (F-INV127);
- every line has its own TaxTotal (F-INV138);
- there are two rates only: what is exempt or outside VAT is written as ZeroRated, with its reason.
"""

from __future__ import annotations

from fractions import Fraction

from lxml import etree

from billing.document import DocumentLine, InvoiceDocument, Party, References, VatCategory, VatTotal
from billing.einvoice import ubl
from billing.einvoice.ubl import BANK_ACCOUNT, FIK, amount, day, group, value
from billing.reminder_document import RemindedInvoice, ReminderCharge, ReminderDocument
from foundation.language import day as in_words
from foundation.language import joined
from foundation.money import ZERO, Money

VERSION = "2.1"  # F-LIB001
CUSTOMIZATION = "OIOUBL-2.1"  # F-LIB002

#: Billing without orders in the same system; the newer of its two names (F-LIB302), and the only one of reminders.
PROFILE = "Procurement-BilSim-1.0"

_AGENCY = "320"  # the publisher of OIOUBL's code lists
_GS1 = "9"
_RATES: dict[VatCategory, str] = {"S": "StandardRated", "E": "ZeroRated", "O": "ZeroRated", "Z": "ZeroRated"}
_CHANNELS = {FIK: "DK:FIK", BANK_ACCOUNT: "DK:BANK", ubl.IBAN: "IBAN"}  # F-LIB277, F-LIB128, F-LIB379
_CHARGES = {
    "fee": "PenaltyFee",
    "compensation": "PenaltyFee",
    "interest": "PenaltyRate",
    "earlier": "PenaltyFee",
}  # F-REM097

_Document = InvoiceDocument | ReminderDocument


def render(document: InvoiceDocument, attachment: bytes | None = None) -> bytes:
    """Write an invoice or a credit note, and its PDF into it where one is given.

    `checks` come first: what is wrong stays wrong. Raises ValueError where a VAT rate has no exact percentage with two
    decimals.
    """
    root = ubl.document(ubl.NAMES[document.kind].root)
    _head(root, document)
    if document.kind == "invoice":
        _code(root, "InvoiceTypeCode", ubl.COMMERCIAL_INVOICE, "invoicetypecode-1.1")  # F-INV011, W-INV010, W-INV005
    _note(root, ubl.note(document), document.references)
    _references(root, document)
    _attachment(root, document.number, "Kreditnota" if document.kind == "credit_note" else "Faktura", attachment)
    _parties(root, document)
    if document.kind == "credit_note":  # a payment nobody asked for would be the wrong way round
        _terms(root, document, document.gross)
    else:
        _payment(root, document, document.gross)
    _vat(root, document.vat, document.vat_totals)
    _totals(root, document.net, document.vat, document.gross)
    for line in document.lines:
        _line(root, document, line)
    return ubl.written(root)


def render_reminder(reminder: ReminderDocument, attachment: bytes | None = None) -> bytes:
    """Write a reminder: a line for each invoice that is owed, a charge for each thing the delay costs.

    Its PDF is written into it where one is given.
    """
    root = ubl.document("Reminder")
    _head(root, reminder)
    _code(root, "ReminderTypeCode", "Reminder", "remindertypecode-1.1")  # F-REM006, F-REM059, F-REM060, F-REM061
    value(root, "ReminderSequenceNumeric", str(reminder.sequence))  # F-REM007
    _note(root, joined(reminder.notices, by=" ").da, reminder.references)
    _attachment(root, reminder.number, "Rykker", attachment)
    _parties(root, reminder)
    _payment(root, reminder, reminder.to_pay)
    for at, charge in enumerate(reminder.charges, start=1):
        _charge(root, at, charge)
    _vat(root, ZERO, (VatTotal("O", Fraction(0), "", reminder.charged, ZERO),))
    _totals(root, reminder.outstanding, ZERO, reminder.to_pay, charged=reminder.charged if reminder.charges else None)
    for at, invoice in enumerate(reminder.invoices, start=1):
        _reminded(root, at, invoice)
    return ubl.written(root)


# --- the document, from the top ---------------------------------------------------------------------------------


def _head(root: etree._Element, document: _Document) -> None:
    value(root, "UBLVersionID", VERSION)
    value(root, "CustomizationID", CUSTOMIZATION)
    value(
        root, "ProfileID", PROFILE, schemeAgencyID=_AGENCY, schemeID="urn:oioubl:id:profileid-1.2"
    )  # W-LIB003, W-LIB203
    value(root, "ID", document.number)  # F-INV009, F-CRN006, F-REM010
    value(root, "CopyIndicator", "false")
    day(root, "IssueDate", document.issued_on)


def _note(root: etree._Element, note: str, references: References) -> None:
    value(root, "Note", note)  # one only, so it needs no language (W-LIB011)
    value(root, "DocumentCurrencyCode", ubl.CURRENCY)  # F-INV007, F-CRN004, F-REM008
    value(root, "AccountingCost", references.accounting_cost)


def _references(root: etree._Element, document: InvoiceDocument) -> None:
    credited, order = document.credited, document.references.order_reference
    if credited:
        response = group(root, "DiscrepancyResponse")
        value(response, "ReferenceID", credited.number)
        value(response, "Description", credited.reason)
    if ubl.clean(order):
        value(group(root, "OrderReference"), "ID", order)  # F-INV024
    if credited:  # no official rule misses it, so `checks` does
        invoice = group(group(root, "BillingReference"), "InvoiceDocumentReference")
        value(invoice, "ID", credited.number)
        day(invoice, "IssueDate", credited.issued_on)


def _attachment(root: etree._Element, number: str, what: str, pdf: bytes | None) -> None:
    if pdf is not None:
        reference = group(root, "AdditionalDocumentReference")
        value(reference, "ID", number)
        value(reference, "DocumentType", what)  # F-LIB092
        ubl.embed(reference, f"{number}.pdf", pdf)  # F-LIB098: the kind of file


# --- parties ----------------------------------------------------------------------------------------------------


def _parties(root: etree._Element, document: _Document) -> None:
    seller = _party(root, "AccountingSupplierParty", document.seller, document.seller.gln)  # F-INV030, F-INV031
    if document.seller_vat_registered:
        registration = group(seller, "PartyTaxScheme")
        value(registration, "CompanyID", f"DK{document.seller.cvr}", schemeID="DK:SE")
        _tax_scheme(registration)
    _legal_entity(seller, document.seller)  # F-INV034
    references = document.references
    gln = references.gln if references.endpoint == "gln" else ""
    buyer = _party(root, "AccountingCustomerParty", document.buyer, gln)  # F-INV043, F-INV044
    _legal_entity(buyer, document.buyer)
    _contact(buyer, references)


def _party(root: etree._Element, role: str, owner: Party, gln: str) -> etree._Element:
    party = group(group(root, role), "Party")
    _identifier(party, "EndpointID", owner, gln)  # F-LIB179, F-LIB180, F-LIB181
    _identifier(group(party, "PartyIdentification"), "ID", owner, gln)  # F-LIB183, F-LIB184, F-LIB185
    value(group(party, "PartyName"), "Name", owner.name)
    address = group(party, "PostalAddress")
    # Lax: our addresses have street and number in one line, and some are not known (F-LIB033 to F-LIB036).
    _code(address, "AddressFormatCode", "StructuredLax", "addressformatcode-1.1")  # F-LIB025, F-LIB026, F-LIB027
    value(address, "StreetName", owner.address)
    value(address, "CityName", owner.city)
    value(address, "PostalZone", owner.postcode)
    value(group(address, "Country"), "IdentificationCode", ubl.COUNTRY)
    return party


def _identifier(parent: etree._Element, name: str, owner: Party, gln: str) -> None:
    if gln:
        value(parent, name, gln, schemeAgencyID=_GS1, schemeID="GLN")
    else:
        value(parent, name, f"DK{owner.cvr}", schemeID="DK:CVR")


def _legal_entity(party: etree._Element, owner: Party) -> None:
    entity = group(party, "PartyLegalEntity")
    value(entity, "RegistrationName", owner.name)
    value(entity, "CompanyID", f"DK{owner.cvr}", schemeID="DK:CVR")  # F-LIB189, F-LIB190


def _contact(party: etree._Element, references: References) -> None:
    person = ubl.clean(references.person_reference) or ubl.NO_REFERENCE
    value(group(party, "Contact"), "ID", person)  # F-INV046, F-INV051, F-REM071


# --- payment ----------------------------------------------------------------------------------------------------


def _payment(root: etree._Element, document: _Document, to_pay: Money) -> None:
    code = ubl.payment_means_code(document.payment)
    if code:
        means = group(root, "PaymentMeans")
        value(means, "ID", "1")
        value(means, "PaymentMeansCode", code)  # F-LIB100
        day(means, "PaymentDueDate", document.due_on)  # no official rule misses it, so `checks` does
        _code(means, "PaymentChannelCode", _CHANNELS[code], "paymentchannelcode-1.1")  # F-LIB123, F-LIB278
        _account(means, document, code)
        _terms(root, document, to_pay, means="1")


def _account(means: etree._Element, document: _Document, code: str) -> None:
    payment = document.payment
    if code == FIK:
        value(means, "InstructionID", payment.fik_id)  # F-LIB153, F-LIB156: fifteen digits
        value(means, "PaymentID", "71")  # F-LIB152, F-LIB155
        value(group(means, "CreditAccount"), "AccountID", payment.fik_creditor)  # eight digits
        return
    account = group(means, "PayeeFinancialAccount")  # F-LIB125, F-LIB126, F-LIB377
    value(account, "ID", payment.account if code == BANK_ACCOUNT else ubl.compact(payment.iban))  # F-LIB131
    value(account, "PaymentNote", document.number)  # F-LIB133: `checks` looks how long it is
    if code == BANK_ACCOUNT:
        value(group(account, "FinancialInstitutionBranch"), "ID", payment.registration)  # F-LIB127, F-LIB132, F-LIB311


def _terms(root: etree._Element, document: _Document, to_pay: Money, *, means: str = "") -> None:
    terms = group(root, "PaymentTerms")
    value(terms, "ID", "1")
    value(terms, "PaymentMeansID", means)
    value(terms, "Note", ubl.terms(document))
    amount(terms, "Amount", to_pay)  # F-INV134, F-REM086


def _charge(root: etree._Element, at: int, charge: ReminderCharge) -> None:
    part = group(root, "AllowanceCharge")
    value(part, "ID", str(at))
    value(part, "ChargeIndicator", "true")
    _code(part, "AllowanceChargeReasonCode", _CHARGES[charge.kind], "reminderallowancechargereasoncode-1.0")
    amount(part, "Amount", charge.amount)  # F-REM082
    _vat_category(part, "O", None)


# --- VAT and totals ---------------------------------------------------------------------------------------------


def _vat(parent: etree._Element, vat: Money, rows: tuple[VatTotal, ...]) -> None:
    total = group(parent, "TaxTotal")  # F-INV008, F-CRN005
    amount(total, "TaxAmount", vat)  # F-LIB385
    for row in rows:
        subtotal = group(total, "TaxSubtotal")
        amount(subtotal, "TaxableAmount", row.net)
        amount(subtotal, "TaxAmount", row.vat)
        _vat_category(subtotal, row.category, row.rate, ubl.clean(row.exemption))


def _vat_category(parent: etree._Element, category: VatCategory, rate: Fraction | None, reason: str = "") -> None:
    part = group(parent, "TaxCategory")
    value(part, "ID", _RATES[category], schemeAgencyID=_AGENCY, schemeID="urn:oioubl:id:taxcategoryid-1.1")  # F-LIB075
    value(part, "Percent", "" if rate is None else ubl.percent(rate))  # F-LIB382
    value(part, "TaxExemptionReason", reason if category in ("E", "O") else "")
    _tax_scheme(part)


def _tax_scheme(parent: etree._Element) -> None:
    scheme = group(parent, "TaxScheme")
    value(scheme, "ID", "63", schemeAgencyID=_AGENCY, schemeID="urn:oioubl:id:taxschemeid-1.1")  # F-LIB065, F-LIB070
    value(scheme, "Name", "Moms")  # F-LIB066


def _totals(root: etree._Element, net: Money, vat: Money, to_pay: Money, charged: Money | None = None) -> None:
    totals = group(root, "LegalMonetaryTotal")
    amount(totals, "LineExtensionAmount", net)  # F-INV120, F-INV126, F-CRN072, F-REM054
    amount(totals, "TaxExclusiveAmount", vat)  # F-INV127, F-REM079: the VAT
    amount(totals, "TaxInclusiveAmount", to_pay)  # F-INV128, F-REM080
    if charged is not None:
        amount(totals, "ChargeTotalAmount", charged)  # F-REM075, F-REM082
    amount(totals, "PayableAmount", to_pay)  # F-INV133, F-REM085


# --- lines ------------------------------------------------------------------------------------------------------


def _line(root: etree._Element, document: InvoiceDocument, line: DocumentLine) -> None:
    names, negative = ubl.NAMES[document.kind], line.net.ore < 0
    part = group(root, names.line)
    value(part, "ID", str(line.position))  # F-INV140, W-INV237, F-CRN084
    # What is taken off is minus one of something, as in Peppol; never none of it (F-INV137, F-INV147).
    value(part, names.quantity, "-1" if negative else "1", unitCode=ubl.EACH)
    amount(part, "LineExtensionAmount", line.net)  # F-INV149, F-INV340
    _period(part, line)
    vat = _vat_of(line)
    _vat(part, vat, (VatTotal(line.vat_category, line.vat_rate, "", line.net, vat),))  # F-INV138
    item = group(part, "Item")  # F-CRN082
    value(item, "Description", line.why.da)
    value(item, "Name", line.text.da)  # F-INV163
    price = group(part, "Price")  # F-INV139, F-CRN083
    amount(price, "PriceAmount", -line.net if negative else line.net)
    value(price, "BaseQuantity", "1", unitCode=ubl.EACH)


def _vat_of(line: DocumentLine) -> Money:
    """Give a line's share of the VAT; where rounding left it none, its own, for it must not be nothing (F-LIB381)."""
    return line.vat or line.net.scaled(line.vat_rate)


def _period(part: etree._Element, line: DocumentLine) -> None:
    if line.first_day or line.last_day:
        period = group(part, "InvoicePeriod")
        day(period, "StartDate", line.first_day)  # F-LIB080
        day(period, "EndDate", line.last_day)


def _reminded(root: etree._Element, at: int, invoice: RemindedInvoice) -> None:
    part = group(root, "ReminderLine")
    value(part, "ID", str(at))  # F-REM058
    value(part, "Note", f"Faktura {invoice.number}, forfalden {in_words(invoice.due_on).da}")
    amount(part, "DebitLineAmount", invoice.outstanding)
    reference = group(group(part, "BillingReference"), "InvoiceDocumentReference")  # F-REM088: one
    value(reference, "ID", invoice.number)
    day(reference, "IssueDate", invoice.issued_on)


def _code(parent: etree._Element, name: str, code: str, codelist: str) -> None:
    value(parent, name, code, listAgencyID=_AGENCY, listID=f"urn:oioubl:codelist:{codelist}")
