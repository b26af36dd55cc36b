"""The same work without us: what the machine gives to anybody who writes these rows and draws these pages.

Rows go into tables of the same columns and keys, without guards, references and further indexes.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from lxml import etree
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import Column, Engine, MetaData, Table, insert, select
from sqlalchemy.orm import Session, registry

import foundation
from billing import invoice_pdf
from billing.document import InvoiceDocument
from billing.gathering import INVOICES, LINES
from billing.invoices import INVOICES_AT_A_TIME, OUTBOX
from billing.ledger import ENTRIES, POSTINGS
from foundation import archive_form, audit
from foundation.letterhead import Paper
from foundation.tagged import Role

WRITTEN: tuple[Table, ...] = (INVOICES, LINES, ENTRIES, POSTINGS, OUTBOX, audit.ENTRIES)

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_NAMESPACES: Any = {  # lxml takes None for the default; its stubs do not
    None: f"{_UBL}Invoice-2", "cac": f"{_UBL}CommonAggregateComponents-2", "cbc": f"{_UBL}CommonBasicComponents-2",
}  # fmt: skip

#: The rows of one batch, by table, as they were issued.
Batch = Mapping[str, Sequence[dict[str, Any]]]


def batches(session: Session) -> Iterator[Batch]:
    """Read what was issued back, a batch at a time."""
    after = 0
    while True:
        ids = select(INVOICES.c.id, INVOICES.c.number).where(INVOICES.c.id > after).order_by(INVOICES.c.id)
        found = session.execute(ids.limit(INVOICES_AT_A_TIME)).all()
        if not found:
            return
        low, after = found[0].id, found[-1].id
        entries = select(ENTRIES.c.id).where(ENTRIES.c.invoice_id.between(low, after))
        of_batch = {
            INVOICES: INVOICES.c.id.between(low, after),
            LINES: LINES.c.invoice_id.between(low, after),
            ENTRIES: ENTRIES.c.invoice_id.between(low, after),
            POSTINGS: POSTINGS.c.entry_id.in_(entries),
            OUTBOX: OUTBOX.c.invoice_id.between(low, after),
            audit.ENTRIES: audit.ENTRIES.c.subject.in_([row.number for row in found]),
        }
        yield {
            table.name: [dict(row) for row in session.execute(select(table).where(condition)).mappings()]
            for table, condition in of_batch.items()
        }


def copies(engine: Engine, name: str) -> dict[str, Table]:
    """Make empty tables of the same columns and keys."""
    metadata = MetaData()
    made = {
        table.name: Table(
            f"{name}_{table.name}",
            metadata,
            *(Column(c.name, c.type, primary_key=c.primary_key, autoincrement=False) for c in table.columns),
        )
        for table in WRITTEN
    }
    metadata.create_all(engine)
    return made


def core_inserts(engine: Engine, listed: Iterator[Batch]) -> tuple[int, float]:
    """Insert the rows with bare Core, one statement a table and batch; give invoices and seconds."""
    tables, count, seconds = copies(engine, "core"), 0, 0.0
    for batch in listed:
        begun = time.perf_counter()
        with engine.begin() as connection:
            for name, rows in batch.items():
                connection.execute(insert(tables[name]), rows)
        seconds += time.perf_counter() - begun
        count += len(batch["invoice"])
    return count, seconds


def orm_loop(engine: Engine, listed: Iterator[Batch]) -> tuple[int, float]:
    """Add the rows as objects, one by one, and commit each batch; give invoices and seconds."""
    tables, count, seconds = copies(engine, "orm"), 0, 0.0
    kinds: dict[str, type[Any]] = {name: type(name, (), {}) for name in tables}
    mapped = registry()
    for name, kind in kinds.items():
        mapped.map_imperatively(kind, tables[name])
    for batch in listed:
        begun = time.perf_counter()
        with Session(engine) as session:
            for name, rows in batch.items():
                for row in rows:
                    session.add(kinds[name](**row))
            session.commit()
        seconds += time.perf_counter() - begun
        count += len(batch["invoice"])
    return count, seconds


def page() -> bytes:
    """Draw the least page: one line in an embedded typeface."""
    if "Bare" not in pdfmetrics.getRegisteredFontNames():
        file = Path(str(foundation.__file__)).parent / "fonts" / "IBMPlexSans-Regular.ttf"
        pdfmetrics.registerFont(TTFont("Bare", str(file)))
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1, pageCompression=1)
    canvas.setFont("Bare", 10)
    canvas.drawString(60, 780, "Vederlag 34.880,00 kr. æøå")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


class Untagged(Paper):
    """Paper without structure: what drawing the same page costs by itself."""

    def tag(self, role: Role, attributes: str = "") -> AbstractContextManager[None]:
        return _NOTHING

    def _mark_pen(self) -> None:
        self._penned = 0

    def _mark_ground(self) -> None:
        pass


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


_NOTHING = _Nothing()


def untagged(document: InvoiceDocument) -> bytes:
    """Make an invoice's PDF in its archive form, but without structure."""
    with archive_form._opened(drawn(document)) as pdf:
        archive_form._describe(pdf, invoice_pdf.about(document, "da"))
        return archive_form._saved(pdf)


def drawn(document: InvoiceDocument) -> bytes:
    """Draw an invoice without structure, and leave it as it comes."""
    paper = Untagged(invoice_pdf.about(document, "da"))
    invoice_pdf.draw(paper, document)
    return paper.drawn()


Shape = tuple[Any, ...]


def shape(xml: bytes) -> Shape:
    """Give a document's elements as plain tuples."""
    return _shape(etree.fromstring(xml))


def _shape(element: Any) -> Shape:
    return (element.tag, dict(element.attrib), element.text, [_shape(child) for child in element])


def tree(of: Shape) -> bytes:
    """Build a tree of the same elements and write it: what lxml takes without anything of ours."""
    root = etree.Element(of[0], nsmap=_NAMESPACES)
    _grow(root, of[3])
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _grow(parent: Any, children: Sequence[Shape]) -> None:
    for tag, attributes, words, inner in children:
        made = etree.SubElement(parent, tag, attributes)
        made.text = words
        _grow(made, inner)
