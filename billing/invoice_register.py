"""Invoices and credit notes as a register: a select for lists, narrowed and paged by the caller, and one as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, cast, func, select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import papers, reasons, verdicts
from billing.approvals import APPROVALS, APPROVED
from billing.document import InvoiceDocument, from_json
from billing.einvoice.rule_packs import Failure
from billing.gathering import CREDIT_NOTES, INVOICES, Book
from billing.reasons import Explained, NoSuchInvoice
from billing.renderings import RENDERINGS
from billing.verdicts import VERDICTS
from foundation.base import Whole
from foundation.language import Text
from foundation.money import Money

#: How the document in the receiver's format stands: accepted or refused by the rules, waiting for them, or not made.
VALID, INVALID, WAITING, MISSING = verdicts.VALID, verdicts.INVALID, papers.WAITING, papers.MISSING


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """What one pack of rules says of a document."""

    pack: str
    version: str
    outcome: str
    failures: tuple[Failure, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A document that is kept: its bytes are read where they are asked for. Verdicts newest first."""

    id: int
    format: str
    sha256: str
    bytes: int
    rendered_at: datetime
    verdicts: tuple[JudgedBy, ...]


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """An invoice or credit note with all that is told of it: lines and reasons, documents, verdicts, credits."""

    id: int
    year: int
    book: Book
    authority_id: int
    issued_on: date
    due_on: date
    issued_by: str
    issued_at: datetime
    approved_by: str
    credited: Money
    document: InvoiceDocument
    explained: Explained
    documents: tuple[KeptDocument, ...]


# --- lists


@cache
def listing() -> Select[Any]:
    """Ask for all invoices and credit notes; the caller narrows by `invoice.authority_id`, filters, sorts and pages.

    `credits` is the number of the invoice that a credit note takes back, `credited_ore` what was given back of an
    invoice, above zero.
    """
    columns = INVOICES.c
    return (
        select(
            columns.id, columns.number, kind().label("kind"), columns.year, columns.book, columns.authority_id,
            AUTHORITIES.c.cvr, AUTHORITIES.c.name.label("authority"), columns.issued_on, columns.due_on,
            columns.net_ore, columns.vat_ore, columns.gross_ore, credited().label("credited_ore"),
            _OF.c.number.label("credits"), receivers_format().label("format"), validation().label("validation"),
        )
        .select_from(INVOICES)
        .join(AUTHORITIES, columns.authority_id == AUTHORITIES.c.id)
        .outerjoin(CREDIT_NOTES, CREDIT_NOTES.c.invoice_id == columns.id)
        .outerjoin(_OF, CREDIT_NOTES.c.credited_invoice_id == _OF.c.id)
    )  # fmt: skip


_OF = INVOICES.alias("credited_invoice")


@cache
def kind() -> ColumnElement[str]:
    """Give whether a row of `listing` is an invoice or a credit note."""
    return case((CREDIT_NOTES.c.id.is_not(None), "credit_note"), else_="invoice")


@cache
def credited() -> ColumnElement[int]:
    """Give what was given back of an invoice, with VAT, in øre and above zero."""
    note, back = CREDIT_NOTES.alias("note"), INVOICES.alias("back")
    given = (
        select(-func.sum(back.c.gross_ore))
        .select_from(note.join(back, note.c.invoice_id == back.c.id))
        .where(note.c.credited_invoice_id == INVOICES.c.id)
    )
    return cast(func.coalesce(given.scalar_subquery(), 0), Whole)  # PostgreSQL sums into decimals


@cache
def receivers_format() -> ColumnElement[str]:
    """Give the format that the receiver of an invoice takes."""
    return papers.INVOICE.receivers_format()


@cache
def validation() -> ColumnElement[str]:
    """Give how the document in the receiver's format stands, by the newest verdict on it."""
    return papers.INVOICE.validation()


# --- one as a whole


Narrowed = Callable[[Select[Any]], Select[Any]]


def _all(statement: Select[Any]) -> Select[Any]:
    return statement


def page(session: Session, number: str, narrowed: Narrowed = _all) -> InvoicePage:
    """Give an invoice or credit note with all that is told of it, in four queries.

    Raises NoSuchInvoice, also where it is not among what `narrowed` leaves of a select over `invoice`.
    """
    row = session.execute(narrowed(_PAGE), {"number": number}).first()
    if row is None:
        raise NoSuchInvoice(Text("ingen faktura har det nummer", "no invoice has that number"))
    document = from_json(row.document)
    return InvoicePage(
        id=row.id, year=row.year, book=row.book, authority_id=row.authority_id, issued_on=row.issued_on,
        due_on=row.due_on, issued_by=row.issued_by, issued_at=row.issued_at, approved_by=row.approved_by,
        credited=Money(row.credited_ore), document=document,
        explained=reasons.of(session, row.id, number, row.cvr, document), documents=_documents(session, row.id),
    )  # fmt: skip


_PAGE = (
    select(INVOICES, AUTHORITIES.c.cvr, APPROVALS.c.approved_by, credited().label("credited_ore"))
    .join(AUTHORITIES, INVOICES.c.authority_id == AUTHORITIES.c.id)
    .join(APPROVED, INVOICES.c.approved_invoice_id == APPROVED.c.id)
    .join(APPROVALS, APPROVED.c.approval_id == APPROVALS.c.id)
    .where(INVOICES.c.number == bindparam("number"))
)


def _documents(session: Session, invoice_id: int) -> tuple[KeptDocument, ...]:
    judged: dict[tuple[int, str, str, int, datetime], tuple[JudgedBy, ...]] = {}
    for row in session.execute(_DOCUMENTS, {"invoice_id": invoice_id}):
        kept = (row.id, row.format, row.sha256, row.size, row.rendered_at)
        judged[kept] = (*judged.get(kept, ()), *_judged(row))
    return tuple(KeptDocument(*kept, by_whom) for kept, by_whom in judged.items())


_DOCUMENTS = (
    select(RENDERINGS.c.id, RENDERINGS.c.format, RENDERINGS.c.sha256, RENDERINGS.c.rendered_at,
           func.length(RENDERINGS.c.content).label("size"), VERDICTS.c.pack, VERDICTS.c.pack_version,
           VERDICTS.c.outcome, VERDICTS.c.failures, VERDICTS.c.judged_at)
    .outerjoin(VERDICTS, VERDICTS.c.rendering_id == RENDERINGS.c.id)
    .where(RENDERINGS.c.invoice_id == bindparam("invoice_id"))
    .order_by(RENDERINGS.c.id, VERDICTS.c.id.desc())
)  # fmt: skip


def _judged(row: Any) -> tuple[JudgedBy, ...]:
    if row.outcome is None:
        return ()
    return (JudgedBy(row.pack, row.pack_version, row.outcome, verdicts.read(row.failures), row.judged_at),)
