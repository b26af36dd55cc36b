"""Invoices and credit notes: reading them with their reasons and documents, and preparing a credit note."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Response
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from app import access, annual_work, association, database, plan_json
from app.annual_work import InNameOf, NotRendered
from app.api import answers, ground, pages, writes
from app.api.fee_tables import proposed
from app.api.ground import NUMBER
from app.api.pages import PageQuery
from app.api.registers import cvr_field
from app.api.writes import Answer
from app.schemas import CreditOrder, Whole, book
from app.web import layout
from authorities.models import Authority
from billing import credit_proposals, reasons
from billing.credits import Order
from billing.models import CreditNote, Invoice, Rendering
from billing.reasons import NoSuchInvoice
from foundation import proposals
from foundation.audit import Trail
from foundation.language import Text, same
from foundation.proposals import Proposal

room = ground.room("invoices", "Invoices, credit notes and their documents")

_COLUMNS = Invoice.__table__.c
_KINDS = {"pdf": "application/pdf", "peppol": "application/xml", "oioubl": "application/xml"}
_FORMAT = {"type": "string", "enum": [*_KINDS]}


class InvoiceQuery(PageQuery):
    """Which invoices."""

    year = Whole(1900, 2999)
    book = book()
    cvr = cvr_field()


def _invoices() -> Select[Any]:
    """Ask for the invoices in the reader's scope, with who pays, and whether each is a credit note."""
    statement = (
        select(
            _COLUMNS.id, _COLUMNS.number, _COLUMNS.book, _COLUMNS.year, _COLUMNS.issued_on, _COLUMNS.due_on,
            _COLUMNS.net_ore, _COLUMNS.vat_ore, _COLUMNS.gross_ore, Authority.cvr, Authority.name,
            CreditNote.id.label("credit_id"),
        )
        .join(Authority, Authority.id == _COLUMNS.authority_id)
        .outerjoin(CreditNote, CreditNote.invoice_id == _COLUMNS.id)
    )  # fmt: skip
    return access.invoices(statement)


def _told(row: Any) -> dict[str, Any]:
    kind = "invoice" if row.credit_id is None else "credit_note"
    return dict(row._mapping) | {"kind": kind, "authority": {"cvr": row.cvr, "name": row.name}}


def _list(query: Mapping[str, Any], *, credit_notes: bool) -> Any:
    is_kind = CreditNote.id.is_not(None) if credit_notes else CreditNote.id.is_(None)
    statement = _invoices().where(is_kind, _COLUMNS.book == query["book"])
    if query.get("year"):
        statement = statement.where(_COLUMNS.year == query["year"])
    if query.get("cvr"):
        statement = statement.where(Authority.cvr == query["cvr"])
    with database.reading() as session:
        return pages.read(session, statement, _COLUMNS.id, query, _told)


@ground.reads(room, "/invoices", "invoice.read", answers.page_of(answers.Invoice), InvoiceQuery)
def list_invoices(query: Mapping[str, Any]) -> Any:
    """List the issued invoices."""
    return _list(query, credit_notes=False)


@ground.reads(room, "/credit-notes", "invoice.read", answers.page_of(answers.Invoice), InvoiceQuery)
def list_credit_notes(query: Mapping[str, Any]) -> Any:
    """List the issued credit notes."""
    return _list(query, credit_notes=True)


@ground.reads(room, "/invoices/<number>", "invoice.read", answers.InvoiceWhole, parameters={"number": NUMBER})
def one_invoice(query: object, number: str) -> Any:
    """Give an invoice or credit note with its lines and why each is what it is."""
    return _whole(number)


@ground.reads(room, "/credit-notes/<number>", "invoice.read", answers.InvoiceWhole, parameters={"number": NUMBER})
def one_credit_note(query: object, number: str) -> Any:
    """Give a credit note with its lines."""
    found = _whole(number)
    if found["kind"] != "credit_note":
        raise _no_such()
    return found


def _whole(number: str) -> dict[str, Any]:
    with database.reading() as session:
        row = in_scope(session, number)
        invoice = reasons.explain(session, row.number)
    explained = plan_json.explained(invoice)
    return _told(row) | {
        "lines": explained["lines"],
        **{key: explained.get(key, []) for key in ("credits", "corrects", "corrected_by")},
        "warnings": [{"da": warning.da, "en": warning.en} for warning in invoice.warnings],
    }


def in_scope(session: Session, number: str) -> Row[Any]:
    """Give an invoice in the reader's scope. Raises NoSuchInvoice, for others' as for unknown ones."""
    is_number = number.isascii() and number.replace("-", "").isalnum()
    row = session.execute(_invoices().where(_COLUMNS.number == number)).first() if is_number else None
    if row is None:
        raise _no_such()
    return row


def _no_such() -> NoSuchInvoice:
    return NoSuchInvoice(Text("ingen faktura har det nummer", "no invoice has that number"))


# --- documents


@ground.reads(
    room, "/invoices/<number>/documents", "invoice.read", answers.Documents, parameters={"number": NUMBER}
)  # fmt: skip
def list_documents(query: object, number: str) -> Any:
    """List the documents of an invoice or credit note."""
    columns = Rendering.__table__.c
    with database.reading() as session:
        row = in_scope(session, number)
        found = session.execute(
            select(columns.format, columns.sha256, columns.rendered_at, func.length(columns.content).label("bytes"))
            .where(columns.invoice_id == row.id)
            .order_by(columns.format.desc())
        ).all()
    href = f"/api/v1/invoices/{row.number}/documents"
    return {"items": [dict(each._mapping) | {"href": f"{href}/{each.format}"} for each in found]}


@ground.reads(
    room, "/invoices/<number>/documents/<format>", "invoice.read", None, kinds=tuple(sorted(set(_KINDS.values()))),
    parameters={"number": NUMBER, "format": _FORMAT},
)  # fmt: skip
def document(query: object, number: str, **chosen: str) -> Any:
    """Give the bytes of a document; its ETag is their SHA-256."""
    columns, format_ = Rendering.__table__.c, chosen["format"]
    with database.reading() as session:
        row = in_scope(session, number)
        wanted = (columns.invoice_id == row.id, columns.format == (format_ if format_ in _KINDS else ""))
        found = session.execute(select(columns.content, columns.sha256).where(*wanted)).first()
    if found is None:
        raise NoSuchInvoice(same(f"{row.number}: ") + Text("det dokument er ikke dannet", "that document is not made"))
    response = Response(found.content, mimetype=_KINDS[format_])
    ending = "pdf" if format_ == "pdf" else "xml"
    response.headers["Content-Disposition"] = f'attachment; filename="{row.number}.{ending}"'
    response.set_etag(found.sha256)
    return response


# --- crediting


@ground.reads(room, "/credit-notes/proposals", "credit.prepare", answers.CreditsProposed)
def list_proposals(query: object) -> Any:
    """List the credit notes that wait for another person."""
    with database.reading() as session:
        found = proposals.open(session, "credit")
    return {"items": [_proposed(each, credit_proposals.order_of(each)) for each in found]}


def _proposed(proposal: Proposal, order: Order) -> dict[str, Any]:
    return {
        "id": proposal.id, "number": order.number, "lines": order.lines, "reason": order.reason,
        "then_reissue": order.then_reissue, "digest": proposal.digest, "proposed_by": proposal.proposed_by,
        "proposed_at": proposal.proposed_at,
    }  # fmt: skip


@ground.writes(room, "/credit-notes", "credit.prepare", CreditOrder, answers.PreparedCredit)
def prepare_credit(query: object, sent: Mapping[str, Any]) -> Any:
    """Credit an invoice: at once where the settings let one person do it, else by another person's approval."""

    def act(session: Session, trail: Trail) -> Answer:
        row = in_scope(session, sent["number"])
        order = Order(
            row.number, sent["reason"], trail.actor, layout.today(), tuple(sorted(set(sent.get("lines", ())))),
            then_reissue=sent["then_reissue"],
        )  # fmt: skip
        done = credit_proposals.prepare(session, order, association.seller(session, layout.config()), trail)
        told = {"number": done.issued and done.issued.number, "waiting": done.waiting and proposed(done.waiting)}
        return Answer(told, afterwards=lambda: _render(row) if done.issued else None)

    return writes.once(act)


def _render(row: Row[Any]) -> None:
    """Make the documents of what was issued; one that fails is missing, and is made by the next run of work."""
    with suppress(NotRendered):
        annual_work.render_all(InNameOf(layout.config(), access.current().actor), row.year, row.book)
