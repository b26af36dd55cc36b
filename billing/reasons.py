"""Explaining an issued invoice from what was stored with it, not from what the registers say today."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import credits, explanation
from billing.credits import Corrections, Told
from billing.document import InvoiceDocument, from_json
from billing.gathering import INVOICES, LINES
from fee_tables import calculation
from fee_tables.calculation import Kind, Parts
from foundation.errors import NotFound
from foundation.language import Text
from foundation.money import Money


class NoSuchInvoice(NotFound):
    """No invoice has that number."""


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A line with its reason as stored and as sentences."""

    position: int
    kind: Kind
    product: str | None
    title: Text
    parts: Parts
    vat: Money
    reason: Mapping[str, Any]
    sentences: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """An invoice or a credit note, explained; a credit note's amounts are what is given back.

    `credits` are the credit note's own, or those of the invoice; `corrections` what came after them; `warnings` what
    our own checks tell of the document.
    """

    number: str
    authority_cvr: str
    authority_name: str
    gross: Money
    lines: tuple[ExplainedLine, ...]
    corrections: Corrections
    warnings: tuple[Text, ...]
    is_credit_note: bool = False
    credits: tuple[Told, ...] = ()


def explain(session: Session, number: str) -> Explained:
    """Explain an issued invoice or credit note. Raises NoSuchInvoice."""
    invoice = session.execute(_INVOICE, {"number": number}).first()
    if invoice is None:
        raise NoSuchInvoice(Text(f"ingen faktura har nummer {number}", f"no invoice has the number {number}"))
    return of(session, invoice.id, number, invoice.cvr, from_json(invoice.document))


_INVOICE = (
    select(INVOICES.c.id, INVOICES.c.document, AUTHORITIES.c.cvr)
    .join(AUTHORITIES, INVOICES.c.authority_id == AUTHORITIES.c.id)
    .where(INVOICES.c.number == bindparam("number"))
)
_LINES = select(LINES).where(LINES.c.invoice_id == bindparam("invoice_id")).order_by(LINES.c.position)


def of(session: Session, invoice_id: int, number: str, cvr: str, document: InvoiceDocument) -> Explained:
    """Explain an invoice or credit note that was read, in two queries; in three where it corrects or is corrected."""
    from billing.einvoice import checks  # late: other commands do not wait for lxml

    rows = session.execute(_LINES, {"invoice_id": invoice_id}).all()
    told = tuple(credits.concerning(session, number))
    return Explained(
        number=number,
        authority_cvr=cvr,
        authority_name=document.buyer.name,
        gross=document.gross,
        lines=tuple(_line(row, -1 if document.kind == "credit_note" else 1) for row in rows),
        is_credit_note=document.kind == "credit_note",
        credits=told,
        corrections=credits.corrections(session, rows, told),
        warnings=checks.warnings(checks.check(document)),
    )


def _line(row: Any, sign: int) -> ExplainedLine:
    kind = Kind(row.kind)
    written = json.loads(row.reason)
    parts = Parts(Money(sign * row.product_ore), Money(sign * row.association_ore))
    reason = calculation.reason_from_json(written)
    return ExplainedLine(
        position=row.position,
        kind=kind,
        product=row.product,
        title=explanation.title(kind, row.product, row.year),
        parts=parts,
        vat=Money(sign * row.vat_ore),
        reason=written,
        sentences=tuple(explanation.sentences(kind, row.product, row.year, reason, parts)),
    )
