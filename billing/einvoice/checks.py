"""Our own checks of an invoice, made on the value before it is written, in words a secretariat can act on.

They come before the official rules for two reasons: those rules do not see everything (a wrong digit in a payment
id, a sum that is right in the XML and wrong in the world), and what they say is not for people.

An error keeps the invoice from being sent; a warning is shown and may be passed over.
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
from billing.document import DocumentLine, InvoiceDocument, Party, VatTotal
from billing.einvoice import peppol
from foundation.language import Text, day, kroner
from foundation.money import Money, total

Severity = Literal["error", "warning"]

#: Longest term of payment a public debtor may be given (renteloven, the Danish Interest Act).
LONGEST_TERM_DAYS = 30

#: 2027-0001; K- before it for a credit note, R- before that for a rehearsal.
_NUMBER = re.compile(r"(R-)?(K-)?(?P<year>\d{4})-\d{4,}", re.ASCII)

_Rate = tuple[str, Fraction]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: a code that stays, and what is wrong and how to mend it."""

    severity: Severity
    code: str
    message: Text


def check(document: InvoiceDocument) -> list[Finding]:
    """Give everything wrong with an invoice, in the order one reads it; a good one gives nothing."""
    return [*_number(document), *_days(document), *check_body(document), *_credit(document), *_payment(document)]


def check_body(document: InvoiceDocument) -> list[Finding]:
    """Give everything wrong with what stands before an invoice has its number, days and payment id."""
    found: list[Finding] = []
    for ask in (_seller, _buyer, _lines, _vat_categories, _vat_totals, _sums):
        found += ask(document)
    return found


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Give those that keep the invoice from being sent."""
    return [finding for finding in findings if finding.severity == "error"]


# --- number and days --------------------------------------------------------------------------------------------


def _number(document: InvoiceDocument) -> Iterator[Finding]:
    found = _NUMBER.fullmatch(document.number)
    if found is None:
        yield _error(
            "number_format",
            f"Fakturanummeret »{document.number}« er ikke år, bindestreg, mindst fire cifre. Ret det: 2027-0001.",
            f"The invoice number '{document.number}' is not year, hyphen, at least four digits. Correct it: 2027-0001.",
        )
    elif int(found["year"]) != document.year:
        yield _error(
            "number_year",
            f"Fakturanummeret {document.number} hører ikke til året {document.year}. Brug årets nummerserie.",
            f"The invoice number {document.number} is not of the year {document.year}. Use that year's series.",
        )


def _days(document: InvoiceDocument) -> Iterator[Finding]:
    issued, due = document.issued_on, document.due_on
    if not due:
        yield _error(
            "due_date_missing",
            "Fakturaen har ingen forfaldsdag. Angiv betalingsfristen i indstillingerne.",
            "The invoice has no due date. Give the term of payment in the settings.",
        )
    elif due < issued:
        yield _error(
            "due_date_before_issue",
            f"Forfaldsdagen {day(due).da} ligger før fakturadagen {day(issued).da}. Ret forfaldsdagen.",
            f"The due date {day(due).en} is before the day of issue {day(issued).en}. Correct the due date.",
        )
    elif due > issued + timedelta(days=LONGEST_TERM_DAYS):
        yield _warning(
            "term_above_30_days",
            f"Fristen er {(due - issued).days} dage; en offentlig debitor må højst få {LONGEST_TERM_DAYS}. "
            "Sæt forfaldsdagen tidligere.",
            f"The term is {(due - issued).days} days; a public debtor may have {LONGEST_TERM_DAYS} at most. "
            "Set an earlier due date.",
        )


# --- parties ----------------------------------------------------------------------------------------------------


def _seller(document: InvoiceDocument) -> Iterator[Finding]:
    whose = Text("Sælgers", "The seller's")
    yield from _party(document.seller, "seller", whose)
    if document.seller.gln:
        yield from _gln(document.seller.gln, "seller", whose)


def _buyer(document: InvoiceDocument) -> Iterator[Finding]:
    whose = Text("Købers", "The buyer's")
    yield from _party(document.buyer, "buyer", whose)
    references = document.references
    if references.endpoint == "cvr":
        return
    if references.gln:
        yield from _gln(references.gln, "buyer", whose)
    else:
        yield _error(
            "buyer_gln_missing",
            "Fakturaen skal til et GLN, men køber har intet. Registrér køberens GLN, eller send til CVR-nummeret.",
            "The invoice goes to a GLN, but the buyer has none. Enter the buyer's GLN, or send to the CVR number.",
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
            "Fakturaen har ingen linjer. Udsted den ikke.",
            "The invoice has no lines. Do not issue it.",
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
    if is_credit and abs(row.vat.ore - due.ore) < max(len(lines), 2):
        due = row.vat  # each line gives back its share of the invoice's VAT, which was rounded there
    yield from _differs("vat_amount", of_rate + Text("moms", "VAT"), row.vat, due)
    yield from _differs("vat_of_lines", of_rate + Text("moms på linjerne", "VAT on the lines"), shares, row.vat)


def _rate(row: DocumentLine | VatTotal) -> _Rate:
    if isinstance(row, DocumentLine):
        return row.vat_category, row.vat_rate
    return row.category, row.rate


# --- what a credit note takes back ------------------------------------------------------------------------------


def _credit(document: InvoiceDocument) -> Iterator[Finding]:
    if (document.kind == "credit_note") != (document.credited is not None):
        yield _error(
            "credit_reference",
            "En kreditnota nævner netop én faktura, og kun en kreditnota. Angiv fakturaen.",
            "A credit note names exactly one invoice, and only a credit note does. Give the invoice.",
        )


# --- sums -------------------------------------------------------------------------------------------------------


def _sums(document: InvoiceDocument) -> Iterator[Finding]:
    net, vat = total(line.net for line in document.lines), total(row.vat for row in document.vat_totals)
    yield from _differs("net_sum", Text("Beløb uden moms", "Total without VAT"), document.net, net)  # BR-CO-10
    yield from _differs("vat_sum", Text("Moms i alt", "VAT in all"), document.vat, vat)  # BR-CO-14
    gross = document.net + document.vat  # BR-CO-15
    yield from _differs("gross_sum", Text("Beløb med moms", "Total with VAT"), document.gross, gross)
    if document.gross.ore < 0:
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


def _payment(document: InvoiceDocument) -> Iterator[Finding]:
    if not peppol.payment_means_code(document.payment):
        yield _error(
            "no_payment_way",
            "Fakturaen kan ikke betales, for den har hverken FIK-kreditornummer, konto eller IBAN. "
            "Angiv et i indstillingerne.",
            "The invoice cannot be paid: no FIK creditor, account or IBAN. Give one in the settings.",
        )
    yield from _fik(document)
    yield from _account(document)
    yield from _iban(document)


def _fik(document: InvoiceDocument) -> Iterator[Finding]:
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


def _account(document: InvoiceDocument) -> Iterator[Finding]:
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


def _iban(document: InvoiceDocument) -> Iterator[Finding]:
    number = document.payment.iban
    if number and not iban.is_valid(number):
        yield _error(
            "iban",
            f"IBAN »{number}« er forkert. Ret det i indstillingerne.",
            f"The IBAN '{number}' is wrong. Correct it in the settings.",
        )


# --- words ------------------------------------------------------------------------------------------------------


def _digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdigit()


def _error(code: str, da: str, en: str) -> Finding:
    return Finding("error", code, Text(da, en))


def _warning(code: str, da: str, en: str) -> Finding:
    return Finding("warning", code, Text(da, en))
