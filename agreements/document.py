"""The agreement as a value. Page and PDF are made from it, and what is signed is its digest.

It is built once, when the agreement is offered, and kept as its one canonical JSON text; `canonical` and
`from_canonical` are opposites. It carries everything a reader needs: parties, text, price sheet and own figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import orjson

from agreements.clauses import NoticeTerms, Section, TemplateName
from foundation import plain
from foundation.audit import canonical, sha256
from foundation.language import Text

AgreementKind = Literal["active", "passive"]

#: What a line of the fee annex is for. A rebate and an exemption take off, so their amounts are below zero.
LineKind = Literal["joining", "annual", "contribution", "dues", "rebate", "exemption"]


@dataclass(frozen=True, slots=True)
class Party:
    """One side of the agreement. What is not known is empty."""

    name: str
    cvr: str
    address: str
    postcode: str
    city: str
    gln: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What it is on: a product with its description, or membership of the association (`product` is empty)."""

    product: str
    description: Text


@dataclass(frozen=True, slots=True)
class TemplateReference:
    """The adopted template the text came from."""

    name: TemplateName
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who is to sign, by name and title; `position` counts 1, 2, 3 … and is the order where order is demanded."""

    position: int
    name: str
    title: str
    mail: str


@dataclass(frozen=True, slots=True)
class Billing:
    """Where the invoices go and what the receiver demands on them, and whom to ask. What is not given is empty."""

    endpoint: Literal["gln", "cvr"]
    gln: str = ""
    person_reference: str = ""
    order_reference: str = ""
    accounting_cost: str = ""  # kontostreng
    format: Literal["oioubl", "peppol"] = "oioubl"
    contact_name: str = ""
    contact_mail: str = ""


@dataclass(frozen=True, slots=True)
class Grants:
    """What is taken off the joining fee, and why: a rebate, or the whole by an exemption. Nothing is the rule."""

    rebate_ore: int = 0
    rebate_reason: str = ""
    exempt_reason: str = ""


# --- the fee annex ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One amount without VAT. `reason` is one phrase; `told` is the whole reasoning, sentence by sentence."""

    kind: LineKind
    text: Text
    amount_ore: int
    reason: Text
    told: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row of the price sheet: for whom, and the amounts to the product; None where there is none."""

    band: Text
    annual_ore: int | None
    joining_ore: int | None


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """An adopted price sheet (takstblad), by the digest of its text, and what it says for everyone."""

    name: str
    valid_from: date
    decided_on: date
    decided_by: str
    digest: str
    made_up: bool
    rows: tuple[PriceRow, ...]


@dataclass(frozen=True, slots=True)
class FeeAnnex:
    """The price sheets in force, and this authority's own figures by them for its first year.

    `on` is the day that counts as signing day, `year` the first year in force. `band` and what it rests on are empty
    where no fee depends on size; who was placed by judgement has a band and no inhabitants. A passive connection's
    joining fee stands in `later`: it falls due when it becomes active, at the level of the signing day.
    """

    on: date
    year: int
    sheets: tuple[PriceSheet, ...]
    band: Text | None
    inhabitants: int | None
    counted_on: date | None
    member: bool
    lines: tuple[FeeLine, ...]
    total_ore: int
    later: tuple[FeeLine, ...]
    vat: tuple[Text, ...]
    notes: tuple[Text, ...]

    def amounts_to_the_same_as(self, other: FeeAnnex) -> bool:
        """Tell whether another day's annex comes to the same fees by the same decisions; words do not count."""
        return self._figures() == other._figures()

    def _figures(self) -> object:
        amounts = [[(line.kind, line.amount_ore) for line in lines] for lines in (self.lines, self.later)]
        digests = [sheet.digest for sheet in self.sheets]
        return self.year, digests, self.band, self.inhabitants, self.counted_on, self.member, amounts


# --- the document ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgreementDocument:
    """A whole agreement as offered. `sections` hold the filled-in text.

    `draft` says what still stands in the way of the template, such as a lawyer's approval; `notices` stand on top as
    well (made-up demonstration data).
    """

    reference: str
    version: int
    template: TemplateReference
    draft: Text | None
    title: Text
    authority: Party
    association: Party
    subject: Subject
    kind: AgreementKind
    effective_on: date
    signatories: tuple[Signatory, ...]
    in_order: bool
    countersignatory: Signatory
    notice: NoticeTerms
    grants: Grants
    billing: Billing
    annex: FeeAnnex
    sections: tuple[Section, ...]
    personal_data: Text
    notices: tuple[Text, ...] = ()

    def canonical(self) -> str:
        """Give its one JSON text: keys sorted, no spaces, days in ISO form, amounts in øre."""
        return canonical(plain.written(self))

    def digest(self) -> str:
        """Give the SHA-256 of its canonical text in UTF-8, in hexadecimal: what is shown, signed and sealed."""
        return sha256(self.canonical())


def from_canonical(text: str) -> AgreementDocument:
    """Read a document back. Raises ValueError where the text is not one, letter for letter."""
    document = plain.read(AgreementDocument, orjson.loads(text))
    if document.canonical() != text:
        raise ValueError("the text is not the canonical one")
    return document
