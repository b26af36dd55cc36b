"""Courtesy copies: a mail with PDF and XML to an agreement's contact, once its document was handed over.

The e-invoice is the invoice; the mail is for who asks for it. It is a letter written in the same transaction as the
note of the handing over, once for each document and contact, and sent like every letter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from agreements import offered
from agreements.connections import AGREEMENTS
from app.config import Config
from authorities.membership import MEMBERSHIPS
from billing import renderings
from billing.document import InvoiceDocument, from_json
from billing.gathering import INVOICES, LINES
from foundation import letters
from foundation.audit import Trail
from foundation.language import day, kroner
from foundation.letters import Enclosure, Letter

KIND = "document_copy"


def write(session: Session, numbers: Collection[str], trail: Trail, config: Config) -> list[int]:
    """Write the copies of documents that were handed over, to the contacts that are known. Needs the writer's lock."""
    named = contacts(session, numbers)
    if not named:
        return []
    found = select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.document).where(INVOICES.c.number.in_(named))
    wanted = [letter for row in session.execute(found) for letter in _letters(session, row, named[row.number])]
    return letters.write(session, wanted, trail, sender=config.mail.sender)


def contacts(session: Session, numbers: Collection[str]) -> dict[str, list[str]]:
    """Give the contacts' mail addresses by number: those that the agreements behind a document's lines name.

    Where these name none, those of the billing details of its agreements and memberships.
    """
    named = _named(session, numbers)
    lacking = [number for number in numbers if number not in named]
    return named | _kept(session, lacking) if lacking else named


def _named(session: Session, numbers: Collection[str]) -> dict[str, list[str]]:
    rows = session.execute(
        select(INVOICES.c.number, AGREEMENTS.c.offer_id)
        .join(LINES, LINES.c.invoice_id == INVOICES.c.id)
        .join(AGREEMENTS, AGREEMENTS.c.id == LINES.c.agreement_id)
        .where(INVOICES.c.number.in_(numbers), AGREEMENTS.c.offer_id.is_not(None))
        .distinct()
        .order_by(INVOICES.c.number, AGREEMENTS.c.offer_id)
    ).all()
    offers = offered.many(session, {row.offer_id for row in rows})
    mails = {each.id: each.document.billing.contact_mail for each in offers}
    return _listed((row.number, mails.get(row.offer_id, "")) for row in rows)


def _kept(session: Session, numbers: Collection[str]) -> dict[str, list[str]]:
    agreed, joined = AGREEMENTS.c.contact_mail, MEMBERSHIPS.c.contact_mail
    rows = session.execute(
        select(INVOICES.c.number, func.coalesce(agreed, joined).label("mail"))
        .join(LINES, LINES.c.invoice_id == INVOICES.c.id)
        .outerjoin(AGREEMENTS, AGREEMENTS.c.id == LINES.c.agreement_id)
        .outerjoin(MEMBERSHIPS, MEMBERSHIPS.c.id == LINES.c.membership_id)
        .where(INVOICES.c.number.in_(numbers), or_(agreed.is_not(None), joined.is_not(None)))
        .distinct()
        .order_by(INVOICES.c.number, "mail")
    )
    return _listed((row.number, row.mail) for row in rows)


def _listed(mails: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Give the right addresses by number, each once."""
    found: dict[str, list[str]] = {}
    for number, mail in mails:
        if mail and letters.address_fault(mail) is None and mail not in found.setdefault(number, []):
            found[number].append(mail)
    return {number: listed for number, listed in found.items() if listed}


def _letters(session: Session, row: Any, mails: Collection[str]) -> Iterator[Letter]:
    number, document = row.number, from_json(row.document)
    kept = {format_: renderings.one(session, row.id, format_) for format_ in ("pdf", document.references.format)}
    enclosures = tuple(
        Enclosure(f"{number}.{'pdf' if format_ == 'pdf' else 'xml'}", one.content,
                  "application/pdf" if format_ == "pdf" else "application/xml")
        for format_, one in kept.items() if one is not None
    )  # fmt: skip
    for mail in mails:
        yield Letter(KIND, number, mail, _title(document), _body(document), enclosures)


def _title(document: InvoiceDocument) -> str:
    what = "kreditnota" if document.kind == "credit_note" else "faktura"
    return f"Kopi af {what} {document.number} fra {document.seller.name}"


def _body(document: InvoiceDocument) -> str:
    is_note = document.kind == "credit_note"
    place = f"GLN {document.references.gln}" if document.references.endpoint == "gln" else f"CVR {document.buyer.cvr}"
    due = "" if is_note else f", som forfalder {day(document.due_on).da}"
    return (
        "Goddag\n\n"
        f"{document.seller.name} har sendt {'kreditnota' if is_note else 'faktura'} {document.number} "
        f"på {kroner(document.gross).da}{due}, til {document.buyer.name} som e-faktura ({place}).\n\n"
        "Vedhæftet er en kopi som PDF og XML. Den er til orientering: det er e-fakturaen, der gælder, "
        "og den skal ikke bogføres to gange.\n\n"
        f"Venlig hilsen\n{document.seller.name}\n"
    )
