"""The bytes of issued invoices: made once from the stored document, kept, and never made differently again.

What is missing is found by state, so rendering that was interrupted goes on where it was.

Attachments travel both ways: the bare XML of the receiver's format goes into the PDF, and that PDF goes into the XML
of each format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from billing.document import USUAL_FORMAT, InvoiceDocument, from_json
from billing.gathering import INVOICES, Book
from billing.models import Rendering
from foundation import append_only
from foundation.audit import Trail, sha256

RENDERINGS: Table = Rendering.__table__  # type: ignore[assignment]

PDF, PEPPOL, OIOUBL = "pdf", "peppol", "oioubl"
FORMATS = (PDF, PEPPOL, OIOUBL)
XML_FORMATS = (PEPPOL, OIOUBL)


@dataclass(frozen=True, slots=True)
class Task:
    """The documents of one invoice that are to be rendered: plain values, so that another process can do it.

    `pdf` is the kept one where there is one already.
    """

    invoice_id: int
    number: str
    formats: tuple[str, ...]
    document: str
    pdf: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A document that could not be rendered, and why."""

    reason: str


def render(task: Task) -> dict[str, bytes]:
    """Render one invoice's documents. Touches no database; the same task always gives the same bytes."""
    document = from_json(task.document)
    pdf = task.pdf or _pdf(document)
    return {format_: pdf if format_ == PDF else _xml(format_)(document, pdf) for format_ in task.formats}


def attempt(task: Task) -> dict[str, bytes] | Failed:
    """Render one invoice's documents, or tell why they cannot be; what holds for all (no typeface) is raised."""
    try:
        return render(task)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Failed(f"{type(error).__name__}: {error}")


def _pdf(document: InvoiceDocument) -> bytes:
    from billing import invoice_pdf  # late: a command that renders nothing does not wait for reportlab

    bare = _xml(document.references.format)(document, None)
    return invoice_pdf.render(document, attached_xml=bare)


def _xml(format_: str) -> Callable[[InvoiceDocument, bytes | None], bytes]:
    from billing.einvoice import oioubl, peppol  # late: a command that renders nothing does not wait for lxml

    return oioubl.render if format_ == OIOUBL else peppol.render


def receivers_format(document: str) -> str:
    """Give the format that the receiver of a stored document takes."""
    return str(json.loads(document)["references"].get("format", USUAL_FORMAT))


def missing(session: Session, year: int, book: Book, *, at_most: int, failed: Collection[str] = ()) -> list[Task]:
    """Give the next invoices of a year that lack bytes in a format, but for those that failed, by number."""
    made = (
        select(RENDERINGS.c.invoice_id)
        .where(RENDERINGS.c.format.in_(FORMATS))
        .group_by(RENDERINGS.c.invoice_id)
        .having(func.count() == len(FORMATS))
    )
    rows = session.execute(
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.document)
        .where(
            INVOICES.c.year == year,
            INVOICES.c.book == book,
            INVOICES.c.id.not_in(made),
            INVOICES.c.number.not_in(failed),
        )
        .order_by(INVOICES.c.id)
        .limit(at_most)
    ).all()
    return list(_tasks(session, rows))


def _tasks(session: Session, rows: Sequence[Any]) -> Iterator[Task]:
    of_rows = RENDERINGS.c.invoice_id.in_([row.id for row in rows])
    made = session.execute(select(RENDERINGS.c.invoice_id, RENDERINGS.c.format).where(of_rows))
    kept = {(row.invoice_id, row.format) for row in made}
    pdfs: dict[int, bytes] = {}
    if kept:
        columns = select(RENDERINGS.c.invoice_id, RENDERINGS.c.content)
        found = session.execute(columns.where(of_rows, RENDERINGS.c.format == PDF))
        pdfs = {row.invoice_id: row.content for row in found}
    for row in rows:
        lacking = tuple(format_ for format_ in FORMATS if (row.id, format_) not in kept)
        yield Task(row.id, row.number, lacking, row.document, pdfs.get(row.id))


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


def store(session: Session, rendered: Sequence[tuple[Task, Mapping[str, bytes]]], trail: Trail) -> None:
    """Keep rendered bytes; those that someone else kept meanwhile are left as they are. Needs the writer's lock."""
    ids = {task.invoice_id for task, _ in rendered}
    columns = RENDERINGS.c
    rows = session.execute(select(columns.invoice_id, columns.format).where(columns.invoice_id.in_(ids)))
    kept = {(row.invoice_id, row.format) for row in rows}
    next_id = append_only.next_id(session, RENDERINGS)
    new: list[dict[str, Any]] = []
    for task, contents in rendered:
        for format_, content in contents.items():
            if (task.invoice_id, format_) not in kept:
                new.append(_row(next_id + len(new), task.invoice_id, (format_, content), trail))
    append_only.add(session, RENDERINGS, new)
    if new:
        trail.record("documents.rendered", f"{len(new)}", rows=[(RENDERINGS, row) for row in new])


def _row(id_: int, invoice_id: int, rendered: tuple[str, bytes], trail: Trail) -> dict[str, Any]:
    format_, content = rendered
    return {
        "id": id_,
        "invoice_id": invoice_id,
        "format": format_,
        "sha256": sha256(content),
        "content": content,
        "rendered_at": trail.at,
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """An issued invoice's documents, as kept: bytes and rows' ids by format, and the value they were made of."""

    number: str
    document: str
    content: Mapping[str, bytes]
    ids: Mapping[str, int] = field(default_factory=dict)


def kept(session: Session, year: int, book: Book, *, after: int, at_most: int) -> list[tuple[int, Kept]]:
    """Give the next invoices and credit notes of a year with their bytes, as (id, documents), in the order of issue."""
    invoices = session.execute(
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.document)
        .where(INVOICES.c.year == year, INVOICES.c.book == book, INVOICES.c.id > after)
        .order_by(INVOICES.c.id)
        .limit(at_most)
    ).all()
    content: dict[int, dict[str, bytes]] = {row.id: {} for row in invoices}
    ids: dict[int, dict[str, int]] = {row.id: {} for row in invoices}
    for row in session.execute(select(RENDERINGS).where(RENDERINGS.c.invoice_id.in_(content))):
        content[row.invoice_id][row.format] = row.content
        ids[row.invoice_id][row.format] = row.id
    return [(row.id, Kept(row.number, row.document, content[row.id], ids[row.id])) for row in invoices]


@dataclass(frozen=True, slots=True)
class OneKept:
    """The bytes of one document, with their SHA-256."""

    content: bytes
    sha256: str


def content(session: Session, id_: int) -> bytes:
    """Give the bytes of a rendering that is kept."""
    found: bytes = session.execute(select(RENDERINGS.c.content).where(RENDERINGS.c.id == id_)).scalar_one()
    return found


def contents(session: Session, ids: Collection[int]) -> dict[int, bytes]:
    """Give the bytes of renderings that are kept, by id."""
    rows = session.execute(select(RENDERINGS.c.id, RENDERINGS.c.content).where(RENDERINGS.c.id.in_(ids)))
    return {row.id: row.content for row in rows}


def one(session: Session, invoice_id: int, format_: str) -> OneKept | None:
    """Give an invoice's document of one format as kept, in one query; None where it is not made yet."""
    columns = RENDERINGS.c
    found = select(columns.content, columns.sha256).where(columns.invoice_id == invoice_id, columns.format == format_)
    row = session.execute(found).first()
    return None if row is None else OneKept(row.content, row.sha256)
