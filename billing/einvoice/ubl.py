"""What both formats share: writing UBL 2.1 elements, amounts and attachments, and the one way of payment they name.

An element whose text would be blank is not written, since no format allows an empty one. The same calls always give
the same bytes.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from lxml import etree

from billing.document import InvoiceDocument, PaymentWays, VatTotal
from billing.reminder_document import ReminderDocument
from foundation.language import day as in_words
from foundation.language import joined
from foundation.money import ORE_PER_KRONE, Money

#: Payment means a Danish seller may use (DK-R-005): FIK, account in Denmark, IBAN.
FIK, BANK_ACCOUNT, IBAN = "93", "42", "58"

#: The longest text that goes with a payment into the payee's account, the number of the document (F-LIB133).
LONGEST_PAYMENT_NOTE = 20

#: The reference where the buyer gave neither a person nor an order, though a format demands one. "Not stated" in
#: words is honest, and no receiver takes it for a name.
NO_REFERENCE = "Ikke oplyst"

COUNTRY = "DK"
CURRENCY = "DKK"
EACH = "EA"  # UN/ECE recommendation 20: one of it

#: UNCL 1001: what kind of document it is.
COMMERCIAL_INVOICE, CREDIT_NOTE = "380", "381"

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd"
_CAC = f"{_SCHEMA}:CommonAggregateComponents-2"
_CBC = f"{_SCHEMA}:CommonBasicComponents-2"

# Line breaks, control characters, halves of surrogate pairs: XML cannot carry them, or gives them no meaning.
_NOT_TEXT = re.compile("[^\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_EXEMPTION_CODE = re.compile(r"VATEX(-[A-Z0-9]+)+")  # BR-CL-22


@dataclass(frozen=True, slots=True)
class Names:
    """What UBL calls the parts that an invoice and a credit note name differently."""

    root: str
    line: str
    quantity: str


NAMES = {
    "invoice": Names("Invoice", "InvoiceLine", "InvoicedQuantity"),
    "credit_note": Names("CreditNote", "CreditNoteLine", "CreditedQuantity"),
}


# --- what the document says -------------------------------------------------------------------------------------


def payment_means_code(payment: PaymentWays) -> str:
    """Give the one way the XML names: FIK before an account before an IBAN; empty where none is offered.

    An invoice may not mix them (UBL-SR-47). FIK comes first because its id alone names the invoice.
    """
    if payment.fik_creditor:
        return FIK
    if payment.registration and payment.account:
        return BANK_ACCOUNT
    return IBAN if payment.iban else ""


def other_ways(document: InvoiceDocument | ReminderDocument) -> str:
    """Tell in words how else it can be paid; empty where there is no other way, or it is a credit note."""
    payment, ways = document.payment, []
    named = payment_means_code(payment)
    if isinstance(document, InvoiceDocument) and document.kind == "credit_note":
        return ""
    if payment.registration and payment.account and named != BANK_ACCOUNT:
        ways.append(f"reg.nr. {payment.registration}, kontonr. {payment.account}")
    if payment.iban and named != IBAN:
        ways.append(f"IBAN {payment.iban}")
    return f"Kan også betales til {' eller '.join(ways)}. Angiv {document.number}." if ways else ""


def compact(iban: str) -> str:
    """Give an IBAN as machines write it, without spaces."""
    return iban.replace(" ", "")


def note(document: InvoiceDocument) -> str:
    """Give the one note on top: what a credit note takes back and why, then the notices."""
    notices = joined(document.notices, by=" ").da
    credited = document.credited
    if credited is None:
        return notices
    what = f"Kreditnota til faktura {credited.number} af {in_words(credited.issued_on).da}: {credited.reason}"
    return f"{what} {notices}".strip()


def exemption(row: VatTotal) -> tuple[str, str]:
    """Split the reason why there is no VAT into its code, where it begins with one, and its words."""
    reason = clean(row.exemption)
    first, _, rest = reason.partition(" ")
    code = first.rstrip(":,;.")
    return (code, rest) if _EXEMPTION_CODE.fullmatch(code) else ("", reason)


def percent(rate: Fraction) -> str:
    """Write a rate in percent with two decimals. Raises ValueError where that is not exact."""
    hundredths = rate * 10_000
    if hundredths.denominator != 1:
        raise ValueError(f"a VAT rate has at most two decimals in percent, not {rate}")
    return _decimal(int(hundredths))


def clean(text: str) -> str:
    """Give the text as XML can carry it."""
    return _NOT_TEXT.sub(" ", text).strip()


# --- elements ---------------------------------------------------------------------------------------------------


def document(name: str) -> etree._Element:
    """Begin a document: Invoice, CreditNote or Reminder."""
    namespaces: Any = {None: f"{_SCHEMA}:{name}-2", "cac": _CAC, "cbc": _CBC}  # the stubs know no default namespace
    return etree.Element(f"{{{namespaces[None]}}}{name}", nsmap=namespaces)


def written(root: etree._Element) -> bytes:
    """Give a whole document as indented UTF-8 XML."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def group(parent: etree._Element, name: str) -> etree._Element:
    """Add an element that holds others."""
    return etree.SubElement(parent, f"{{{_CAC}}}{name}")


def value(parent: etree._Element, name: str, text: str, **attributes: str) -> None:
    """Add an element with text; nothing where the text is blank."""
    content = clean(text)
    if content:
        etree.SubElement(parent, f"{{{_CBC}}}{name}", None, None, **attributes).text = content


def day(parent: etree._Element, name: str, on: date | None) -> None:
    """Add a day; nothing where there is none."""
    value(parent, name, on.isoformat() if on else "")


def amount(parent: etree._Element, name: str, money: Money) -> None:
    """Add an amount in kroner with two decimals."""
    value(parent, name, _decimal(money.ore), currencyID=CURRENCY)


def embed(parent: etree._Element, name: str, pdf: bytes) -> None:
    """Add a PDF as an attachment of that file name."""
    content = etree.SubElement(group(parent, "Attachment"), f"{{{_CBC}}}EmbeddedDocumentBinaryObject")
    content.set("mimeCode", "application/pdf")
    content.set("filename", name)
    content.text = base64.b64encode(pdf).decode("ascii")


def _decimal(hundredths: int) -> str:
    """Write a count of hundredths with two decimals: -5 is -0.05."""
    whole, rest = divmod(abs(hundredths), ORE_PER_KRONE)
    return f"{'-' if hundredths < 0 else ''}{whole}.{rest:02d}"
