"""The fields of the seller's settings, as a person reads them."""

from __future__ import annotations

from app.web.fields import YES_NO, FormField, Group
from foundation.language import Text

_WHO = Group(Text("Foreningen", "The association"), (
    FormField("seller", Text("Navn", "Name")),
    FormField("address", Text("Adresse", "Address")),
    FormField("postcode", Text("Postnummer", "Postcode")),
    FormField("city", Text("By", "City")),
    FormField("cvr", Text("CVR-nummer", "CVR number"), Text("Otte cifre", "Eight digits")),
    FormField("gln", Text("GLN", "GLN"), Text("13 cifre", "13 digits"), is_required=False),
    FormField("vat_registered", Text("Momsregistreret", "Registered for VAT"), choices=YES_NO),
))  # fmt: skip
_PAID = Group(Text("Hvor der betales", "Where it is paid"), (
    FormField("registration", Text("Registreringsnummer", "Registration number"), Text("Fire cifre", "Four digits"),
              is_required=False),
    FormField("number", Text("Kontonummer", "Account number"), Text("Højst ti cifre", "Ten digits at most"),
              is_required=False),
    FormField("iban", Text("IBAN", "IBAN"), is_required=False),
    FormField("fik_creditor", Text("FIK-kreditornummer", "FIK creditor"), Text("Otte cifre", "Eight digits"),
              is_required=False),
))  # fmt: skip
_TERMS = Group(Text("Vilkår", "Terms"), (
    FormField("payment_days", Text("Betalingsfrist i dage", "Days to pay"), Text("1 til 30", "1 to 30")),
    FormField("credit_limit", Text("Én person må kreditere, kr.", "One person may credit, DKK"),
              Text("Hele kroner på en faktura; 0: altid to", "Whole kroner of an invoice; 0: always two")),
))  # fmt: skip
_MADE_UP = FormField("made_up", Text("Kontiene er opdigtede", "The accounts are made up"), choices=YES_NO)


def groups(*, may_be_made_up: bool) -> tuple[Group, ...]:
    """Give the fields in their groups; production offers nothing made up."""
    terms = Group(_TERMS.title, (*_TERMS.fields, _MADE_UP)) if may_be_made_up else _TERMS
    return (_WHO, _PAID, terms)
