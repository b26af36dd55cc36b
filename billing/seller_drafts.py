"""The seller's settings drafted field by field: to the text that is proposed, and from a fault back to its field.

As with fee tables, nothing is judged here: what cannot be written as the text wants it is written as it was typed, and
the reader of the text refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from billing.seller import Seller, SettingsRefused
from fee_tables import drafts
from foundation.language import Text
from foundation.money import ORE_PER_KRONE

FIELDS = (
    "seller", "address", "postcode", "city", "cvr", "gln", "vat_registered", "registration", "number", "iban",
    "fik_creditor", "payment_days", "credit_limit", "made_up",
)  # fmt: skip
_WORDS = ("seller", "address", "postcode", "city", "cvr", "gln", "fik_creditor")
_ACCOUNT = ("registration", "number", "iban")


def values_of(seller: Seller | None) -> dict[str, str]:
    """Give the fields that would write the settings."""
    if seller is None:
        return {"vat_registered": "yes", "made_up": "no", "payment_days": "30"}
    party = seller.party
    return {
        "seller": party.name, "address": party.address, "postcode": party.postcode, "city": party.city,
        "cvr": party.cvr, "gln": party.gln, "vat_registered": _said(seller.vat_registered),
        "registration": seller.registration, "number": seller.account, "iban": seller.iban,
        "fik_creditor": seller.fik_creditor, "payment_days": str(seller.payment_days),
        "credit_limit": str(seller.credit_limit.ore // ORE_PER_KRONE), "made_up": _said(seller.made_up),
    }  # fmt: skip


def _said(is_so: bool) -> str:
    return "yes" if is_so else "no"


def text_of(values: Mapping[str, str]) -> str:
    """Write the fields as the text of the settings."""
    return "\n".join(_lines({name: words.strip() for name, words in values.items()})) + "\n"


def _lines(values: Mapping[str, str]) -> Iterator[str]:
    for name in _WORDS:
        if values.get(name) or name not in ("gln", "fik_creditor"):
            yield f"{name} = {drafts.quoted(values.get(name, ''))}"
    for name in ("payment_days", "credit_limit"):
        if values.get(name):
            yield f"{name} = {drafts.amount(values[name])}"
    for name in ("vat_registered", "made_up"):
        yield f"{name} = {'true' if values.get(name) == 'yes' else 'false'}"
    yield "[account]"
    for name in _ACCOUNT:
        if values.get(name):
            yield f"{name} = {drafts.quoted(values[name])}"


def faults_by_field(refused: SettingsRefused) -> dict[str, Text]:
    """Give each field its first fault; what belongs to none goes to the first."""
    found: dict[str, Text] = {}
    for fault in refused.faults:
        key = fault.key.removeprefix("account.")
        key = "number" if key == "account" else key
        found.setdefault(key if key in FIELDS else FIELDS[0], fault.reason)
    return found or {FIELDS[0]: refused.text}
