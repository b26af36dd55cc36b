"""`make bench`: prints how fast the annual run is on this machine, per database and size, beside bare work.

Figures of one run are comparable with each other; those of two machines, or of a busy one, are not.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import event, insert, select, text
from sqlalchemy.orm import Session

import foundation
from app import create_app, migrating
from app.cli.service import Service
from app.config import Config, read
from benchmarks import registers
from billing import annual_run, approvals, document, invoice_pdf, invoices, seller
from billing.einvoice import peppol
from billing.gathering import INVOICES, LINES
from billing.invoices import OUTBOX, Terms
from billing.ledger import ENTRIES, POSTINGS
from tests.postgresql_server import PostgreSQLServer

_ON = date(registers.YEAR, 1, 15)
_DOCUMENTS = 200
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_NAMESPACES: Any = {  # lxml takes None for the default; its stubs do not
    None: f"{_UBL}Invoice-2", "cac": f"{_UBL}CommonAggregateComponents-2", "cbc": f"{_UBL}CommonBasicComponents-2",
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("sizes", type=int, nargs="*", default=[100, 1_000], help="numbers of authorities")
    sizes = options.parse_args().sizes
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}, {date.today()}")
    print(f"{registers.PRODUCTS_EACH} agreements an authority; three of four are members and pay dues\n")
    print(f"{'database':<11}{'N':>7}{'plan s':>9}{'queries':>9}{'approve s':>11}{'issue s':>9}{'invoices/s':>12}"
          f"{'of bare inserts':>17}")  # fmt: skip
    found: list[str] = []
    for kind in ("sqlite", "postgresql"):
        for size in sizes:
            found = _annual_run(kind, size)
    _documents(found[:_DOCUMENTS])


def _annual_run(kind: str, size: int) -> list[str]:
    with _database(kind) as service:
        with service.writing("benchmark") as (session, _):
            registers.fill(session, size)
        own = seller.made_up()
        with service.reading() as session, _counted_queries(session) as queries:
            planned, made = _timed(lambda: annual_run.plan(session, registers.YEAR, own))
        approved, _ = _timed(lambda: _approve(service, made.digest))
        issued, numbers = _timed(lambda: _issue(service))
        with service.reading() as session:
            documents = list(session.execute(select(INVOICES.c.document)).scalars())
            bare = _bare_inserts(session)
        print(f"{kind:<11}{size:>7}{planned:>9.2f}{queries[0]:>9}{approved:>11.2f}{issued:>9.2f}"
              f"{numbers / issued:>12.0f}{bare / issued:>16.0%}")  # fmt: skip
        return documents


def _approve(service: Service, digest: str) -> None:
    with service.writing("benchmark") as (session, trail):
        approvals.approve(session, registers.YEAR, digest, seller.made_up(), trail)


def _issue(service: Service) -> int:
    terms, numbers = Terms(registers.YEAR, "real", _ON, seller.made_up()), 0
    with service.reading() as session:
        invoices.check(session, terms)
    while True:
        with service.writing("benchmark") as (session, trail):
            batch = invoices.issue_batch(session, terms, trail)
        if not batch:
            return numbers
        numbers += len(batch)


def _bare_inserts(session: Session) -> float:
    """Time bare Core inserts of the same rows, in the same batches, into tables of the same shape without guards."""
    engine = session.get_bind().engine
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in (INVOICES, LINES, ENTRIES, POSTINGS, OUTBOX):
        rows[table.name] = [dict(row) for row in session.execute(select(table)).mappings()]
    session.rollback()
    copies = {}
    with engine.connect() as connection:
        for table in (INVOICES, LINES, ENTRIES, POSTINGS, OUTBOX):
            copies[table.name] = table.to_metadata(table.metadata.__class__(), name=f"bare_{table.name}")
            connection.execute(text(f"CREATE TABLE bare_{table.name} AS SELECT * FROM {table.name} WHERE 1 = 0"))
        connection.commit()
    begun = time.perf_counter()
    batches = -(-len(rows["invoice"]) // invoices.INVOICES_AT_A_TIME)
    for nth in range(batches):
        with engine.begin() as connection:
            for name, listed in rows.items():
                share = -(-len(listed) // batches)
                if piece := listed[nth * share : (nth + 1) * share]:
                    connection.execute(insert(copies[name]), piece)
    return time.perf_counter() - begun


def _documents(texts: list[str]) -> None:
    values = [document.from_json(text) for text in texts]
    invoice_pdf.render(values[0])
    pdf, _ = _timed(lambda: [invoice_pdf.render(value) for value in values])
    xml, _ = _timed(lambda: [peppol.render(value) for value in values])
    bare_pdf, _ = _timed(lambda: [_bare_page() for _ in values])
    shape = _shape(etree.fromstring(peppol.render(values[0])))
    bare_xml, _ = _timed(lambda: [_bare_xml(shape) for _ in values])
    print(f"\n{'one core':<26}{'each second':>12}{'of bare':>10}")
    print(f"{'PDF of nine lines':<26}{len(values) / pdf:>12.0f}{bare_pdf / pdf:>10.0%}   a canvas page, embedded font")
    print(
        f"{'Peppol XML of nine lines':<26}{len(values) / xml:>12.0f}{bare_xml / xml:>10.0%}   lxml, the same elements"
    )


def _bare_page() -> bytes:
    if "Bare" not in pdfmetrics.getRegisteredFontNames():
        file = Path(foundation.__file__).parent / "fonts" / "IBMPlexSans-Regular.ttf"
        pdfmetrics.registerFont(TTFont("Bare", str(file)))
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1, pageCompression=1)
    canvas.setFont("Bare", 10)
    for line in range(40):
        canvas.drawString(60, 780 - 18 * line, f"Linje {line}: vederlag 34.880,00 kr. æøå")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _shape(element: Any) -> tuple[Any, ...]:
    return (element.tag, dict(element.attrib), element.text, [_shape(child) for child in element])


def _bare_xml(shape: tuple[Any, ...]) -> bytes:
    """Build a tree of the same elements and write it: what lxml takes without anything of ours."""

    def fill(parent: Any, children: list[tuple[Any, ...]]) -> None:
        for tag, attributes, words, inner in children:
            made = etree.SubElement(parent, tag, attributes)
            made.text = words
            fill(made, inner)

    root = etree.Element(shape[0], nsmap=_NAMESPACES)
    fill(root, shape[3])
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


@contextmanager
def _counted_queries(session: Session) -> Iterator[list[int]]:
    count = [0]

    def heard(*_: object) -> None:
        count[0] += 1

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", heard)
    yield count
    event.remove(engine, "before_cursor_execute", heard)


@contextmanager
def _database(kind: str) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield from _service(f"sqlite:///{folder}/bench.sqlite", folder)
            return
        with PostgreSQLServer() as server:
            yield from _service(server.create("bench"), folder)


def _service(url: str, folder: str) -> Iterator[Service]:
    config: Config = read({"OS2TILSLUT_DATABASE_URL": url, "OS2TILSLUT_DATA_DIR": folder})
    service = Service(config, create_app(config))
    with service.app.app_context():
        migrating.upgrade()
    yield service
    service.close()


if __name__ == "__main__":
    main()
