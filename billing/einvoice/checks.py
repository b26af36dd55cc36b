"""Our own checks of a document, made on the value before it is written, in words a secretariat can act on.

They are the same for both formats, so that a document can be sent in either.

They come before the official rules for two reasons: those rules do not see everything (a wrong digit in a payment
id, a sum that is right in the XML and wrong in the world), and what they say is not for people.

An error keeps the document from being sent; a warning is shown and may be passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Literal

from stdnum import ean, iban
from stdnum.dk import cvr

from billing import payment_id
from billing.document import Credited, DocumentLine, InvoiceDocument, Party, VatTotal
from billing.einvoice import ubl
from billing.reminder_document import ReminderDocument
from foundation.language import Text, day, kroner
from foundation.money import Money, total

Severity = Literal["error", "warning"]

#: Longest term of payment a public debtor may be given (renteloven, the Danish Interest Act).
LONGEST_TERM_DAYS = 30

#: As many reminders of one debt may cost a fee (renteloven § 9 b).
MOST_REMINDERS = 3

#: 2027-0001; K- before it for a credit note, R- before that for a rehearsal.
_NUMBER = re.compile(r"(?P<rehearsal>R-)?(?P<credit>K-)?(?P<year>\d{4})-\d{4,}", re.ASCII)

_Document = InvoiceDocument | ReminderDocument
_Rate = tuple[str, Fraction]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: a code that stays, and what is wrong and how to mend it."""

    severity: Severity
    code: str
    message: Text


def check(document: InvoiceDocument) -> list[Finding]:
    """Give everything wrong with an invoice or a credit note, in the order one reads it; a good one gives nothing."""
    term = () if document.kind == "credit_note" else _term(document)
    return [
        *_number(document),
        *_days(document),
        *term,
        *check_body(document),
        *_credit_head(document),
        *_pay(document),
    ]


def check_body(document: InvoiceDocument) -> list[Finding]:
    """Give everything wrong with what stands before a document has its number, days and payment id."""
    found: list[Finding] = []
    for ask in (_credit, _seller, _buyer, _lines, _vat_categories, _vat_totals, _sums):
        found += ask(document)
    return found


def check_reminder(reminder: ReminderDocument) -> list[Finding]:
    """Give everything wrong with a reminder."""
    found: list[Finding] = []
    for ask in (_days, _seller, _buyer, _reminded, _reminder_sums, _payment):
        found += ask(reminder)
    return found


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Give those that keep the document from being sent."""
    return [finding for finding in findings if finding.severity == "error"]


def warnings(findings: Iterable[Finding]) -> tuple[Text, ...]:
    """Give what is told, and may be passed over."""
    return tuple(finding.message for finding in findings if finding.severity == "warning")


# --- number and days --------------------------------------------------------------------------------------------


def _what(document: _Document) -> Text:
    if isinstance(document, ReminderDocument):
        return Text("Rykkeren", "The reminder")
    return (
        Text("Kreditnotaen", "The credit note") if document.kind == "credit_note" else Text("Fakturaen", "The invoice")
    )


def _number(document: InvoiceDocument) -> Iterator[Finding]:
    found, number = _NUMBER.fullmatch(document.number), document.number
    if found is None:
        yield _error(
            "number_format",
            f"Nummeret »{number}« er ikke år, bindestreg, mindst fire cifre. Ret det: 2027-0001 eller K-2027-0001.",
            f"The number '{number}' is not year, hyphen, at least four digits. Correct it: 2027-0001 or K-2027-0001.",
        )
    elif int(found["year"]) != document.year:
        yield _error(
            "number_year",
            f"Nummeret {number} hører ikke til året {document.year}. Brug årets nummerserie.",
            f"The number {number} is not of the year {document.year}. Use that year's series.",
        )
    elif bool(found["credit"]) != (document.kind == "credit_note"):
        yield _error(
            "number_series",
            f"Nummeret {number} er af en forkert serie. Kreditnotaers numre begynder med K-, fakturaers ikke.",
            f"The number {number} is of the wrong series. Credit notes' numbers begin with K-, invoices' do not.",
        )


def _days(document: _Document) -> Iterator[Finding]:
    what, issued, due = _what(document), document.issued_on, document.due_on
    if not due:
        yield _error(
            "due_date_missing",
            f"{what.da} har ingen forfaldsdag. Angiv betalingsfristen i indstillingerne.",
            f"{what.en} has no due date. Give the term of payment in the settings.",
        )
    elif due < issued:
        yield _error(
            "due_date_before_issue",
            f"Forfaldsdagen {day(due).da} ligger før fakturadagen {day(issued).da}. Ret forfaldsdagen.",
            f"The due date {day(due).en} is before the day of issue {day(issued).en}. Correct the due date.",
        )


def _term(document: InvoiceDocument) -> Iterator[Finding]:
    issued, due = document.issued_on, document.due_on
    if due and due > issued + timedelta(days=LONGEST_TERM_DAYS):
        yield _warning(
            "term_above_30_days",
            f"Fristen er {(due - issued).days} dage; en offentlig debitor må højst få {LONGEST_TERM_DAYS}. "
            "Sæt forfaldsdagen tidligere.",
            f"The term is {(due - issued).days} days; a public debtor may have {LONGEST_TERM_DAYS} at most. "
            "Set an earlier due date.",
        )


# --- what a credit note takes back ------------------------------------------------------------------------------


def _credit(document: InvoiceDocument) -> Iterator[Finding]:
    credited = document.credited
    if document.kind == "credit_note" and credited is None:
        yield _error(
            "credited_missing",
            "Kreditnotaen nævner ingen faktura. Angiv fakturaen, den krediterer.",
            "The credit note names no invoice. Give the invoice that it takes back.",
        )
    elif credited is not None and document.kind == "invoice":
        yield _error(
            "credited_by_invoice",
            "En faktura kan ikke kreditere en anden. Udsted en kreditnota i stedet.",
            "An invoice cannot take back another. Issue a credit note instead.",
        )
    elif credited is not None:
        yield from _credited(credited)


def _credited(credited: Credited) -> Iterator[Finding]:
    found = _NUMBER.fullmatch(credited.number)
    if found is None or found["credit"]:
        yield _error(
            "credited_number",
            f"Kreditnotaen henviser til »{credited.number}«, som ikke er et fakturanummer. Angiv fakturaens nummer.",
            f"The credit note refers to '{credited.number}', which is no invoice number. Give the invoice's number.",
        )
    if not credited.reason.strip():
        yield _error(
            "credited_reason_missing",
            "Kreditnotaen siger ikke, hvorfor fakturaen krediteres. Angiv begrundelsen.",
            "The credit note does not say why the invoice is taken back. Give the reason.",
        )


def _credit_head(document: InvoiceDocument) -> Iterator[Finding]:
    """Find what only shows when a credit note has its number and day."""
    if document.credited is None:
        return
    invoice = document.credited
    if invoice.issued_on > document.issued_on:
        yield _error(
            "credited_later",
            f"Fakturaen {invoice.number} er af {day(invoice.issued_on).da}, efter kreditnotaen. Ret en af dagene.",
            f"The invoice {invoice.number} is of {day(invoice.issued_on).en}, after the credit note. Correct one day.",
        )
    if invoice.number.startswith("R-") != document.number.startswith("R-"):
        yield _error(
            "credited_book",
            f"{document.number} og {invoice.number} er ikke i samme bog. Krediter en faktura i samme bog.",
            f"{document.number} and {invoice.number} are not in one book. Take back an invoice of the same book.",
        )


# --- parties ----------------------------------------------------------------------------------------------------


def _seller(document: _Document) -> Iterator[Finding]:
    seller, whose = document.seller, Text("Sælgers", "The seller's")
    yield from _party(seller, "seller", whose)
    if document.seller_vat_registered and not _digits(seller.cvr, 8):  # BR-S-02, BR-CO-09
        yield _error(
            "seller_vat_number",
            f"Sælgers momsnummer »DK{seller.cvr}« er ikke DK og otte cifre. Ret CVR-nummeret i indstillingerne.",
            f"The seller's VAT number 'DK{seller.cvr}' is not DK and eight digits. Correct the CVR in the settings.",
        )
    if seller.gln:
        yield from _gln(seller.gln, "seller", whose)


def _buyer(document: _Document) -> Iterator[Finding]:
    what, whose, references = _what(document), Text("Købers", "The buyer's"), document.references
    yield from _party(document.buyer, "buyer", whose)
    if not (references.person_reference.strip() or references.order_reference.strip()):
        yield _warning(
            "buyer_reference_missing",
            f"{what.da} har hverken personreference eller ordrenummer. Spørg køber, og registrér det.",
            f"{what.en} has neither a person reference nor an order number. Ask the buyer, and enter it.",
        )
    if references.endpoint == "cvr":
        return
    if references.gln:
        yield from _gln(references.gln, "buyer", whose)
    else:
        yield _error(
            "buyer_gln_missing",
            f"{what.da} skal til et GLN, men køber har intet. Registrér køberens GLN, eller send til CVR-nummeret.",
            f"{what.en} goes to a GLN, but the buyer has none. Enter the buyer's GLN, or send to the CVR number.",
        )


def _party(party: Party, who: str, whose: Text) -> Iterator[Finding]:
    if not party.name.strip():
        yield _error(
            f"{who}_name_missing", f"{whose.da} navn mangler. Angiv det.", f"{whose.en} name is missing. Enter it."
        )
    if not (party.address.strip() and party.postcode.strip() and party.city.strip()):
        yield _warning(
            f"{who}_address_missing",
            f"{whose.da} adresse er ikke fuldstændig. Angiv vej, postnummer og by.",
            f"{whose.en} address is not complete. Enter street, postcode and city.",
        )
    yield from _cvr(party.cvr, who, whose)


def _cvr(number: str, who: str, whose: Text) -> Iterator[Finding]:
    if not _digits(number, 8):
        yield _error(
            f"{who}_cvr_format",
            f"{whose.da} CVR-nummer »{number}« skal være otte cifre. Ret det.",
            f"{whose.en} CVR number '{number}' must be eight digits. Correct it.",
        )
    elif not cvr.is_valid(number):
        yield _warning(
            f"{who}_cvr_check_digit",
            f"{whose.da} CVR-nummer {number} har et forkert kontrolciffer (modulus 11). Slå det op i CVR.",
            f"{whose.en} CVR number {number} has a wrong check digit (modulus 11). Look it up in CVR.",
        )


def _gln(number: str, who: str, whose: Text) -> Iterator[Finding]:
    if not (_digits(number, 13) and ean.is_valid(number)):
        yield _error(
            f"{who}_gln",
            f"{whose.da} GLN »{number}« er ikke 13 cifre med rigtigt kontrolciffer. Ret det.",
            f"{whose.en} GLN '{number}' is not 13 digits with a correct check digit. Correct it.",
        )


# --- lines and VAT ----------------------------------------------------------------------------------------------


def _lines(document: InvoiceDocument) -> Iterator[Finding]:
    if not document.lines:
        yield _error(
            "no_lines",
            f"{_what(document).da} har ingen linjer. Udsted den ikke.",
            f"{_what(document).en} has no lines. Do not issue it.",
        )
    positions = [line.position for line in document.lines]
    if len(set(positions)) < len(positions):
        yield _error(
            "line_positions",
            "To linjer har samme nummer. Nummerér linjerne fra 1.",
            "Two lines have the same number. Number the lines from 1.",
        )
    for line in document.lines:
        yield from _line(line)


def _line(line: DocumentLine) -> Iterator[Finding]:
    at = Text(f"Linje {line.position}", f"Line {line.position}")
    if not line.text.da.strip():
        yield _error("line_text_missing", f"{at.da} har ingen tekst. Angiv den.", f"{at.en} has no text. Enter it.")
    if line.first_day and line.last_day and line.last_day < line.first_day:
        yield _error(
            "line_period",
            f"{at.da} dækker en periode, der slutter, før den begynder. Ret den.",
            f"{at.en} covers a period that ends before it begins. Correct it.",
        )


def _vat_categories(document: InvoiceDocument) -> Iterator[Finding]:
    """Find categories that may not stand together, or not with this seller."""
    categories = {line.vat_category for line in document.lines}
    if "O" in categories and (len(categories) > 1 or document.seller_vat_registered):  # BR-O-02, BR-O-11
        yield _error(
            "outside_vat_mixed",
            "Linjer uden for moms kan ikke stå sammen med andre eller hos en momsregistreret sælger. Brug momsfri (E).",
            "Lines outside VAT cannot stand with others, or with a VAT registered seller. Use exempt (E).",
        )
    if "S" in categories and not document.seller_vat_registered:
        yield _error(
            "vat_without_registration",
            "En sælger uden momsregistrering må ikke opkræve moms. Ret sælgerens momsregistrering eller linjerne.",
            "A seller not registered for VAT may not charge it. Correct the seller's registration or the lines.",
        )


def _vat_totals(document: InvoiceDocument) -> Iterator[Finding]:
    for row in document.vat_totals:
        yield from _vat_total(row)
        of_rate = [line for line in document.lines if _rate(line) == _rate(row)]
        yield from _vat_sums(row, of_rate, is_credit=document.kind == "credit_note")
    rates = [_rate(row) for row in document.vat_totals]
    if len(set(rates)) < len(rates) or {_rate(line) for line in document.lines} != set(rates):
        yield _error(
            "vat_totals_incomplete",
            "Momsopgørelsen har ikke netop én række for hver sats på linjerne. Beregn den igen.",
            "The VAT summary has not exactly one row for each rate on the lines. Compute it again.",
        )


def _vat_total(row: VatTotal) -> Iterator[Finding]:
    if row.category == "E" and not row.exemption.strip():  # BR-E-10; for O the renderer knows the reason
        yield _error(
            "exemption_reason_missing",
            "Momsfri linjer mangler begrundelse. Angiv vat_exemption i taksttabellen.",
            "Exempt lines have no reason. Give vat_exemption in the fee table.",
        )
    hundredths = row.rate * 10_000
    if (row.category == "S") != (hundredths > 0) or hundredths.denominator != 1:  # BR-S-05, BR-E-05, BR-Z-05
        yield _error(
            "vat_rate",
            f"Momssatsen {row.rate} passer ikke til momskategori {row.category}. Ret taksttabellen.",
            f"The VAT rate {row.rate} does not fit VAT category {row.category}. Correct the fee table.",
        )


def _vat_sums(row: VatTotal, lines: list[DocumentLine], *, is_credit: bool) -> Iterator[Finding]:
    net, shares = total(line.net for line in lines), total(line.vat for line in lines)
    of_rate = Text(f"Momskategori {row.category}: ", f"VAT category {row.category}: ")
    yield from _differs("vat_base", of_rate + Text("grundlag", "base"), row.net, net)  # BR-S-08, BR-E-08
    due = row.net.scaled(row.rate)  # BR-CO-17, but to the øre
    if is_credit and abs(row.vat.ore - due.ore) <= len(lines):
        due = row.vat  # each line gives back its share of the invoice's VAT, which rounding moved by less than an øre
        if row.has_lost_its_vat:  # F-LIB381
            yield _error(
                "vat_rounded_away",
                f"Momskategori {row.category}: momsen af {kroner(row.net).da} er rundet over på andre linjer. "
                "Krediter dem sammen.",
                f"VAT category {row.category}: the VAT of {kroner(row.net).en} was rounded on to other lines. "
                "Credit them together.",
            )
    yield from _differs("vat_amount", of_rate + Text("moms", "VAT"), row.vat, due)
    yield from _differs("vat_of_lines", of_rate + Text("moms på linjerne", "VAT on the lines"), shares, row.vat)


def _rate(row: DocumentLine | VatTotal) -> _Rate:
    if isinstance(row, DocumentLine):
        return row.vat_category, row.vat_rate
    return row.category, row.rate


# --- sums -------------------------------------------------------------------------------------------------------


def _sums(document: InvoiceDocument) -> Iterator[Finding]:
    net, vat = total(line.net for line in document.lines), total(row.vat for row in document.vat_totals)
    yield from _differs("net_sum", Text("Beløb uden moms", "Total without VAT"), document.net, net)  # BR-CO-10
    yield from _differs("vat_sum", Text("Moms i alt", "VAT in all"), document.vat, vat)  # BR-CO-14
    gross = document.net + document.vat  # BR-CO-15
    yield from _differs("gross_sum", Text("Beløb med moms", "Total with VAT"), document.gross, gross)
    if document.gross.ore < 0 and document.kind == "credit_note":  # DK-R-016
        yield _error(
            "negative_credit",
            "Kreditnotaens beløb er negativt. Skriv det, der gives tilbage, uden minus.",
            "The credit note's total is negative. Write what is given back without a minus.",
        )
    elif document.gross.ore < 0:
        yield _error(
            "negative_total",
            "Fakturaens beløb er negativt. Udsted en kreditnota i stedet.",
            "The invoice's total is negative. Issue a credit note instead.",
        )


def _differs(code: str, what: Text, stands: Money, should: Money) -> Iterator[Finding]:
    if stands != should:
        yield _error(
            code,
            f"{what.da} er {kroner(stands).da}, men skal være {kroner(should).da} Beregn fakturaen igen.",
            f"{what.en} is {kroner(stands).en} but must be {kroner(should).en}. Compute the invoice again.",
        )


# --- payment ----------------------------------------------------------------------------------------------------


def _pay(document: InvoiceDocument) -> Iterator[Finding]:
    # Nobody pays a credit note, so it need not say how.
    if document.kind == "invoice" or ubl.payment_means_code(document.payment):
        yield from _payment(document)


def _payment(document: _Document) -> Iterator[Finding]:
    what = _what(document)
    if not ubl.payment_means_code(document.payment):
        yield _error(
            "no_payment_way",
            f"{what.da} kan ikke betales, for den har hverken FIK-kreditornummer, konto eller IBAN. "
            "Angiv et i indstillingerne.",
            f"{what.en} cannot be paid: no FIK creditor, account or IBAN. Give one in the settings.",
        )
    if len(document.number) > ubl.LONGEST_PAYMENT_NOTE:  # F-LIB133
        yield _error(
            "payment_note_length",
            f"Nummeret {document.number} følger betalingen og må have {ubl.LONGEST_PAYMENT_NOTE} tegn. Forkort det.",
            f"The number {document.number} goes with the payment and may have {ubl.LONGEST_PAYMENT_NOTE} characters. "
            "Shorten it.",
        )
    yield from _fik(document)
    yield from _account(document)
    yield from _iban(document)


def _fik(document: _Document) -> Iterator[Finding]:
    payment = document.payment
    if not payment.fik_creditor:
        return
    if not _digits(payment.fik_creditor, 8):  # DK-R-010
        yield _error(
            "fik_creditor",
            f"FIK-kreditornummeret »{payment.fik_creditor}« skal være otte cifre. Ret det i indstillingerne.",
            f"The FIK creditor '{payment.fik_creditor}' must be eight digits. Correct it in the settings.",
        )
    if not payment_id.is_valid(payment.fik_id):
        yield _error(
            "fik_id",
            f"Betalings-id'et »{payment.fik_id}« er ikke 15 cifre med rigtigt kontrolciffer. Dan det igen.",
            f"The payment id '{payment.fik_id}' is not 15 digits with a correct check digit. Make it again.",
        )


def _account(document: _Document) -> Iterator[Finding]:
    registration, account = document.payment.registration, document.payment.account
    if not (registration or account):
        return
    if not (_digits(registration, 4) and _digits(account.zfill(10), 10)) or not account:  # DK-R-006
        yield _error(
            "bank_account",
            f"Kontoen »{registration} {account}« skal være reg.nr. på fire cifre og kontonr. på højst ti. "
            "Ret den i indstillingerne.",
            f"The account '{registration} {account}' must be four digits and at most ten digits. "
            "Correct it in the settings.",
        )
    elif ubl.payment_means_code(document.payment) == ubl.BANK_ACCOUNT and not int(registration):  # F-LIB311
        yield _error(
            "bank_registration",
            f"Registreringsnummeret {registration} findes ikke. Ret det i indstillingerne.",
            f"There is no registration number {registration}. Correct it in the settings.",
        )


def _iban(document: _Document) -> Iterator[Finding]:
    number = document.payment.iban
    if number and not iban.is_valid(number):
        yield _error(
            "iban",
            f"IBAN »{number}« er forkert. Ret det i indstillingerne.",
            f"The IBAN '{number}' is wrong. Correct it in the settings.",
        )


# --- reminders --------------------------------------------------------------------------------------------------


def _reminded(reminder: ReminderDocument) -> Iterator[Finding]:
    if not reminder.number.strip():
        yield _error(
            "reminder_number_missing", "Rykkeren har intet nummer. Angiv det.", "The reminder has no number. Give it."
        )
    if not 1 <= reminder.sequence <= MOST_REMINDERS:
        yield _error(
            "reminder_sequence",
            f"Det er rykker nr. {reminder.sequence}, men der er højst {MOST_REMINDERS}. Gå videre med inkasso.",
            f"This is reminder no. {reminder.sequence}, but there are {MOST_REMINDERS} at most. Go on to collection.",
        )
    if not reminder.invoices:
        yield _error(
            "reminder_without_invoice",
            "Rykkeren nævner ingen faktura. Send den ikke.",
            "The reminder names no invoice. Do not send it.",
        )
    for invoice in reminder.invoices:
        if invoice.outstanding.ore <= 0:
            yield _error(
                "reminder_nothing_owed",
                f"På fakturaen {invoice.number} skyldes intet. Tag den af rykkeren.",
                f"Nothing is owed on the invoice {invoice.number}. Take it off the reminder.",
            )
        if invoice.due_on >= reminder.issued_on:
            yield _error(
                "reminder_not_due",
                f"Fakturaen {invoice.number} forfalder først {day(invoice.due_on).da}. Tag den af rykkeren.",
                f"The invoice {invoice.number} is due on {day(invoice.due_on).en}. Take it off the reminder.",
            )


def _reminder_sums(reminder: ReminderDocument) -> Iterator[Finding]:
    owed, charged = total(row.outstanding for row in reminder.invoices), total(row.amount for row in reminder.charges)
    yield from _differs("reminder_owed", Text("Skyldigt beløb", "The amount owed"), reminder.outstanding, owed)
    yield from _differs("reminder_charged", Text("Gebyrer og renter", "Fees and interest"), reminder.charged, charged)
    to_pay = reminder.outstanding + reminder.charged
    yield from _differs("reminder_to_pay", Text("Beløb at betale", "The amount to pay"), reminder.to_pay, to_pay)


# --- words ------------------------------------------------------------------------------------------------------


def _digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdigit()


def _error(code: str, da: str, en: str) -> Finding:
    return Finding("error", code, Text(da, en))


def _warning(code: str, da: str, en: str) -> Finding:
    return Finding("warning", code, Text(da, en))
