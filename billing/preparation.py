"""What an approved invoice will say and book, made when its plan is approved, so that issuing only has to number it.

So what was approved is what is issued, word for word: nothing is worked out anew between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from billing import explanation
from billing.charges import Draft
from billing.document import NO_HEAD, DocumentLine, InvoiceDocument, Party, VatTotal, body_json
from billing.seller import Seller
from fee_tables.calculation import reason_json
from foundation.audit import canonical
from foundation.errors import Refused
from foundation.language import Text, joined, same


class Faulty(Refused):
    """Invoices that fail our own checks are never approved, so they never get a number."""


class PreparedLine(NamedTuple):
    """A line as it will be kept: what it is for, whose the money is, and its reason as one text."""

    key: str
    kind: str
    product: str | None
    agreement_id: int | None
    membership_id: int | None
    net_ore: int
    product_ore: int
    association_ore: int
    vat_ore: int
    reason: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """An approved invoice's lines and its document without the head, each as JSON; and what our own checks tell."""

    lines: str
    body: str
    warnings: tuple[Text, ...] = ()


def prepare(draft: Draft, year: int, seller: Seller) -> Prepared:
    """Make what an invoice will say and book. Raises Faulty."""
    document = _document(draft, year, seller)
    warnings = _checked(document)
    lines = [
        (
            charge.key, charge.kind.value, charge.product, charge.agreement_id, charge.membership_id,
            charge.parts.net.ore, charge.parts.product.ore, charge.parts.association.ore, vat.ore,
            canonical(reason_json(charge.reason)),
        )
        for charge, _, _, vat in draft.lines
    ]  # fmt: skip
    return Prepared(canonical(lines), body_json(document), warnings)


def lines(written: str) -> Iterator[PreparedLine]:
    """Read prepared lines back, in their order."""
    return map(PreparedLine._make, orjson.loads(written))


def _document(draft: Draft, year: int, seller: Seller) -> InvoiceDocument:
    """Make the document as it will stand; the head comes with the number."""
    payer, details = draft.payer, draft.details
    return InvoiceDocument(
        **NO_HEAD,
        year=year,
        seller=seller.party,
        seller_vat_registered=seller.vat_registered,
        buyer=Party(payer.name, payer.cvr, payer.address, payer.postcode, payer.city, details.gln),
        references=details,
        lines=tuple(_document_lines(draft, year)),
        vat_totals=tuple(VatTotal(s.category, s.rate, s.exemption, s.net, s.vat) for s in draft.vat_shares),
        net=draft.net,
        vat=draft.vat,
        gross=draft.gross,
    )


def _document_lines(draft: Draft, year: int) -> Iterator[DocumentLine]:
    for at, (charge, category, rate, vat) in enumerate(draft.lines, start=1):
        yield DocumentLine(
            position=at,
            kind=charge.kind.value,
            product=charge.product or "",
            text=explanation.title(charge.kind, charge.product, year),
            why=explanation.why(charge.kind, charge.reason, charge.parts),
            first_day=charge.first_day,
            last_day=charge.last_day,
            net=charge.parts.net,
            vat_category=category,
            vat_rate=rate,
            vat=vat,
        )


def _checked(document: InvoiceDocument) -> tuple[Text, ...]:
    """Give what our own checks tell of it, with the payer's name. Raises Faulty."""
    from billing.einvoice import checks  # late: a plan does not wait for lxml

    found, who = checks.check_body(document), same(f"{document.buyer.name}: ")
    errors = checks.errors(found)
    if errors:
        raise Faulty(who + joined([finding.message for finding in errors], by="; "))
    return tuple(who + message for message in checks.warnings(found))
