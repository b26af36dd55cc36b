"""The bytes of issued invoices: made once from the stored document, kept, and never made differently again.

What is missing is found by state, so rendering that was interrupted goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from billing.document import from_json
from billing.gathering import INVOICES, Book
from billing.models import Rendering
from foundation import append_only
from foundation.audit import Trail, sha256

RENDERINGS: Table = Rendering.__table__  # type: ignore[assignment]

PDF, PEPPOL = "pdf", "peppol"
FORMATS = (PDF, PEPPOL)


@dataclass(frozen=True, slots=True)
class Task:
    """One document that is to be rendered: plain values, so that another process can do it."""

    invoice_id: int
    number: str
    format: str
    document: str


def render(task: Task) -> bytes:
    """Render one document. Touches no database; the same task always gives the same bytes."""
    return _renderer(task.format)(task.document)


@dataclass(frozen=True, slots=True)
class Failed:
    """A document that could not be rendered, and why."""

    reason: str


def attempt(task: Task) -> bytes | Failed:
    """Render one document, or tell why it cannot be; what holds for every document (no typeface) is raised."""
    try:
        return render(task)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Failed(f"{type(error).__name__}: {error}")


def _renderer(format_: str) -> Callable[[str], bytes]:
    # Imported late: a command that renders nothing does not wait for reportlab and lxml.
    if format_ == PDF:
        from billing import invoice_pdf

        return lambda text: invoice_pdf.render(from_json(text))
    from billing.einvoice import peppol

    return lambda text: peppol.render(from_json(text))


def missing(
    session: Session, year: int, book: Book, *, at_most: int, failed: Collection[tuple[str, str]] = ()
) -> list[Task]:
    """Give the next documents of a year that have no bytes yet, but for those that failed, by (format, number)."""
    tasks: list[Task] = []
    for format_ in FORMATS:
        made = select(RENDERINGS.c.invoice_id).where(RENDERINGS.c.format == format_)
        left_out = [number for of, number in failed if of == format_]
        rows = session.execute(
            select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.document)
            .where(
                INVOICES.c.year == year,
                INVOICES.c.book == book,
                INVOICES.c.id.not_in(made),
                INVOICES.c.number.not_in(left_out),
            )
            .order_by(INVOICES.c.id)
            .limit(at_most - len(tasks))
        )
        tasks += [Task(row.id, row.number, format_, row.document) for row in rows]
    return tasks


def count_missing(session: Session, year: int, book: Book) -> int:
    """Count the documents of a year that have no bytes yet."""
    made = session.execute(
        select(func.count())
        .select_from(RENDERINGS.join(INVOICES, RENDERINGS.c.invoice_id == INVOICES.c.id))
        .where(INVOICES.c.year == year, INVOICES.c.book == book)
    ).scalar()
    return count_issued(session, year, book) * len(FORMATS) - (made or 0)


def count_issued(session: Session, year: int, book: Book) -> int:
    """Count the issued invoices and credit notes of a year."""
    of_year = (INVOICES.c.year == year, INVOICES.c.book == book)
    return session.execute(select(func.count()).select_from(INVOICES).where(*of_year)).scalar() or 0


def store(session: Session, rendered: Sequence[tuple[Task, bytes]], trail: Trail) -> None:
    """Keep rendered bytes; those that someone else kept meanwhile are left as they are. Needs the writer's lock."""
    ids = {task.invoice_id for task, _ in rendered}
    columns = RENDERINGS.c
    rows = session.execute(select(columns.invoice_id, columns.format).where(columns.invoice_id.in_(ids)))
    kept = {(row.invoice_id, row.format) for row in rows}
    next_id = append_only.next_id(session, RENDERINGS)
    new: list[dict[str, Any]] = []
    for task, content in rendered:
        if (task.invoice_id, task.format) not in kept:
            new.append(_row(next_id + len(new), task, content, trail))
    append_only.add(session, RENDERINGS, new)
    if new:
        trail.record("documents.rendered", f"{len(new)}", rows=[(RENDERINGS, row) for row in new])


def _row(id_: int, task: Task, content: bytes, trail: Trail) -> dict[str, Any]:
    return {
        "id": id_,
        "invoice_id": task.invoice_id,
        "format": task.format,
        "sha256": sha256(content),
        "content": content,
        "rendered_at": trail.at,
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """An issued invoice's documents, as kept: bytes by format, and the value they were made of."""

    number: str
    document: str
    content: Mapping[str, bytes]


def kept(session: Session, year: int, book: Book, *, after: int, at_most: int) -> list[tuple[int, Kept]]:
    """Give the next invoices and credit notes of a year with their bytes, as (id, documents), in the order of issue."""
    invoices = session.execute(
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.document)
        .where(INVOICES.c.year == year, INVOICES.c.book == book, INVOICES.c.id > after)
        .order_by(INVOICES.c.id)
        .limit(at_most)
    ).all()
    content: dict[int, dict[str, bytes]] = {row.id: {} for row in invoices}
    for row in session.execute(select(RENDERINGS).where(RENDERINGS.c.invoice_id.in_(content))):
        content[row.invoice_id][row.format] = row.content
    return [(row.id, Kept(row.number, row.document, content[row.id])) for row in invoices]
