"""How far a year is, read from the facts: approved, issued, rendered, judged. Nothing of it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, func, literal, select
from sqlalchemy.orm import Session

from billing.approvals import APPROVALS, APPROVED
from billing.gathering import INVOICES, Book
from billing.renderings import FORMATS, RENDERINGS, XML_FORMATS
from billing.verdicts import VERDICTS


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a year in one book.

    `approved` are the invoices that are or may be issued, `issued` those with a number. Credit notes have documents,
    too: `documents` and `xml` are how many there shall be, `rendered` and `judged` how many there are. An XML counts
    as judged once any pack of rules has judged it.
    """

    approved: int
    issued: int
    documents: int
    rendered: int
    xml: int
    judged: int

    @property
    def is_complete(self) -> bool:
        """Tell whether all that is approved has a number and its documents; verdicts may wait for rules."""
        return self.issued == self.approved and self.rendered == self.documents


def of(session: Session, year: int, book: Book) -> Progress:
    """Count how far a year is, in one query."""
    outstanding, issued, all_issued, rendered, judged = session.execute(
        select(
            _outstanding(year, book),
            _issued(year, book, of_plan=True),
            _issued(year, book, of_plan=False),
            _rendered(year, book),
            _judged(year, book),
        )
    ).one()
    return Progress(
        approved=issued + outstanding,
        issued=issued,
        documents=all_issued * len(FORMATS),
        rendered=rendered,
        xml=all_issued * len(XML_FORMATS),
        judged=judged,
    )


def _outstanding(year: int, book: Book) -> ScalarSelect[Any]:
    """Count the invoices of the newest approval that have no number."""
    newest = (
        select(APPROVALS.c.id)
        .where(APPROVALS.c.year == year, APPROVALS.c.book == book)
        .order_by(APPROVALS.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    issued = select(literal(1)).where(INVOICES.c.approved_invoice_id == APPROVED.c.id)
    return _count(select(func.count()).where(APPROVED.c.approval_id == newest, ~issued.exists()))


def _issued(year: int, book: Book, *, of_plan: bool) -> ScalarSelect[Any]:
    found = select(func.count()).where(INVOICES.c.year == year, INVOICES.c.book == book)
    if of_plan:  # a credit note is approved in a book that no annual plan has
        found = (
            found.select_from(INVOICES)
            .join(APPROVED, INVOICES.c.approved_invoice_id == APPROVED.c.id)
            .join(APPROVALS, APPROVED.c.approval_id == APPROVALS.c.id)
            .where(APPROVALS.c.book == book)
        )
    return _count(found)


def _rendered(year: int, book: Book) -> ScalarSelect[Any]:
    joined = RENDERINGS.join(INVOICES, RENDERINGS.c.invoice_id == INVOICES.c.id)
    return _count(select(func.count()).select_from(joined).where(INVOICES.c.year == year, INVOICES.c.book == book))


def _judged(year: int, book: Book) -> ScalarSelect[Any]:
    joined = VERDICTS.join(RENDERINGS, VERDICTS.c.rendering_id == RENDERINGS.c.id).join(
        INVOICES, RENDERINGS.c.invoice_id == INVOICES.c.id
    )
    distinct = func.count(VERDICTS.c.rendering_id.distinct())
    return _count(select(distinct).select_from(joined).where(INVOICES.c.year == year, INVOICES.c.book == book))


def _count(found: Any) -> ScalarSelect[Any]:
    counted: ScalarSelect[Any] = found.scalar_subquery()
    return counted
