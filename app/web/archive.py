"""All documents of a year as one ZIP file, written while it is sent: memory holds a few documents, however many there
are, and no connection to the database is kept while a slow reader reads.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app import access, database
from billing import renderings
from billing.document import from_json
from billing.gathering import Book
from billing.models import Invoice
from billing.renderings import FORMATS, PDF, RENDERINGS
from foundation.errors import Conflict, NotFound
from foundation.language import Text

_AT_A_TIME = 20  # invoices

#: What a receiver is sent, or one format for all.
CHOICES = ("receiver", *renderings.XML_FORMATS)


class NotMadeYet(Conflict):
    """Some of the documents asked for are not made yet; half an archive would look like a whole one."""


def found(session: Session, year: int, book: Book) -> list[int]:
    """Give the ids of a year's invoices and credit notes within the person's scope, in the order of their numbers.

    Raises NotFound where there are none, and NotMadeYet.
    """
    ids = list(session.execute(_narrowed(select(Invoice.id), year, book).order_by(Invoice.number)).scalars())
    if not ids:
        raise NotFound(Text(f"{year} har ingen dokumenter endnu", f"{year} has no documents yet"))
    joined = select(func.count()).select_from(Invoice).join(RENDERINGS, RENDERINGS.c.invoice_id == Invoice.id)
    lacking = len(ids) * len(FORMATS) - session.execute(_narrowed(joined, year, book)).scalar_one()
    if lacking:
        raise NotMadeYet(
            Text(
                f"{lacking} dokumenter for {year} er ikke dannet endnu; vent, eller fortsæt udstedelsen",
                f"{lacking} documents of {year} are not made yet; wait until they are, or continue issuing",
            )
        )
    return ids


def _narrowed(statement: Select[Any], year: int, book: Book) -> Select[Any]:
    return access.invoices(statement.where(Invoice.year == year, Invoice.book == book))


def stream(ids: Sequence[int], form: str, *, english: bool) -> Iterator[bytes]:
    """Write the archive piece by piece; needs an application context. The ids are within the person's scope."""
    written = _Written()
    with zipfile.ZipFile(written, "w") as archive:
        for start in range(0, len(ids), _AT_A_TIME):
            for issued_on, name, content in _documents(ids[start : start + _AT_A_TIME], form, english=english):
                info = zipfile.ZipInfo(name, (issued_on.year, issued_on.month, issued_on.day, 0, 0, 0))
                # A PDF is compressed already; an XML carries it as letters, which shrink again.
                info.compress_type = zipfile.ZIP_STORED if name.endswith(".pdf") else zipfile.ZIP_DEFLATED
                archive.writestr(info, content, compresslevel=1)
                yield written.taken()
    yield written.taken()


def _documents(ids: Sequence[int], form: str, *, english: bool) -> Iterator[tuple[date, str, bytes]]:
    with database.reading() as session:
        columns = (Invoice.id, Invoice.number, Invoice.issued_on, Invoice.document)
        invoices = {row.id: row for row in session.execute(select(*columns).where(Invoice.id.in_(ids)))}
        kept = session.execute(select(RENDERINGS).where(RENDERINGS.c.invoice_id.in_(ids)))
        contents = {(row.invoice_id, row.format): row.content for row in kept}
    for id_ in ids:
        row = invoices[id_]
        if english:
            yield row.issued_on, f"{row.number}.en.pdf", _in_english(row.document)
        yield row.issued_on, f"{row.number}.pdf", contents[id_, PDF]
        chosen = renderings.receivers_format(row.document) if form == "receiver" else form
        yield row.issued_on, f"{row.number}.xml", contents[id_, chosen]


def _in_english(document: str) -> bytes:
    from billing import invoice_pdf  # late: a page does not wait for reportlab

    return invoice_pdf.render(from_json(document), "en")


class _Written(io.RawIOBase):
    """A file that only grows; what was written since is taken out of it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        """Say that it may be written."""
        return True

    def write(self, piece: Any) -> int:
        """Keep a piece until it is taken."""
        self._pieces.append(bytes(piece))
        self._length += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        """Give how much was written altogether."""
        return self._length

    def taken(self) -> bytes:
        """Take out what was written since."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
