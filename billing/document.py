"""The invoice as a value. PDF, XML and ledger are made from it, so they cannot disagree.

Its body is built once, when the plan is approved, and kept as canonical JSON; the head comes with the number. The text
of both is stored with its SHA-256; `to_json` and `from_json` are opposites.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from typing import Any, Literal

from foundation.audit import canonical
from foundation.language import Text
from foundation.money import Money

#: S taxed, E exempt, O outside VAT (the seller is not registered), Z zero rate. UNCL 5305.
VatCategory = Literal["S", "E", "O", "Z"]


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or buyer. An address that is not known is empty; `gln` is empty where it has none."""

    name: str
    cvr: str
    address: str
    postcode: str
    city: str
    gln: str


@dataclass(frozen=True, slots=True)
class References:
    """The buyer's billing details; lines of one payer with equal details stand on one invoice.

    `endpoint` says whether the invoice goes to the GLN or to the CVR number. What is not given is empty. The usual
    `format` is left out of texts, so that what was approved before there was a choice reads as it did.
    """

    endpoint: Literal["gln", "cvr"]
    gln: str
    person_reference: str
    order_reference: str
    accounting_cost: str  # kontostreng
    format: Literal["oioubl", "peppol"] = "oioubl"  # which XML the receiver takes


@dataclass(frozen=True, slots=True)
class PaymentWays:
    """How it can be paid. `fik_id` has 15 digits with a modulus 10 check digit; what is not offered is empty."""

    fik_creditor: str
    fik_id: str
    registration: str
    account: str
    iban: str

    @property
    def fik_line(self) -> str:
        """The machine-readable line of a joint payment form, type 71."""
        return f"+71<{self.fik_id}+{self.fik_creditor}<" if self.fik_creditor else ""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line. `first_day` and `last_day` (inside) name the period paid for; a negative line takes off."""

    position: int
    kind: str
    product: str  # empty for membership dues
    text: Text
    why: Text  # one sentence; the whole reasoning is `explain`
    first_day: date | None
    last_day: date | None
    net: Money
    vat_category: VatCategory
    vat_rate: Fraction
    vat: Money  # this line's share of the VAT of its rate


@dataclass(frozen=True, slots=True)
class VatTotal:
    """Net and VAT of all lines of one rate; VAT is rounded here, once. `exemption` says why there is none."""

    category: VatCategory
    rate: Fraction
    exemption: str
    net: Money
    vat: Money

    @property
    def has_lost_its_vat(self) -> bool:
        """Tell whether it has none where its rate gives half an øre or more: receivers refuse that (F-LIB381)."""
        return self.net.ore > 0 and not self.vat.ore and self.net.scaled(self.rate).ore > 0


@dataclass(frozen=True, slots=True)
class Credited:
    """The invoice that a credit note takes back, in whole or in part, and why."""

    number: str
    issued_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """A whole invoice as issued, or a credit note, whose amounts are what is given back, above zero.

    `notices` stand on top of it (a rehearsal, made-up demonstration data).
    """

    number: str
    year: int
    issued_on: date
    due_on: date
    seller: Party
    seller_vat_registered: bool
    buyer: Party
    references: References
    lines: tuple[DocumentLine, ...]
    vat_totals: tuple[VatTotal, ...]
    net: Money
    vat: Money
    gross: Money
    payment: PaymentWays
    notices: tuple[Text, ...]
    kind: Literal["invoice", "credit_note"] = "invoice"
    credited: Credited | None = None


#: The format of a receiver who has not asked for another: every Danish public receiver takes it.
USUAL_FORMAT = "oioubl"

#: What an invoice gets with its number; all else, the body, is as it was approved.
HEAD = ("number", "issued_on", "due_on", "payment", "notices")

#: What is left out of the text where it says no more than this, so that an invoice's text is what it was before there
#: were credit notes.
_ORDINARY = {"kind": "invoice", "credited": None}

#: The head of a document that has no number yet.
NO_HEAD: Mapping[str, Any] = {
    "number": "", "issued_on": date.min, "due_on": date.min, "payment": PaymentWays("", "", "", "", ""), "notices": (),
}  # fmt: skip


def to_json(document: InvoiceDocument) -> str:
    """Write a document as its one JSON text: head, then body, each canonical."""
    return completed(body_json(document), {name: getattr(document, name) for name in HEAD})


def body_json(document: InvoiceDocument) -> str:
    """Write a document without its head."""
    body = {name: getattr(document, name) for name in _FIELDS[InvoiceDocument] if name not in HEAD}
    said = {name: value for name, value in body.items() if name not in _ORDINARY or value != _ORDINARY[name]}
    return canonical({name: _written(value) for name, value in said.items()})


def completed(body: str, head: Mapping[str, Any]) -> str:
    """Put a head before a body; the body stays letter for letter what it was."""
    return canonical({name: _written(value) for name, value in head.items()})[:-1] + "," + body[1:]


def is_completed(text: str, body: str) -> bool:
    """Tell whether a document's text is some head before this body."""
    return text.endswith("," + body[1:])


def _written(value: Any) -> Any:
    """Give plain values: amounts as øre, shares as text, dataclasses by their fields; days are for `canonical`."""
    if isinstance(value, Money):
        return value.ore
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple):
        return [_written(inner) for inner in value]
    names = _FIELDS.get(type(value))
    if names is None:
        return value
    if isinstance(value, References) and value.format == USUAL_FORMAT:
        names = names[:-1]
    return {name: _written(getattr(value, name)) for name in names}


_FIELDS = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (Text, Party, References, PaymentWays, DocumentLine, VatTotal, Credited, InvoiceDocument)
}


def from_json(text: str) -> InvoiceDocument:
    """Read a document back. Raises KeyError, TypeError or ValueError where the text is not one."""
    found = json.loads(text)
    return InvoiceDocument(
        **{
            **found,
            **_days(found, "issued_on", "due_on"),
            **_amounts(found, "net", "vat", "gross"),
            "seller": Party(**found["seller"]),
            "buyer": Party(**found["buyer"]),
            "references": References(**found["references"]),
            "payment": PaymentWays(**found["payment"]),
            "lines": tuple(_line(line) for line in found["lines"]),
            "vat_totals": tuple(_vat_total(row) for row in found["vat_totals"]),
            "notices": tuple(Text(**notice) for notice in found["notices"]),
            "credited": _credited(found.get("credited")),
        }
    )


def _credited(found: dict[str, Any] | None) -> Credited | None:
    return None if found is None else Credited(**{**found, **_days(found, "issued_on")})


def _line(found: dict[str, Any]) -> DocumentLine:
    texts = {name: Text(**found[name]) for name in ("text", "why")}
    days = _days(found, "first_day", "last_day")
    return DocumentLine(
        **{**found, **texts, **days, **_amounts(found, "net", "vat"), "vat_rate": Fraction(found["vat_rate"])}
    )


def _vat_total(found: dict[str, Any]) -> VatTotal:
    return VatTotal(**{**found, **_amounts(found, "net", "vat"), "rate": Fraction(found["rate"])})


def _amounts(found: dict[str, Any], *names: str) -> dict[str, Money]:
    return {name: Money(found[name]) for name in names}


def _days(found: dict[str, Any], *names: str) -> dict[str, date | None]:
    return {name: date.fromisoformat(found[name]) if found[name] else None for name in names}
